from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerwire.errors import ProtocolError
from brokerwire.events import Bar, Depth, Event, Topic, Trade
from brokerwire.venue import Accepted, Failed, Fetch, GapFound, HandOver, Interrupted, Ready, Refused, Response, Signal
from brokerwire.venues.binance.session import BinanceSession
from brokerwire.venues.binance.spec import FETCHES_AT_ONCE, SETTINGS

FRAMES = (Path(__file__).parent / "frames" / "market.ndjson").read_bytes().splitlines()
TRADE, QUOTE = Topic("trade", "BTCUSDT", "trade"), Topic("quote", "BTCUSDT")
BOOK, BAR = Topic("depth", "BTCUSDT", "5"), Topic("bar", "BTCUSDT", "1m")


class Driver:
    """Drives a session as the shell does, and keeps what it says."""

    def __init__(self, *topics: Topic, settings: dict[str, Any] | None = None, recalled: Sequence[Event] = ()) -> None:
        self.session = BinanceSession({**SETTINGS, **(settings or {})})
        self.signals: list[Signal] = []
        self.sent: list[Any] = []
        self.now = 100.0
        self.answered = 0
        for topic, event in zip(topics, recalled, strict=False):
            assert self.session.recall(topic, [event])
        self.session.subscribe(topics, self.now)
        self.session.handle_open(self.now)
        self.take()

    def take(self) -> None:
        while self.session.has_output:
            self.signals += self.session.take_signals()
            self.sent += [msgspec.json.decode(frame) for frame in self.session.frames_to_send()]

    def receive(self, frame: bytes, received_ns: int = 1) -> list[Event]:
        events = list(self.session.receive(frame, self.now, received_ns))
        self.take()
        return events

    def acknowledge(self) -> None:
        sent, self.sent = self.sent, []
        for message in sent:
            self.receive(msgspec.json.encode({"result": None, "id": message["id"]}))

    def answer(self, body: object, status: int = 200) -> list[Event]:
        fetch = next(signal for signal in reversed(self.signals) if isinstance(signal, Fetch))
        response = Response(status, {}, msgspec.json.encode(body), 50)
        self.answered += 1
        events = list(self.session.receive_response(fetch.key, response, self.now))
        self.take()
        return events

    def pass_time(self, seconds: float) -> list[Event]:
        self.now += seconds
        events: list[Event] = []
        if self.session.deadline is not None and self.session.deadline <= self.now:
            events = list(self.session.handle_timeout(self.now))
            self.take()
        return events

    def said(self, kind: type) -> list[Any]:
        return [signal for signal in self.signals if isinstance(signal, kind)]


def delta(first: int, last: int, bids: Sequence[Sequence[str]] = (), asks: Sequence[Sequence[str]] = ()) -> bytes:
    data = {"e": "depthUpdate", "E": 1000 + last, "s": "BTCUSDT", "U": first, "u": last, "b": bids, "a": asks}
    return msgspec.json.encode({"stream": "btcusdt@depth@100ms", "data": data})


def snapshot(sequence: int) -> dict[str, Any]:
    return {"lastUpdateId": sequence, "bids": [["10.0", "1"], ["9.0", "2"]], "asks": [["11.0", "1"], ["12.0", "2"]]}


def test_topics_are_asked_for_when_the_connection_stands_and_live_when_acknowledged() -> None:
    driver = Driver(TRADE, QUOTE)
    assert driver.sent == [{"method": "SUBSCRIBE", "params": ["btcusdt@trade", "btcusdt@bookTicker"], "id": 1}]
    assert driver.said(Accepted) == []
    driver.acknowledge()
    assert [topic for signal in driver.said(Accepted) for topic in signal.topics] == [TRADE, QUOTE]


def test_events_come_in_the_documented_form() -> None:
    driver = Driver(TRADE)
    (trade,) = driver.receive(FRAMES[0], 7)
    assert (trade.symbol, trade.received_ns, trade.topic) == ("BTCUSDT", 7, TRADE)


