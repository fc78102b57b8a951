"""Each feed runs once, while somebody is subscribed to it."""

import asyncio

import pytest

from brokerwire.simulator.fronts.binance.hub import Hub, Switchboard
from brokerwire.simulator.fronts.binance.names import parse_name
from brokerwire.simulator.fronts.binance.payloads import RecordedEvent


class Listener:
    """A subscriber that keeps what it gets."""

    def __init__(self) -> None:
        self.got = []
        self.any = asyncio.Event()

    def deliver(self, event) -> None:
        self.got.append(event.stream)
        self.any.set()


def event(stream):
    return RecordedEvent(stream, wrapped=b"{}", bare=b"{}")


def test_switchboard_tells_first_and_last_and_publishes_to_the_streams_own():
    board, one, two = Switchboard(), Listener(), Listener()
    assert [board.add("a", one), board.add("a", two), board.add("a", two)] == [True, False, False]
    board.publish(event("a"))
    board.publish(event("b"))
    assert (one.got, two.got) == (["a"], ["a"])
    assert board.subscribers() == {one, two}
    assert [board.remove("b", one), board.remove("a", one), board.remove("a", two)] == [False, False, True]
    board.publish(event("a"))
    assert one.got == ["a"]


@pytest.mark.parametrize("text", ["btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth5@100ms", "btcusdt@ticker"])
async def test_subscriber_hears_its_stream_until_it_leaves(desk, text):
    hub, listener, name = Hub(desk), Listener(), parse_name(text)
    hub.subscribe(name, listener)
    await asyncio.wait_for(listener.any.wait(), 10)
    assert set(listener.got) == {text}
    hub.unsubscribe(name, listener)
    hub.unsubscribe(name, listener)
    await hub.close()


async def test_close_ends_what_is_still_wanted(desk):
    hub, listener = Hub(desk), Listener()
    for text in ("btcusdt@depth", "btcusdt@kline_1m", "!miniTicker@arr", "nope@trade", "BTCUSDT@trade", "!ticker@arr"):
        hub.subscribe(parse_name(text), listener)
    await hub.close()
