from pathlib import Path

import pytest

from brokerwire.simulator import Simulator


async def test_every_host_is_served_and_prodata_has_a_port_of_its_own(venue):
    endpoints = venue.simulator.endpoints
    assert set(endpoints) == {"site", "stream", "prodata"}
    ports = {key: address.rpartition(":")[2] for key, address in endpoints.items()}
    assert {ports[key] for key in endpoints if key != "prodata"} == {ports["site"]}
    assert ports["prodata"] != ports["site"]


async def test_credentials_sign_a_client_in(venue):
    credentials = venue.simulator.credentials
    assert set(credentials) == {"username", "password", "sessionid", "sessionid_sign", "auth_token"}
    async with venue.dial(token=credentials["auth_token"]) as dial:
        await dial.chart(bars=5)


def test_a_recording_is_refused(tmp_path: Path):
    (tmp_path / "BINANCE.0").write_text("https://h.example/api/v3/exchangeInfo -> 90.0: {}\nconfiguration: {}\n")
    (tmp_path / "BINANCE.ws.1.0").write_text("wss://h.example:9443/stream?streams=a@trade <-> 99.9\n")
    with pytest.raises(ValueError, match="tradingview front has no replay"):
        Simulator("tradingview", replay=tmp_path)


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match="tradingview settings"):
        Simulator("tradingview", settings={"unheard_of": 1})


async def test_the_market_is_the_same_for_the_same_seed(new_venue):
    pages = []
    for _ in range(2):
        async with new_venue() as venue, venue.dial() as dial:
            packets = await dial.chart(resolution="1D", bars=100)
            pages.append([packet["p"][1]["sds_1"]["s"] for packet in packets if packet.get("m") == "timescale_update"])
    assert pages[0] == pages[1]


async def test_with_the_real_calendar_a_stock_has_its_hours(new_venue):
    async with new_venue(calendar="real") as venue, venue.dial() as dial:
        packets = await dial.chart("NASDAQ:AAPL", "60", bars=14)
        info = next(packet["p"][2] for packet in packets if packet.get("m") == "symbol_resolved")
        assert (info["session"], info["timezone"]) == ("0930-1600", "America/New_York")
        page = next(packet["p"][1]["sds_1"]["s"] for packet in packets if packet.get("m") == "timescale_update")
        assert all(point["v"][0] % 3600 == 1800 for point in page)


async def test_descriptions_can_hold_what_looks_like_framing(new_venue):
    async with new_venue(settings={"texts": "tricky"}) as venue, venue.dial() as dial:
        packets = await dial.chart("NASDAQ:AAPL", bars=5)
        info = next(packet["p"][2] for packet in packets if packet.get("m") == "symbol_resolved")
        assert info["description"].startswith("Apple Inc ~m~3~m~")
        assert not info["description"].isascii()
        assert (await venue.get("/symbols/NASDAQ-AAPL"))[0] == 200


async def test_lengths_can_count_bytes(new_venue):
    async with new_venue(settings={"texts": "tricky", "lengths": "bytes"}) as venue, venue.dial() as dial:
        await dial.send("chart_create_session", "cs_a", "")
        await dial.send("resolve_symbol", "cs_a", "sym_1", "NASDAQ:AAPL")
        while True:
            text = (await dial.socket.receive(timeout=10)).data
            if "symbol_resolved" in text:
                break
        data = text.encode()
        assert data.startswith(b"~m~%d~m~" % (len(data) - len(b"~m~1234~m~")))