def test_events_come_in_any_other_form_of_the_same_json() -> None:
    driver = Driver(TRADE)
    message = msgspec.json.decode(FRAMES[0])
    turned = msgspec.json.format(msgspec.json.encode({"data": message["data"], "stream": message["stream"]}))
    (trade,) = driver.receive(turned)
    assert trade["t"] == 9200411


def test_two_topics_on_one_stream_are_one_subscription() -> None:
    deeper = Topic("depth", "BTCUSDT", "20")
    driver = Driver(BOOK)
    driver.acknowledge()
    driver.session.subscribe([deeper], driver.now)
    driver.take()
    assert driver.sent == []
    assert driver.said(Accepted)[-1].topics == (deeper,)
    driver.session.unsubscribe([BOOK], driver.now)
    driver.take()
    assert driver.sent == []
    driver.session.unsubscribe([deeper], driver.now)
    driver.take()
    assert driver.sent == [{"method": "UNSUBSCRIBE", "params": ["btcusdt@depth@100ms"], "id": 2}]


def test_calls_that_come_while_one_is_unanswered_are_asked_for_together() -> None:
    driver = Driver(TRADE)
    for number in range(120):
        driver.session.subscribe([Topic("quote", f"C{number}USDT")], driver.now)
    driver.session.unsubscribe([Topic("quote", "C7USDT")], driver.now)
    driver.take()
    assert [message["params"] for message in driver.sent] == [["btcusdt@trade"]]
    driver.acknowledge()
    (message,) = driver.sent
    assert message["params"] == [f"c{number}usdt@bookTicker" for number in range(120) if number != 7]
    driver.acknowledge()
    assert len([topic for signal in driver.said(Accepted) for topic in signal.topics]) == 120


def test_a_topic_given_back_while_it_is_asked_for_again_leaves_the_wire() -> None:
    driver = Driver(TRADE, QUOTE)
    driver.session.resubscribe(TRADE, driver.now)
    driver.session.unsubscribe([TRADE], driver.now)
    driver.acknowledge()
    driver.take()
    assert [(message["method"], message["params"]) for message in driver.sent] == [("UNSUBSCRIBE", ["btcusdt@trade"])]


def test_late_frames_of_a_stream_given_back_yield_nothing() -> None:
    driver = Driver(TRADE)
    driver.session.unsubscribe([TRADE], driver.now)
    assert driver.receive(FRAMES[0]) == []


def test_a_silent_topic_is_given_back_and_asked_for_again() -> None:
    driver = Driver(TRADE)
    driver.acknowledge()
    driver.session.resubscribe(TRADE, driver.now)
    driver.take()
    assert [message["method"] for message in driver.sent] == ["UNSUBSCRIBE", "SUBSCRIBE"]


@pytest.mark.parametrize(
    "reply", [{"code": 2, "msg": "Invalid request", "id": 1}, {"error": {"code": 2, "msg": "Invalid request"}, "id": 1}]
)
def test_a_refusal_names_the_topic_in_both_documented_forms(reply: dict[str, Any]) -> None:
    driver = Driver(TRADE)
    driver.receive(msgspec.json.encode(reply))
    (refused,) = driver.said(Refused)
    assert refused.topic == TRADE
    assert "Invalid request (2)" in str(refused.error)


def test_a_missing_acknowledgement_fails_the_connection() -> None:
    driver = Driver(TRADE)
    driver.pass_time(10.0)
    (failed,) = driver.said(Failed)
    assert failed.error.action == "retry"


@pytest.mark.parametrize(
    "frame",
    [
        b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}',
        b'{"e":"serverShutdown","E":1}',
    ],
)
def test_a_shutdown_is_a_hand_over(frame: bytes) -> None:
    driver = Driver(TRADE)
    driver.receive(frame)
    assert len(driver.said(HandOver)) == 1


@pytest.mark.parametrize(
    "frame", [b"", b"{", b"nonsense", FRAMES[0][:-5], FRAMES[0].replace(b'"0.0125', b'"x0.0125'), b"\xff\xfe"]
)
def test_what_cannot_be_read_is_a_protocol_error(frame: bytes) -> None:
    with pytest.raises(ProtocolError):
        Driver(TRADE).receive(frame)


