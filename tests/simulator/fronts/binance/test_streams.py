"""The market streams as a client sees them."""

import aiohttp
import msgspec
import pytest


async def test_raw_connection_gets_bare_events(venue, read):
    async with venue.connect("/ws/btcusdt@trade") as socket:
        event = await read(socket)
    assert list(event) == ["e", "E", "s", "t", "p", "q", "T", "m", "M"]
    assert (event["e"], event["s"]) == ("trade", "BTCUSDT")


async def test_combined_connection_gets_wrapped_events_and_bare_replies(venue, read, read_until):
    async with venue.connect("/stream") as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": ["ethusdt@bookTicker"], "id": 1})
        assert await read(socket) == {"result": None, "id": 1}
        event = await read_until(socket, lambda message: "stream" in message)
    assert event["stream"] == "ethusdt@bookTicker"
    assert list(event["data"]) == ["u", "s", "b", "B", "a", "A"]


async def test_property_switches_the_framing(venue, read, read_until):
    async with venue.connect("/ws/btcusdt@trade") as socket:
        await socket.send_json({"method": "SET_PROPERTY", "params": ["combined", True], "id": 1})
        await read_until(socket, lambda message: message == {"result": None, "id": 1})
        event = await read_until(socket, lambda message: "stream" in message)
    assert event["stream"] == "btcusdt@trade"


async def test_microseconds_are_asked_for_in_the_url(venue, read):
    async with venue.connect("/stream?streams=btcusdt@trade&timeUnit=MICROSECOND") as socket:
        event = await read(socket)
    assert event["data"]["T"] > 10**15


async def test_unknown_time_unit_is_refused_at_the_door(venue):
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with venue.connect("/stream?timeUnit=HOUR"):
            pass
    assert caught.value.status == 400


async def test_unknown_symbols_and_misspelt_urls_are_accepted_and_silent(venue, read):
    async with venue.connect("/stream?streams=nope@trade/btcusdt@depth@100mss/BTCUSDT@trade") as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": ["nix@depth"], "id": 1})
        assert await read(socket) == {"result": None, "id": 1}
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        assert len((await read(socket))["result"]) == 4


async def test_more_than_1024_streams_are_refused(venue, read):
    names = [f"s{n}@trade" for n in range(1025)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with venue.connect("/stream?streams=" + "/".join(f"{n}@trade" for n in range(1025))):
            pass
    assert caught.value.status in (400, 414)
    async with venue.connect("/stream") as socket:
        for start in range(0, 1024, 256):
            await socket.send_json({"method": "SUBSCRIBE", "params": names[start : start + 256], "id": start})
            assert "result" in await read(socket)
        await socket.send_json({"method": "SUBSCRIBE", "params": names[1024:], "id": 9})
        assert (await read(socket))["code"] == 2


async def test_subscriptions_are_journalled_by_topic(venue, read):
    async with venue.connect("/stream?streams=btcusdt@trade") as socket:
        await socket.send_json({"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 1})
        await venue.simulator.journal.wait_for("unsubscribe", topic="btcusdt@trade")
    await venue.simulator.journal.wait_for("stream_close")
    journal = venue.simulator.journal
    assert journal.count("dial") == journal.count("stream_open") == journal.count("subscribe") == 1


async def test_every_stream_of_the_sheet_sends_something(venue, read):
    kinds = (
        "trade aggTrade bookTicker kline_1s kline_1m@+08:00 depth depth@100ms depth5 depth20@100ms ticker miniTicker "
        "ticker_1h avgPrice"
    )
    wanted = {f"btcusdt@{kind}" for kind in kinds.split()} | {"!miniTicker@arr", "!ticker_4h@arr"}
    async with venue.connect("/stream?streams=" + "/".join(sorted(wanted))) as socket:
        while wanted:
            wanted.discard((await read(socket))["stream"])


async def test_stream_trades_are_the_ones_that_rest_tells(venue, read):
    async with venue.connect("/ws/btcusdt@trade") as socket:
        events = [await read(socket) for _ in range(4)]
    ids = [event["t"] for event in events]
    assert ids == list(range(ids[0], ids[0] + 4))
    _, rows = await venue.get("historicalTrades", symbol="BTCUSDT", fromId=str(ids[0]), limit="4")
    assert [(r["id"], r["price"], r["qty"], r["isBuyerMaker"]) for r in rows] == [
        (e["t"], e["p"], e["q"], e["m"]) for e in events
    ]
    assert msgspec.json.encode(rows[0]["time"]) == msgspec.json.encode(events[0]["T"])


async def test_list_longer_than_the_limit_is_refused_at_the_door(new_venue):
    async with new_venue(settings={"max_streams": 1}) as venue:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with venue.connect("/stream?streams=a@trade/b@trade"):
                pass
    assert caught.value.status == 400
