import logging

import pytest

from brokerwire import Client, SyncClient
from brokerwire.client.loop_thread import LoopThread
from brokerwire.compat.tv_scraper import StreamHandler
from brokerwire.compat.tv_scraper.streaming.utils import (
    fetch_available_indicators,
    fetch_indicator_metadata,
    fetch_tradingview_indicators,
    prepare_indicator_metadata,
    validate_symbols,
)
from brokerwire.simulator import Simulator


def test_symbols_are_validated(client: SyncClient) -> None:
    assert validate_symbols("NASDAQ", "AAPL", client=client) is True
    with pytest.raises(ValueError, match="NASDAQ:NOSUCH"):
        validate_symbols("NASDAQ", "NOSUCH", retries=1, client=client)
    with pytest.raises(ValueError, match="cannot be empty"):
        validate_symbols("", "AAPL", client=client)


def test_indicators_are_found_by_name(client: SyncClient) -> None:
    (found,) = fetch_tradingview_indicators("strength", client=client)
    assert found["scriptIdPart"] == "STD;RSI"
    assert list(found) == [
        "scriptName", "imageUrl", "author", "agreeCount", "isRecommended", "scriptIdPart", "version"
    ]  # fmt: skip
    assert "STD;MACD" in {each["id"] for each in fetch_available_indicators(client=client)}


async def _token(client: Client) -> str:
    await client.start()
    assert client.tokens is not None
    return (await client.tokens.token()).reveal()


def test_metadata_is_the_message_that_creates_the_study(client: SyncClient) -> None:
    with StreamHandler(jwt_token=client.run(_token), client=client) as handler:  # without a login it would be refused
        study = fetch_indicator_metadata("STD;RSI", "37.0", handler.chart_session, client=client)
        assert study["m"] == "create_study"
        assert study["p"][:5] == [handler.chart_session, "st9", "st1", "sds_1", "Script@tv-scripting-101!"]
        assert study["p"][5]["pineId"] == "STD;RSI"
        assert study["p"][5]["in_0"] == {"v": 14, "f": True, "t": "integer"}
        handler.send_message("resolve_symbol", [handler.chart_session, "sds_sym_1", "NASDAQ:AAPL"])
        handler.send_message("create_series", [handler.chart_session, "sds_1", "s1", "sds_sym_1", "60", 50, ""])
        handler.send_message("create_study", study["p"])
        while (packet := handler.receive(20)).get("m") != "study_completed":
            assert packet.get("m") != "study_error"


def test_a_cookie_is_a_login_for_metadata(no_leftovers: None) -> None:
    cookie = "sessionid=mine; sessionid_sign=v3:mine"
    assert fetch_indicator_metadata("STD;RSI", "37.0", "cs_x", cookie)["m"] == "create_study"
    with pytest.raises(ValueError, match="sessionid"):
        fetch_indicator_metadata("STD;RSI", "37.0", "cs_x", cookie="nonsense")


def test_metadata_without_anything_in_it_is_prepared() -> None:
    assert prepare_indicator_metadata("STD;X", {}, "cs_x")["p"][5]["pineVersion"] == "1.0"


def test_what_fails_is_logged_and_empty(
    client: SyncClient, simulator: tuple[Simulator, LoopThread], caplog: pytest.LogCaptureFixture
) -> None:
    client.start()
    simulator[1].read(lambda: simulator[0].faults.set("refuse:403"))
    with caplog.at_level(logging.ERROR):
        assert fetch_tradingview_indicators("x", client=client) == []
        assert fetch_available_indicators(client=client) == []
        assert fetch_indicator_metadata("STD;RSI", "37.0", "cs_x", client=client) == {}
    assert len(caplog.records) == 3


def test_no_client_is_needed(no_leftovers: None) -> None:
    assert validate_symbols("NASDAQ", "AAPL")