def test_messages_of_an_unknown_kind_are_counted_and_passed_over() -> None:
    driver = Driver(TRADE)
    assert driver.receive(b'{"hello":"world"}') == []
    assert driver.session.unknown_messages == 1


@given(
    frame=st.binary(max_size=200)
    | st.sampled_from(FRAMES).flatmap(lambda f: st.integers(0, len(f)).map(lambda n: f[:n]))
)
def test_only_protocol_errors_come_out_of_any_bytes(frame: bytes) -> None:
    driver = Driver(TRADE, QUOTE, BOOK, BAR)
    try:
        driver.receive(frame)
    except ProtocolError:
        return


# Missing trades


def trade(trade_id: int, symbol: str = "BTCUSDT") -> bytes:
    data = {"e": "trade", "E": 1, "s": symbol, "t": trade_id, "p": "1.5", "q": "2", "T": 1, "m": False, "M": True}
    return msgspec.json.encode({"stream": f"{symbol.lower()}@trade", "data": data})


def row(trade_id: int) -> dict[str, Any]:
    return {"id": trade_id, "price": "1.5", "qty": "2", "quoteQty": "3", "time": 1, "isBuyerMaker": False}


def ids_of(events: Sequence[Event]) -> list[Any]:
    return [event.trade_id for event in events if isinstance(event, Trade)]


def test_trades_behind_a_hole_wait_for_the_missing_ones() -> None:
    driver = Driver(TRADE)
    driver.acknowledge()
    assert ids_of(driver.receive(trade(5)) + driver.receive(trade(5)) + driver.receive(trade(8))) == [5]
    assert driver.session.repeated_messages == 1
    driver.pass_time(0.25)
    (fetch,) = driver.said(Fetch)
    assert fetch.request.query == (("symbol", "BTCUSDT"), ("fromId", "6"), ("limit", "2"))
    assert ids_of(driver.answer([row(6), row(7)])) == [6, 7, 8]
    assert [signal.filled for signal in driver.said(GapFound)] == [True]
    assert ids_of(driver.receive(trade(9))) == [9]


def test_trades_behind_a_hole_go_on_after_five_seconds() -> None:
    driver = Driver(TRADE)
    driver.acknowledge()
    driver.receive(trade(5))
    driver.receive(trade(8))
    driver.pass_time(0.25)
    assert ids_of(driver.pass_time(4.75)) == [8]
    assert [signal.filled for signal in driver.said(GapFound)] == [False]


def test_trades_behind_a_hole_go_on_when_the_connection_is_gone() -> None:
    driver = Driver(TRADE)
    driver.receive(trade(5))
    driver.receive(trade(8))
    assert ids_of(driver.session.handle_close(driver.now)) == [8]
    driver.take()
    assert [signal.filled for signal in driver.said(GapFound)] == [False]


def test_what_an_earlier_connection_missed_is_asked_for_with_the_acknowledgement() -> None:
    (last,) = Driver(TRADE).receive(trade(5))
    driver = Driver(TRADE, recalled=[last])
    assert driver.said(Fetch) == []
    driver.acknowledge()
    assert [fetch.request.query[1] for fetch in driver.said(Fetch)] == [("fromId", "6")]
    assert ids_of(driver.answer([row(6), row(7)])) == [6, 7]
    assert [signal.filled for signal in driver.said(GapFound)] == [True]
    assert ids_of(driver.receive(trade(8))) == [8]


def test_an_answer_that_cannot_be_read_is_no_answer() -> None:
    (last,) = Driver(TRADE).receive(trade(5))
    driver = Driver(TRADE, recalled=[last])
    driver.acknowledge()
    with pytest.raises(ProtocolError):
        driver.answer([{"id": "nonsense"}])
    driver.receive(trade(8))
    assert ids_of(driver.pass_time(5.0)) == [8]


def test_a_quote_or_a_book_is_not_asked_for_again() -> None:
    driver = Driver()
    assert not driver.session.recall(QUOTE, [])
    assert not driver.session.recall(BOOK, [])


