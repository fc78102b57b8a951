from typing import Any

from brokerwire.events import Quote, Topic, stamp
from brokerwire.streaming.memory import RecentMemory
from brokerwire.streaming.route import Respelled, Route


class Taker:
    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.put = self.taken.append


def quote(symbol: str = "BTCUSDT") -> Quote:
    event = Quote("v", symbol, None, 1, 2.0)
    stamp(event, Topic("quote", symbol), b'{"b":"2.0"}')
    return event


def test_a_subscriber_gets_its_own_spelling_of_the_same_event() -> None:
    taker = Taker()
    Respelled(taker, "BTC/USDT").put(quote())
    (event,) = taker.taken
    assert (event.symbol, event.topic, event["b"]) == ("BTC/USDT", Topic("quote", "BTCUSDT"), "2.0")


def test_the_newest_event_is_kept_and_respelled() -> None:
    route = Route("quote")
    assert list(route.newest("BTCUSDT", None)) == []
    route.last = quote()
    assert list(route.newest("BTCUSDT", "BTCUSDT")) == [route.last]
    assert [event.symbol for event in route.newest("BTC/USDT", None)] == ["BTC/USDT"]
    assert list(route.newest("BTC/USDT", "ETH/USDT")) == []
    assert route.last_about(quote()) is route.last


def test_removing_the_last_sink_is_told() -> None:
    route = Route("quote")
    first: Any = object()
    second: Any = object()
    taker = Taker()
    route.add(first, taker, "A")
    route.add(second, taker, "A")
    assert not route.remove(first, "A")
    assert route.deliveries == (taker,)
    assert route.remove(second, "A")
    assert route.deliveries == ()


def test_one_of_two_spellings_of_a_subscriber_can_go() -> None:
    route = Route("quote")
    sink: Any = object()
    first, second = Taker(), Taker()
    route.add(sink, first, "BTCUSDT")
    route.add(sink, second, "BTC/USDT")
    assert route.sinks == (sink,)
    assert not route.remove(sink, "BTC/USDT")
    assert route.deliveries == (first,)
    assert route.remove(sink, "BTCUSDT")


def test_a_further_connection_is_told_of_the_newest_events() -> None:
    route = Route("quote")
    assert route.recent() == ()
    route.last = quote()
    assert route.recent() == (route.last,)
    several = Route("trade", RecentMemory(3))
    several.mark_ready()
    assert several.recent() == ()
    first, second = quote("A"), quote("B")
    for event in (first, second):
        several.memory.put(event)  # type: ignore[union-attr]  # given above
    assert several.recent() == (first, second)
    account = Route("order")
    account.last = quote()
    assert account.recent() == ()


def test_a_gap_is_open_from_its_first_beginning_until_it_is_told() -> None:
    route = Route("quote")
    route.open_gap(5, "lost")
    route.open_gap(9, "lost again")
    assert (route.gap_start_ns, route.gap_reason) == (5, "lost again")
    assert route.close_gap() == 5
    assert route.close_gap() is None
