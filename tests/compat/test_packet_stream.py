from typing import Any

import pytest
from tests.client.conftest import DEADLINE_S, wait_until

from brokerwire import Client, SyncClient
from brokerwire.client.loop_thread import LoopThread
from brokerwire.compat import packets
from brokerwire.compat.packet_stream import PacketStream
from brokerwire.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionLostError,
    RequestError,
    StreamError,
    StreamLimitError,
)
from brokerwire.simulator import Simulator

PATH = "/socket.io/websocket?from=chart&type=chart"
TOKEN = '{"m":"set_auth_token","p":["unauthorized_user_token"]}'


async def opened(client: Client, path: str = PATH) -> PacketStream:
    await client.start()
    stream = PacketStream(client, client.endpoints["stream"] + path)
    await stream.open()
    return stream


def test_packets_are_said_and_heard(client: SyncClient) -> None:
    async def scenario(inner: Client) -> Any:
        stream = await opened(inner)
        hello = await stream.hear(DEADLINE_S)
        await stream.say(TOKEN)
        await stream.say('{"m":"chart_create_session","p":["cs_x",""]}')
        await stream.say('{"m":"resolve_symbol","p":["cs_x","s","NASDAQ:NOSUCH"]}')
        answer = await stream.hear(DEADLINE_S)
        while answer.raw["m"] != "symbol_error":
            answer = await stream.hear(DEADLINE_S)
        await stream.close()
        await stream.close()
        return hello.raw, answer.raw

    hello, answer = client.run(scenario)
    assert "session_id" in hello
    assert answer["p"][:2] == ["cs_x", "s"]


def test_after_a_cut_everything_is_said_again(client: SyncClient, simulator: tuple[Simulator, LoopThread]) -> None:
    stream = client.run(opened)
    said = [TOKEN, '{"m":"quote_create_session","p":["qs_x"]}', '{"m":"quote_add_symbols","p":["qs_x","NASDAQ:AAPL"]}']

    async def say(_inner: Client) -> None:
        for payload in said:
            await stream.say(payload)

    async def completed(_inner: Client) -> None:
        while (await stream.hear(DEADLINE_S)).raw.get("m") != "quote_completed":
            pass

    client.run(say)
    client.run(completed)
    simulator[1].read(simulator[0].connections.drop)
    client.run(completed)
    client.run(lambda _: stream.close())


def test_one_that_is_closed_says_and_hears_no_more(client: SyncClient) -> None:
    async def scenario(inner: Client) -> None:
        stream = await opened(inner)
        await stream.close()
        with pytest.raises(ConnectionLostError, match="closed"):
            await stream.say(TOKEN)
        with pytest.raises(ConnectionLostError, match="closed"):
            await _hear_all(stream)

    client.run(scenario)


async def _hear_all(stream: PacketStream) -> None:
    while True:
        await stream.hear(DEADLINE_S)


def test_it_holds_a_slot_of_the_cap_and_ends_with_the_client(client: SyncClient) -> None:
    async def fill(inner: Client) -> list[PacketStream]:
        found = [await opened(inner) for _ in range(inner.streams.max_concurrent_streams)]
        with pytest.raises(StreamLimitError):
            await opened(inner)
        return found

    client.run(fill)
    client.close()


def test_a_venue_that_is_somewhere_else_is_told(client: SyncClient) -> None:
    with pytest.raises(RequestError, match="404"):
        client.run(lambda inner: opened(inner, "/nowhere"))
    with pytest.raises(ConfigurationError):
        client.run(lambda inner: _elsewhere(inner, "ws://data.tradingview.com/socket.io/websocket"))


async def _elsewhere(client: Client, url: str) -> None:
    PacketStream(client, url)


def test_one_that_cannot_be_opened_in_time_is_told(venues: Any, simulator: tuple[Simulator, LoopThread]) -> None:
    venue, host = simulator
    client = venues.client(venue, subscribe_timeout=0.5)
    client.start()
    host.read(lambda: venue.faults.set("refuse:503"))
    with pytest.raises(StreamError, match="in time"):
        client.run(opened)


def test_what_was_said_shows_nowhere(client: SyncClient) -> None:
    stream = client.run(opened)
    client.run(lambda _: stream.say('{"m":"set_auth_token","p":["canary.jwt.4711"]}'))
    assert "canary" not in str(client.health())
    assert "canary" not in repr(stream._subscription)
    client.run(lambda _: stream.close())


def test_a_token_that_is_refused_fails_it(client: SyncClient) -> None:
    stream = client.run(opened)

    async def say(_inner: Client) -> None:
        await stream.say('{"m":"set_auth_token","p":["a.b.c"]}')
        await stream.say('{"m":"set_locale","p":["en","US"]}')

    client.run(say)
    with pytest.raises(AuthenticationError, match="bad auth token"):
        client.run(lambda _: _hear_all(stream))


def test_too_much_to_repeat_is_refused(client: SyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brokerwire.compat.packet_stream.MOST_PACKETS", 3)

    async def scenario(inner: Client) -> None:
        stream = await opened(inner)
        await stream.say(TOKEN)
        await stream.say(TOKEN)
        with pytest.raises(StreamError, match=str(packets.MOST_PACKETS)):
            await stream.say(TOKEN)
        with pytest.raises(ConfigurationError):
            await stream._subscription.add_symbols("X")

    client.run(scenario)


def test_nothing_is_left_of_one_that_was_closed(client: SyncClient, simulator: tuple[Simulator, LoopThread]) -> None:
    stream = client.run(opened)
    assert simulator[1].read(lambda: len(simulator[0].connections)) == 1
    client.run(lambda _: stream.close())
    wait_until(lambda: simulator[1].read(lambda: len(simulator[0].connections)) == 0)
    assert client.health()["streams"] == []