def test_missing_trades_of_many_symbols_are_asked_for_a_few_at_a_time() -> None:
    topics = [Topic("trade", f"C{number}USDT", "trade") for number in range(12)]
    recalled = [Driver(topic).receive(trade(5, topic.symbol))[0] for topic in topics]
    driver = Driver(*topics, recalled=recalled)
    driver.acknowledge()
    assert len(driver.said(Fetch)) == FETCHES_AT_ONCE
    driver.receive(trade(6, "C10USDT"))
    for number in range(11):
        fetch = driver.said(Fetch)[number]
        driver.session.receive_response(fetch.key, Response(200, {}, b"[]", 1), driver.now)
        driver.take()
    asked = [dict(fetch.request.query)["symbol"] for fetch in driver.said(Fetch)]
    assert asked == [topic.symbol for topic in topics if topic.symbol != "C10USDT"]
    assert all(signal.filled for signal in driver.said(GapFound))
    assert len(driver.said(GapFound)) == 12


# The book


def started_book() -> Driver:
    driver = Driver(BOOK)
    driver.acknowledge()
    assert driver.answer(snapshot(100))
    return driver


def test_a_book_starts_from_a_snapshot_and_applies_what_continues_it() -> None:
    driver = Driver(BOOK)
    driver.acknowledge()
    assert driver.receive(delta(98, 99)) == []
    assert driver.receive(delta(100, 101, [["10.5", "3"]])) == []
    events = driver.answer(snapshot(100))
    assert [(event.is_snapshot, event.sequence) for event in events if isinstance(event, Depth)] == [
        (True, 100),
        (False, 101),
    ]
    last = events[-1]
    assert isinstance(last, Depth)
    assert last.bids[0] == (10.5, 3.0)
    assert driver.said(Ready) == [Ready(BOOK)]
    assert driver.said(GapFound) == []


def test_the_first_delta_may_start_right_after_the_snapshot() -> None:
    (event,) = started_book().receive(delta(101, 105, [], [["11.0", "0.00000000"]]))
    assert isinstance(event, Depth)
    assert (event.sequence, event.asks[0]) == (105, (12.0, 2.0))


def test_deltas_that_the_snapshot_holds_already_are_ignored() -> None:
    assert started_book().receive(delta(90, 100, [["10.0", "9"]])) == []


def test_a_hole_is_reported_once_and_healed_by_a_snapshot() -> None:
    driver = started_book()
    driver.receive(delta(101, 102), 500)
    assert driver.receive(delta(105, 106, [["9.5", "1"]]), 900) == []
    assert [signal.topic for signal in driver.said(Interrupted)] == [BOOK]
    assert len(driver.said(Fetch)) == 1
    driver.pass_time(1.0)
    assert len(driver.said(Fetch)) == 2
    events = driver.answer(snapshot(105))
    (gap,) = driver.said(GapFound)
    assert (gap.topic, gap.start_ns, gap.end_ns) == (BOOK, 500, 50)
    assert [event.sequence for event in events if isinstance(event, Depth)] == [105, 106]
    assert driver.said(Accepted)[-1].topics == (BOOK,)
    (event,) = driver.receive(delta(107, 107))
    assert isinstance(event, Depth)


def test_a_snapshot_older_than_the_deltas_is_fetched_again_after_a_second() -> None:
    driver = Driver(BOOK)
    driver.acknowledge()
    driver.receive(delta(150, 151))
    assert driver.answer(snapshot(100)) == []
    assert len(driver.said(Fetch)) == 1
    driver.pass_time(1.0)
    assert len(driver.said(Fetch)) == 2
    assert [event.sequence for event in driver.answer(snapshot(150)) if isinstance(event, Depth)] == [150, 151]


def test_a_snapshot_that_cannot_be_had_is_asked_for_ever_more_slowly() -> None:
    driver = Driver(BOOK)
    driver.acknowledge()
    for fetches in (1, 2, 3):
        assert driver.answer({}, status=500) == []
        assert len(driver.said(Fetch)) == fetches
        driver.pass_time(40.0)
    assert len(driver.said(Fetch)) == 4


