import re
from collections.abc import Callable
from typing import Any

import pytest

from brokerwire import AuthenticationError, ProtocolError, StreamError, SyncClient, VenueUnavailableError
from brokerwire.client.loop_thread import LoopThread
from brokerwire.compat.tv_scraper import StreamHandler
from brokerwire.errors import BrokerwireError
from brokerwire.simulator import Simulator

DEADLINE_S = 20.0


@pytest.fixture
def handler(client: SyncClient) -> StreamHandler:
    return StreamHandler(client=client)


def test_sessions_have_names_of_their_own(handler: StreamHandler) -> None:
    assert re.fullmatch(r"qs_[a-z]{12}", handler.quote_session)
    assert re.fullmatch(r"cs_[a-z]{12}", handler.chart_session)
    assert StreamHandler.generate_session() != StreamHandler.generate_session()
    assert StreamHandler.generate_session("rs_").startswith("rs_")


def test_messages_are_framed_by_their_length(handler: StreamHandler) -> None:
    assert StreamHandler.construct_message("set_locale", ["en", "ÜS"]) == '{"m":"set_locale","p":["en","\\u00dcS"]}'
    assert StreamHandler.prepend_header("hello") == "~m~5~m~hello"
    assert handler.create_message("set_locale", ["en", "US"]) == '~m~34~m~{"m":"set_locale","p":["en","US"]}'


def test_packets_are_received_parsed_or_framed(handler: StreamHandler) -> None:
    assert "session_id" in handler.receive(DEADLINE_S)
    handler.send_message("quote_add_symbols", [handler.quote_session, "NASDAQ:AAPL"])
    framed = handler.ws.recv(DEADLINE_S)
    assert re.match(r'~m~\d+~m~\{"m":"qsd"', framed)
    assert int(framed.split("~m~")[1]) == len(framed.split("~m~", 2)[2])


def test_text_that_is_framed_already_can_be_sent(handler: StreamHandler) -> None:
    add = handler.create_message("quote_add_symbols", [handler.quote_session, "NASDAQ:AAPL"])
    handler.ws.send(add + handler.create_message("quote_fast_symbols", [handler.quote_session, "NASDAQ:AAPL"]))
    handler.receive(DEADLINE_S)
    assert handler.receive(DEADLINE_S)["m"] == "qsd"
    with pytest.raises(ProtocolError, match="~m~length"):
        handler.ws.send("nonsense")


def test_waiting_has_an_end(handler: StreamHandler) -> None:
    handler.receive(DEADLINE_S)
    with pytest.raises(TimeoutError):
        handler.ws.recv(0.01)


def test_heartbeats_are_answered_and_never_seen(simulator: tuple[Simulator, LoopThread], client: SyncClient) -> None:
    with StreamHandler(client=client) as handler:
        handler.send_message("quote_add_symbols", [handler.quote_session, "BINANCE:BTCUSDT"])
        handler.send_message("quote_fast_symbols", [handler.quote_session, "BINANCE:BTCUSDT"])
        seen = [handler.receive(DEADLINE_S) for _ in range(20)]
    assert all(isinstance(packet, dict) for packet in seen)
    assert simulator[1].read(lambda: simulator[0].journal.entries("violation")) == []


def test_sessions_go_on_over_a_reconnect(handler: StreamHandler, simulator: tuple[Simulator, LoopThread]) -> None:
    handler.send_message("quote_add_symbols", [handler.quote_session, "NASDAQ:AAPL"])
    while handler.receive(DEADLINE_S).get("m") != "quote_completed":
        pass
    assert simulator[1].read(simulator[0].connections.drop) == 1
    while (packet := handler.receive(DEADLINE_S)).get("m") != "quote_completed":
        pass
    assert packet["p"] == [handler.quote_session, "NASDAQ:AAPL"]


def test_another_address_can_be_given(simulator: tuple[Simulator, LoopThread], no_leftovers: None) -> None:
    address = simulator[0].endpoints["stream"]
    with StreamHandler(f"{address}/socket.io/websocket?from=screener%2F") as handler:
        assert "session_id" in handler.receive(DEADLINE_S)


def test_a_handler_that_cannot_open_leaves_nothing(simulator: tuple[Simulator, LoopThread]) -> None:
    address = simulator[0].endpoints["stream"]
    with pytest.raises(BrokerwireError) as caught:
        StreamHandler(f"{address}/nowhere")
    assert not isinstance(caught.value, VenueUnavailableError)


def test_one_that_is_closed_sends_and_receives_no_more(handler: StreamHandler, client: SyncClient) -> None:
    handler.close()
    handler.close()
    with pytest.raises(StreamError, match="closed"):
        handler.send_message("set_locale", ["en", "US"])
    assert client.health()["streams"] == []
    client.close()
    handler.close()


def test_a_token_that_is_refused_is_told(client: SyncClient) -> None:
    with pytest.raises(AuthenticationError, match="bad auth token"):
        _hear_all(client)
    assert client.health()["streams"] == []


def _hear_all(client: SyncClient) -> None:
    with StreamHandler(jwt_token="a.b.c", client=client) as handler:
        while True:
            handler.receive(DEADLINE_S)


@pytest.mark.process
def test_one_that_nobody_closes_ends_with_the_process_and_says_nothing(run_script: Callable[..., Any]) -> None:
    code, _, errors = run_script(
        "from brokerwire.compat.tv_scraper import StreamHandler\nhandler = StreamHandler()\nhandler.receive()"
    )
    assert (code, errors) == (0, "")