def test_a_book_that_has_left_its_seed_is_seeded_anew_without_a_gap() -> None:
    driver = started_book()
    driver.pass_time(5.0)
    driver.receive(delta(101, 101, [["20.0", "1"]], [["11.0", "0"], ["12.0", "0"], ["21.0", "1"]]))
    assert len(driver.said(Fetch)) == 2
    driver.receive(delta(102, 102, [["20.5", "1"]]))
    fresh = {"lastUpdateId": 101, "bids": [["20.0", "1"]], "asks": [["21.0", "1"], ["30.0", "5"]]}
    (event,) = driver.answer(fresh)
    assert isinstance(event, Depth)
    assert (event.is_snapshot, event.bids[0], event.asks[-1]) == (True, (20.5, 1.0), (30.0, 5.0))
    assert driver.said(GapFound) == []


class OracleVenue:
    """The venue's own book, whole at every update id, and a session that hears some of it."""

    def __init__(self) -> None:
        self.history: list[tuple[float, float]] = []
        self.driver = Driver(BOOK)
        self.driver.acknowledge()
        self.last: Depth | None = None

    def change(self, price: float, size: float, *, is_lost: bool = False) -> None:
        self.history.append((price, size))
        number = len(self.history)
        if not is_lost:
            self._keep(self.driver.receive(delta(number, number, [[str(price), str(size)]])))

    def answer(self, number: int) -> None:
        if len(self.driver.said(Fetch)) > self.driver.answered:
            levels = [[str(price), str(size)] for price, size in self.levels(number)]
            self._keep(self.driver.answer({"lastUpdateId": number, "bids": levels, "asks": []}))

    def levels(self, number: int) -> list[tuple[float, float]]:
        book = dict(self.history[:number])
        return sorted(((price, size) for price, size in book.items() if size), reverse=True)

    def _keep(self, events: list[Event]) -> None:
        for event in events:
            assert isinstance(event, Depth)
            self.last = event


PRICES, SIZES = st.integers(1, 6).map(float), st.integers(0, 3).map(float)
STEPS = st.lists(
    st.tuples(st.sampled_from(["delta", "delta", "lose", "answer", "stale", "time"]), PRICES, SIZES), max_size=40
)


@given(steps=STEPS)
def test_any_schedule_of_snapshots_and_deltas_ends_with_the_venues_book(
    steps: list[tuple[str, float, float]],
) -> None:
    venue = OracleVenue()
    for step, price, size in steps:
        if step in {"delta", "lose"}:
            venue.change(price, size, is_lost=step == "lose")
        elif step == "time":
            venue.driver.pass_time(31.0)
        else:
            venue.answer(len(venue.history) // 2 if step == "stale" else len(venue.history))
    for _ in range(4):
        venue.driver.pass_time(31.0)
        venue.answer(len(venue.history))
        venue.change(5.0, 1.0)
    assert venue.last is not None
    assert venue.last.sequence == len(venue.history)
    assert list(venue.last.bids) == venue.levels(len(venue.history))[:5]


# Bars


def kline(open_ms: int, *, is_closed: bool) -> bytes:
    message = msgspec.json.decode(FRAMES[3])
    message["data"]["k"] |= {"t": open_ms, "x": is_closed}
    return msgspec.json.encode(message)


ROW = [60_000, "1", "2", "0.5", "1.5", "10", 119_999, "15", 3, "5", "7", "0"]


def test_history_comes_first_when_it_is_asked_for() -> None:
    driver = Driver(Topic("bar", "BTCUSDT", "1m;2"))
    driver.acknowledge()
    (fetch,) = driver.said(Fetch)
    assert fetch.request.query == (("symbol", "BTCUSDT"), ("interval", "1m"), ("limit", "3"))
    rows = [[ROW[0] + 60_000 * n, *ROW[1:6], ROW[6] + 60_000 * n, *ROW[7:]] for n in range(2)]
    driver.session.receive_response(fetch.key, Response(200, {}, msgspec.json.encode(rows), 10**18), driver.now)
    bars = driver.session.receive_response(fetch.key, Response(200, {}, msgspec.json.encode(rows), 10**18), driver.now)
    assert all(isinstance(bar, Bar) and bar.origin == "backfill" for bar in bars)


def test_a_bar_whose_close_was_missed_is_fetched() -> None:
    driver = Driver(BAR)
    driver.acknowledge()
    driver.receive(kline(60_000, is_closed=False))
    assert driver.said(Fetch) == []
    driver.receive(kline(120_000, is_closed=False))
    (fetch,) = driver.said(Fetch)
    response = Response(200, {}, msgspec.json.encode([ROW]), 10**18)
    (bar,) = driver.session.receive_response(fetch.key, response, driver.now)
    assert isinstance(bar, Bar)
    assert (bar.is_closed, bar.open_time_ns, bar.topic) == (True, 60_000 * 1_000_000, BAR)


def test_bars_that_close_by_themselves_need_no_fetch() -> None:
    driver = Driver(BAR)
    driver.acknowledge()
    driver.receive(kline(60_000, is_closed=True))
    driver.receive(kline(120_000, is_closed=False))
    assert driver.said(Fetch) == []


def last_bar(open_ms: int, *, is_closed: bool) -> Event:
    (bar,) = Driver(BAR).receive(kline(open_ms, is_closed=is_closed))
    return bar


@pytest.mark.parametrize(("is_closed", "start"), [(False, "60000"), (True, "60001")])
def test_bars_since_the_last_one_are_fetched_before_the_live_ones_go_on(*, is_closed: bool, start: str) -> None:
    driver = Driver(BAR, recalled=[last_bar(60_000, is_closed=is_closed)])
    driver.acknowledge()
    (fetch,) = driver.said(Fetch)
    assert dict(fetch.request.query)["startTime"] == start
    for _ in range(3):
        assert driver.receive(kline(120_000, is_closed=False)) == []
    response = Response(200, {}, msgspec.json.encode([ROW]), 10**18)
    bars = driver.session.receive_response(fetch.key, response, driver.now)
    driver.take()
    found = [(bar.open_time_ns // 10**6, bar.is_closed, bar.origin) for bar in bars if isinstance(bar, Bar)]
    backfill = [] if is_closed else [(60_000, True, "backfill")]
    assert found == [*backfill, (120_000, False, "stream")]
    assert [signal.filled for signal in driver.said(GapFound)] == [True]
    assert len(driver.receive(kline(120_000, is_closed=True))) == 1


@pytest.mark.parametrize("how", ["no answer", "too late", "connection ends"])
def test_bars_that_wait_for_others_go_on_without_them(how: str) -> None:
    driver = Driver(BAR, recalled=[last_bar(60_000, is_closed=True)])
    driver.acknowledge()
    driver.receive(kline(180_000, is_closed=False))
    if how == "no answer":
        events = driver.answer({}, status=500)
    elif how == "too late":
        events = driver.pass_time(5.0)
    else:
        events = list(driver.session.handle_close(driver.now))
        driver.take()
    assert [event.open_time_ns for event in events if isinstance(event, Bar)] == [180_000 * 1_000_000]
    assert [signal.filled for signal in driver.said(GapFound)] == [False]


def test_a_long_outage_of_short_bars_is_filled_page_by_page() -> None:
    driver = Driver(BAR, recalled=[last_bar(60_000, is_closed=True)])
    driver.acknowledge()
    rows = [[ROW[0] + 60_000 * n, *ROW[1:6], ROW[6] + 60_000 * n, *ROW[7:]] for n in range(1, 1001)]
    response = Response(200, {}, msgspec.json.encode(rows), 10**18)
    assert len(driver.session.receive_response(driver.said(Fetch)[0].key, response, driver.now)) == 1000
    driver.take()
    assert driver.said(GapFound) == []
    assert dict(driver.said(Fetch)[1].request.query)["startTime"] == str(rows[-1][0] + 1)
    driver.answer([])
    assert [signal.filled for signal in driver.said(GapFound)] == [True]
