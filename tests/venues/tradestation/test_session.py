from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerwire.errors import (
    AuthenticationError,
    ConnectionLostError,
    InvalidSymbolError,
    ProtocolError,
    RequestError,
    VenueUnavailableError,
)
from brokerwire.events import Topic
from brokerwire.venue import Accepted, Failed, Fetch, GapFound, HandOver, Ready, Refused, Remark, Response
from brokerwire.venues.tradestation import VENUE, spec

ACCOUNT = "SIM5550001M"


class Stream:
    """A session that stands, and what it says."""

    def __init__(self, *topics: Topic, recalled=()) -> None:
        self.session = VENUE.new_session(VENUE.kind_of(topics[0]), {})
        if recalled:
            assert self.session.recall(topics[0], recalled)
        self.session.subscribe(topics, 0.0)
        self.session.handle_open(0.0)
        self.opening = self.session.take_signals()
        self.received_ns = 0

    def feed(self, *frames: bytes | str | dict):
        events = []
        for frame in frames:
            data = frame if isinstance(frame, bytes) else frame.encode() if isinstance(frame, str) else None
            self.received_ns += 1
            events += self.session.receive(msgspec.json.encode(frame) if data is None else data, 0.0, self.received_ns)
        return events

    def signals(self):
        assert self.session.frames_to_send() == []
        return self.session.take_signals()


def test_an_answered_stream_is_accepted_once_with_all_its_topics():
    topics = (Topic("quote", "KO"), Topic("quote", "PEP"))
    stream = Stream(*topics)
    assert stream.opening == [Accepted(topics)]
    stream.session.handle_open(1.0)
    assert not stream.session.has_output
    assert stream.session.deadline is None
    stream.session.handle_timeout(5.0)
    assert stream.session.receive_response("key", Response(200), 1.0) == ()


def test_quotes_are_merged_typed_and_as_messages(lines):
    topic = Topic("quote", "KO")
    stream = Stream(topic)
    whole, _, partial, trade, *_ = lines("quotes.jsonl")
    (first,) = stream.feed(whole)
    assert stream.signals() == [Ready(topic)]
    assert (first.bid, first.volume, first.previous_close) == (70.7, 5120334.0, 70.0)
    assert first.change_percent == pytest.approx(1.0)
    assert first["VWAP"] == "70.512"
    second, third = stream.feed(partial, trade)
    assert (second.bid, second.bid_size, second.ask, second.last) == (70.69, 250.0, 70.71, 70.7)
    assert second["LastVenue"] == "EDGX"
    assert second.raw == {"Symbol": "KO", "Bid": "70.69", "BidSize": "250"}
    assert second.topic is topic
    assert (third.last, third.bid, third.change_percent) == (70.35, 70.69, pytest.approx(0.5))
    assert third.time.isoformat() == "2026-11-20T15:30:12+00:00"
    assert (first["Bid"], second["Last"], third["Bid"]) == ("70.7", "70.7", "70.69")


def test_a_second_whole_quote_replaces_the_first_and_keeps_fields_it_lacks(lines):
    stream = Stream(Topic("quote", "KO"))
    whole = lines("quotes.jsonl")[0]
    first, extended, again = stream.feed(whole, {"Symbol": "KO", "Restrictions": ["SSR"]}, whole)
    assert "Restrictions" not in first
    assert extended["Restrictions"] == again["Restrictions"] == ["SSR"]
    assert again["Open"] == "70.1"


FIGURES = st.one_of(st.decimals(0, 10**25, places=3).map(str), st.sampled_from(["", "-0.5", "1e9"]))
TEXTS = st.one_of(FIGURES, st.sampled_from(["NSDQ", "a.b-1"]), st.integers(-9, 10**20), st.none())
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(["Bid", "Ask", "Last"], FIGURES),
        **dict.fromkeys(["VWAP", "High52Week", "Low52Week", "LastVenue", "New1", "New2", "New-"], TEXTS),
    },
)


@given(st.lists(FIELDS, min_size=1, max_size=60))
def test_a_merged_message_says_the_newest_of_every_field_and_stays_as_it_was(changes: list[dict]) -> None:
    stream = Stream(Topic("quote", "KO"))
    known: dict = {}
    expected, events = [], []
    for change in changes:
        known = {**known, "Symbol": "KO", **change}
        expected.append(known)
        events += stream.feed({"Symbol": "KO", **change})
    assert [{key: event[key] for key in event.keys()} for event in events] == expected  # noqa: SIM118  # an event
    assert [event.raw for event in events] == [{"Symbol": "KO", **change} for change in changes]


def test_quotes_of_several_symbols_do_not_mix():
    stream = Stream(Topic("quote", "KO"), Topic("quote", "PEP"))
    stream.feed({"Symbol": "KO", "Bid": "1", "Ask": "2"}, {"Symbol": "PEP", "Bid": "5"})
    (quote,) = stream.feed({"Symbol": "PEP", "Ask": "6"})
    assert (quote.symbol, quote.bid, quote.ask) == ("PEP", 5.0, 6.0)


def test_delayed_quotes_are_remarked_on_once():
    topic = Topic("quote", "KO")
    stream = Stream(topic)
    stream.feed({"Symbol": "KO", "Bid": "1", "MarketFlags": {"IsDelayed": True}})
    assert stream.signals() == [Ready(topic), Remark("quotes of KO are delayed", topic)]
    stream.feed({"Symbol": "KO", "Bid": "1", "MarketFlags": {"IsDelayed": True}})
    assert not stream.session.has_output


def test_a_refused_symbol_leaves_the_others_alone(lines):
    stream = Stream(Topic("quote", "KO"), Topic("quote", "NOSUCH"))
    stream.feed(lines("quotes.jsonl")[4])
    (refused,) = stream.signals()
    assert isinstance(refused, Refused)
    assert refused.topic == Topic("quote", "NOSUCH")
    assert isinstance(refused.error, InvalidSymbolError)
    assert "INVALID SYMBOL" in str(refused.error)
    assert stream.feed({"Symbol": "NOSUCH", "Bid": "1"}) == []
    assert len(stream.feed({"Symbol": "KO", "Bid": "1"})) == 1


def test_an_error_about_a_symbol_of_someone_else_is_passed_over():
    stream = Stream(Topic("quote", "KO"))
    assert stream.feed({"Symbol": "PEP", "Error": "FAILED, INVALID SYMBOL"}) == []
    assert not stream.session.has_output


@pytest.mark.parametrize(
    "frame",
    [{"StreamStatus": "GoAway"}, {"Error": "GoAway", "Message": "Shutting down."}, {"Error": "GoAway"}],
)
def test_both_forms_of_go_away_hand_over(frame):
    stream = Stream(Topic("quote", "KO"))
    stream.feed(frame, frame)
    (signal,) = stream.signals()
    assert isinstance(signal, HandOver)


@pytest.mark.parametrize(
    ("frame", "kind", "action"),
    [
        ({"Symbol": "KO", "Error": "DualLogon"}, None, "retry"),
        ({"Error": "DualLogon", "Message": "x"}, None, "retry"),
        ({"Error": "InternalServerError", "Message": "x"}, VenueUnavailableError, "retry"),
        ({"Error": "BadRequest", "Message": "x"}, RequestError, "stop"),
        ({"Error": "Unauthorized", "Message": "x"}, AuthenticationError, "refresh"),
        ({"Error": "Whatever"}, None, "retry"),
    ],
)
def test_errors_end_a_stream_of_several_topics(frame, kind, action):
    stream = Stream(Topic("quote", "KO"), Topic("quote", "PEP"))
    stream.feed(frame)
    (signal,) = stream.signals()
    assert isinstance(signal, Failed)
    assert signal.error.action == action
    assert kind is None or type(signal.error) is kind


def test_a_final_error_refuses_the_only_topic():
    topic = Topic("bar", "KO", "1m")
    stream = Stream(topic)
    stream.feed({"Error": "Failed", "Message": "Not entitled to data for this symbol"})
    (signal,) = stream.signals()
    assert signal.topic == topic
    assert isinstance(signal.error, InvalidSymbolError)
    assert stream.feed({"Close": "1"}) == []


def test_heartbeats_blank_lines_and_unknown_messages_yield_nothing():
    stream = Stream(Topic("quote", "KO"))
    assert stream.feed({"Heartbeat": 3, "Timestamp": "2026-11-20T15:30:00Z"}, b"", b"\r", b" \r") == []
    assert stream.session.unknown_messages == 0
    assert stream.feed({"Novelty": 1}, {"StreamStatus": "Dancing"}) == []
    assert stream.session.unknown_messages == 2
    assert not stream.session.has_output


def test_an_array_is_several_frames():
    stream = Stream(Topic("quote", "KO"))
    assert [quote.bid for quote in stream.feed('[{"Symbol":"KO","Bid":"1"},{"Symbol":"KO","Bid":"2"}]')] == [1.0, 2.0]


def test_late_frames_of_an_unsubscribed_topic_yield_nothing():
    stream = Stream(Topic("quote", "KO"), Topic("quote", "PEP"))
    stream.session.unsubscribe([Topic("quote", "KO")], 1.0)
    assert stream.feed({"Symbol": "KO", "Bid": "1"}) == []
    assert len(stream.feed({"Symbol": "PEP", "Bid": "1"})) == 1


def test_a_silent_topic_costs_the_connection():
    topic = Topic("quote", "KO")
    stream = Stream(topic)
    stream.session.resubscribe(topic, 1.0)
    (signal,) = stream.signals()
    assert isinstance(signal.error, ConnectionLostError)


@pytest.mark.parametrize("channel", sorted(spec.KINDS))
@given(frame=st.binary(max_size=120))
def test_any_bytes_are_read_or_refused_as_protocol_errors(channel, frame):
    session = VENUE.new_session(spec.KINDS[channel], {})
    session.subscribe([Topic(channel, "KO", "1m" if channel == "bar" else "5")], 0.0)
    try:
        session.receive(frame, 0.0, 1)
    except ProtocolError:
        return


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [
    *("Symbol", "Bid", "Close", "Open", "High", "Low", "TimeStamp", "Epoch", "Status", "TotalVolume", "Bids", "Asks"),
    *("Legs", "OrderID", "AccountID", "PositionID", "Deleted", "Quantity", "Balances", "Errors", "StreamStatus"),
    *("Error", "Message", "Heartbeat", "IsRealtime", "IsEndOfHistory", "TradeTime"),
]


@pytest.mark.parametrize("channel", sorted(spec.KINDS))
@given(message=st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES, max_size=6))
def test_any_message_is_read_or_refused_as_a_protocol_error(channel, message):
    session = VENUE.new_session(spec.KINDS[channel], {})
    session.subscribe([Topic(channel, "KO", "1M" if channel == "bar" else "5")], 0.0)
    try:
        session.receive(msgspec.json.encode(message), 0.0, 1)
    except ProtocolError:
        return


def opens(bars) -> list[tuple[str, bool]]:
    return [(f"{bar.open_time_ns // 60_000_000_000 % 60}", bar.is_closed) for bar in bars]


def test_history_comes_first_at_the_length_asked_for(lines):
    topic = Topic("bar", "KO", "1m;2")
    stream = Stream(topic)
    history = lines("bars.jsonl")[:3]
    assert stream.feed(*history[:2]) == []
    bars = stream.feed(history[2])
    assert opens(bars) == [("28", True), ("29", True)]
    assert stream.signals() == [Ready(topic)]
    assert bars[0].time_ns == bars[0].open_time_ns + 60 * 10**9
    assert (bars[0].open, bars[0].high, bars[0].low, bars[0].close) == (70.4, 70.6, 70.35, 70.55)
    assert (bars[0].volume, bars[0].trade_count, bars[0].interval) == (9000.0, 50, "1m")


def test_history_out_of_order_is_sorted_and_repeats_count_once(lines):
    one, two, three = lines("bars.jsonl")[:3]
    assert opens(Stream(Topic("bar", "KO", "1m;10")).feed(two, one, one, three)) == [
        ("27", True),
        ("28", True),
        ("29", True),
    ]


def test_without_bars_back_no_history_is_delivered(lines):
    topic = Topic("bar", "KO", "1m")
    stream = Stream(topic)
    assert stream.feed(*lines("bars.jsonl")[:3]) == []
    assert stream.signals() == [Ready(topic)]


def test_of_reopened_bars_those_that_were_missed_are_a_backfill(lines):
    topic = Topic("bar", "KO", "1m;9")
    one, two, three, forming = lines("bars.jsonl")[:4]
    (last,) = Stream(Topic("bar", "KO", "1m;1")).feed({**msgspec.json.decode(two), "IsEndOfHistory": True})
    stream = Stream(topic, recalled=[last])
    bars = stream.feed(one, two, three, forming)
    assert [(bar.origin, bar.is_closed) for bar in bars] == [("backfill", True), ("stream", False)]
    assert [signal.filled for signal in stream.signals() if isinstance(signal, GapFound)] == [True]
    short = Stream(topic, recalled=[last])
    assert not short.session.handle_timeout(short.session.deadline)
    assert [signal.filled for signal in short.signals() if isinstance(signal, GapFound)] == [False]


def test_a_forming_bar_grows_and_closes_once(lines):
    stream = Stream(Topic("bar", "KO", "1m"))
    forming, closed, following = lines("bars.jsonl")[3:]
    bars = stream.feed(*lines("bars.jsonl")[:3], forming, forming, closed, closed, following)
    assert opens(bars) == [("30", False), ("30", True), ("31", False)]
    assert bars[0].time_ns is None
    assert bars[1]["BarStatus"] == "Closed"


def test_a_missing_closed_frame_is_made_up_from_the_last_forming_one(lines):
    stream = Stream(Topic("bar", "KO", "1m"))
    forming, closed, following = lines("bars.jsonl")[3:]
    bars = stream.feed(forming, following, closed, forming)
    assert opens(bars) == [("30", False), ("30", True), ("31", False), ("30", True)]
    assert bars[1].close == 70.65
    assert bars[1]["TotalVolume"] == "500"
    assert bars[3].close == 70.8  # the late closed frame corrects it, the late forming one is dropped


def test_a_forming_bar_at_the_end_of_history_is_delivered():
    bar = {"Open": "1", "High": "1", "Low": "1", "Close": "1", "BarStatus": "Open", "Epoch": 120_000}
    stream = Stream(Topic("bar", "KO", "1m"))
    assert opens(stream.feed({**bar, "IsRealtime": False, "IsEndOfHistory": True})) == [("1", False)]
    assert stream.feed({**bar, "IsRealtime": True}) == []


def test_bars_without_any_history_are_ready_with_the_first(lines):
    topic = Topic("bar", "KO", "1m;5")
    stream = Stream(topic)
    assert opens(stream.feed(lines("bars.jsonl")[3])) == [("30", False)]
    assert stream.signals() == [Ready(topic)]


def test_bars_of_an_unsubscribed_topic_yield_nothing(lines):
    topic = Topic("bar", "KO", "1m")
    stream = Stream(topic)
    stream.session.unsubscribe([topic], 0.0)
    assert stream.feed(lines("bars.jsonl")[3]) == []


def test_trades_are_the_live_ticks_and_equal_ones_are_two(lines):
    topic = Topic("trade", "KO")
    stream = Stream(topic)
    *frames, _, _ = lines("tickbars.txt")
    events = stream.feed(*frames)
    assert [event.kind for event in events] == ["trade", "trade", "trade_correction"]
    assert (events[0].price, events[0].size, events[0].side, events[0].trade_id) == (70.65, 300.0, None, None)
    assert events[0].time.isoformat() == "2026-11-20T15:30:04+00:00"
    assert events[2].reason == "correction"
    assert stream.signals() == [Ready(topic)]


@pytest.mark.parametrize(("told", "missed", "is_whole"), [(1, [2.0, 3.0], True), (3, [], True), (0, [2.0, 3.0], False)])
def test_of_a_reopened_tick_stream_only_what_was_missed_is_new(told, missed, is_whole):
    topic = Topic("trade", "KO")
    rows = [
        {"Close": float(n), "Status": 13 + (n == 3) * 2**29, "TimeStamp": f"/Date({n * 1000})/", "TotalVolume": 1}
        for n in (1, 2, 3)
    ]
    live = [{**row, "Status": 11} for row in rows]
    before = Stream(topic).feed(*(live[:told] or [{**live[1], "TotalVolume": 9}]))
    stream = Stream(topic, recalled=before)
    assert [event.price for event in stream.feed(*rows)] == missed
    gaps = [signal for signal in stream.signals() if isinstance(signal, GapFound)]
    assert [(gap.topic, gap.filled) for gap in gaps] == [(topic, is_whole)]
    assert [event.price for event in stream.feed(live[2])] == [3.0]


def test_a_tick_stream_that_is_quiet_asks_once_for_another_in_its_place():
    stream = Stream(Topic("trade", "KO"))
    now = 0.0
    while now < 300:
        now = stream.session.deadline
        assert stream.session.handle_timeout(now) == ()
        if now == 105:
            stream.feed({"Heartbeat": 1})
    hand_overs = [signal for signal in stream.signals() if isinstance(signal, HandOver)]
    assert len(hand_overs) == 1


def test_phantom_ticks_yield_nothing(lines):
    assert Stream(Topic("trade", "KO")).feed(lines("tickbars.txt")[4]) == []


def test_lines_that_end_a_tick_stream_fail_it(lines):
    stream = Stream(Topic("trade", "KO"))
    stream.feed(lines("tickbars.txt")[5], "END", " ")
    error, end = stream.signals()
    assert isinstance(error.error, VenueUnavailableError)
    assert "Timeout" in str(error.error)
    assert isinstance(end.error, ConnectionLostError)
    with pytest.raises(ProtocolError):
        stream.feed("HELLO")


@pytest.mark.parametrize("line", ["ERROR - FAILED, EX_INVALID_SYMBOL", "ERROR - FAILED, EX_NOT_ENTITLED"])
def test_a_tick_stream_may_refuse_its_symbol_after_the_fact(line):
    topic = Topic("trade", "NOSUCH")
    stream = Stream(topic)
    stream.feed(line)
    (refused,) = stream.signals()
    assert refused.topic == topic
    assert isinstance(refused.error, InvalidSymbolError)


def test_a_heartbeat_on_a_tick_stream_is_tolerated():
    assert Stream(Topic("trade", "KO")).feed({"Heartbeat": 1}) == []


def test_every_book_is_a_snapshot(lines):
    topic = Topic("depth", "KO", "10")
    stream = Stream(topic)
    (book,) = stream.feed(lines("depth_aggregates.jsonl")[0])
    assert [level.price for level in book.bids] == [70.7, 70.69]
    assert book.asks[0].size == 700.0
    assert book.is_snapshot
    assert book["Bids"][0]["TotalOrderCount"] == 9
    assert stream.signals() == [Ready(topic)]
    assert stream.feed({"Heartbeat": 1}) == []


def test_chain_rows_are_merged_by_their_legs(lines):
    topic = Topic("option_chain", "KO", "strike_proximity=3")
    stream = Stream(topic)
    call, put, changed = stream.feed(*lines("option_chain.jsonl"))
    assert (call.symbol, call.bid, put.side, put.bid) == ("KO", 1.6, "put", 0.95)
    assert (changed.bid, changed.ask, changed.delta) == (1.62, 1.7, 0.61)
    assert changed["Gamma"] == "0.07"
    assert "Gamma" not in changed.raw
    assert stream.signals() == [Ready(topic)]
    assert stream.feed({"Bid": "1"}) == []
    assert stream.session.unknown_messages == 1


def test_option_quotes_are_merged_as_one(lines):
    topic = Topic("option_quote", "KO 261218C70")
    stream = Stream(topic)
    _, second = stream.feed(lines("option_chain.jsonl")[0], {"Ask": "1.75"})
    assert (second.symbol, second.bid, second.ask) == ("KO 261218C70", 1.6, 1.75)
    assert second.kind == "option_quote"
    assert stream.feed({"Heartbeat": 1}, {"StreamStatus": "EndSnapshot"}) == []


def test_orders_are_ready_with_the_end_of_the_snapshot_even_if_it_is_empty():
    topics = (Topic("order", ACCOUNT), Topic("order", "SIM5550002F"))
    stream = Stream(*topics)
    stream.feed({"StreamStatus": "EndSnapshot"})
    assert stream.signals() == [Ready(topics[0]), Ready(topics[1])]


def test_snapshot_orders_are_updates(lines):
    stream = Stream(Topic("order", ACCOUNT))
    done, opened = stream.feed(*lines("orders.jsonl")[:2])
    assert (done.kind, done.status, done.filled_quantity) == ("order", "filled", 10)
    assert (opened.status, opened.side, opened.time_in_force) == ("accepted", "sell_short", "gcp")
    assert opened["Legs"][0]["OpenOrClose"] == "Open"
    assert opened.topic == Topic("order", ACCOUNT)


def test_each_change_is_an_update_and_repeats_are_dropped(lines):
    stream = Stream(Topic("order", ACCOUNT))
    stream.feed(*lines("orders.jsonl")[:3])
    events = stream.feed(*lines("orders.jsonl")[3:6])
    assert [(event.kind, event.filled_quantity) for event in events] == [("order", 15), ("order", 40)]
    assert events[1]["OrderID"] == "800000002"


def test_orders_of_other_accounts_yield_nothing(lines):
    assert Stream(Topic("order", "OTHER1")).feed(lines("orders.jsonl")[0]) == []


def test_a_refused_account_leaves_the_others_alone(lines):
    stream = Stream(Topic("order", ACCOUNT), Topic("order", "SIM9"), Topic("order", "SIM8"))
    stream.feed({"Error": "Forbidden", "Message": "Invalid Account ID.", "AccountID": "SIM9,SIM8"})
    assert [(type(signal), signal.topic.symbol) for signal in stream.signals()] == [
        (Refused, "SIM9"),
        (Refused, "SIM8"),
    ]
    assert len(stream.feed(lines("orders.jsonl")[0])) == 1


def test_a_passing_error_about_one_account_costs_the_connection():
    stream = Stream(Topic("order", ACCOUNT), Topic("order", "SIM9"))
    stream.feed({"Error": "GatewayTimeout", "Message": "Late.", "AccountID": "SIM9"})
    (signal,) = stream.signals()
    assert isinstance(signal, Failed)
    assert signal.error.action == "retry"


def changed(frame: bytes, **fields) -> dict:
    return {**msgspec.json.decode(frame), **fields}


def test_a_code_that_tells_no_state_is_read_again_once(lines):
    stream = Stream(Topic("order", ACCOUNT))
    _, opened, end, partly, *_ = lines("orders.jsonl")
    stream.feed(opened, end)
    stream.signals()
    assert stream.feed(changed(opened, Status="RJR"), changed(opened, Status="NEW1")) == []
    (fetch,) = stream.signals()
    assert isinstance(fetch, Fetch)
    assert fetch.request.path == f"/v3/brokerage/accounts/{ACCOUNT}/orders/800000002"
    assert fetch.request.bucket == "orders"
    body = msgspec.json.encode({"Orders": [msgspec.json.decode(partly)]})
    events = stream.session.receive_response(fetch.key, Response(200, {}, body, 77), 1.0)
    assert [event.kind for event in events] == ["order"]
    assert events[0].received_ns == 77
    assert stream.feed(opened) == []  # an older state does not come back


def test_a_failed_second_reading_changes_nothing(lines):
    stream = Stream(Topic("order", ACCOUNT))
    _, opened, end, *_ = lines("orders.jsonl")
    stream.feed(opened, end, changed(opened, Status="SUS"), changed(opened, Status="COR"))
    fetches = [signal for signal in stream.signals() if isinstance(signal, Fetch)]
    assert len(fetches) == 1
    assert stream.session.receive_response(fetches[0].key, Response(503), 1.0) == ()
    assert stream.session.receive_response(fetches[0].key, Response(200, {}, b"{}"), 1.0) == []


def test_a_busted_trade_may_take_executed_quantity_back(lines):
    stream = Stream(Topic("order", ACCOUNT))
    done, _, end, *_ = lines("orders.jsonl")
    stream.feed(done, end)
    leg = {**msgspec.json.decode(done)["Legs"][0], "ExecQuantity": "0"}
    (busted,) = stream.feed(changed(done, Status="BRO", Legs=[leg]))
    assert (busted.filled_quantity, busted.status) == (0, "filled")


def test_orders_by_id_are_read_as_orders(lines):
    stream = Stream(Topic("order", ACCOUNT, "800000002"))
    assert len(stream.feed(lines("orders.jsonl")[1])) == 1


def test_positions_are_merged_and_end_with_zero(lines):
    topics = (Topic("position", ACCOUNT), Topic("position", "SIM5550002F"))
    stream = Stream(*topics)
    first, end, partial, other, deleted, unknown = lines("positions.jsonl")
    (bought,) = stream.feed(first)
    assert (bought.symbol, bought.quantity, bought.account, bought.time_ns) == ("KO", 10, ACCOUNT, None)
    assert stream.feed(end) == []
    assert [type(signal) for signal in stream.signals()] == [Ready, Ready]
    (moved,) = stream.feed(partial)
    assert (moved.symbol, moved.quantity, moved.last, moved.average_price) == (
        "KO",
        10,
        Decimal("70.8"),
        Decimal("70.1"),
    )
    assert moved["Bid"] == "70.7"
    assert "Bid" not in moved.raw
    (short,) = stream.feed(other)
    assert (short.quantity, short.topic) == (-2, topics[1])
    (closed,) = stream.feed(deleted)
    assert (closed.symbol, closed.quantity, closed.position_id) == ("KO", 0, "60000001")
    assert stream.feed(deleted, unknown) == []


def test_positions_of_other_accounts_yield_nothing(lines):
    assert Stream(Topic("position", "OTHER1")).feed(lines("positions.jsonl")[0]) == []


def balance_stream(*accounts: str) -> Stream:
    return Stream(*(Topic("balance", account) for account in accounts))


def test_polled_balances_are_accepted_with_the_first_answer(lines):
    stream = balance_stream(ACCOUNT, "SIM5550002F")
    assert stream.opening == []
    balances = stream.feed(lines("balances.json")[0])
    assert [(balance.account, balance.currency) for balance in balances] == [
        (ACCOUNT, "USD"),
        ("SIM5550002F", "USD"),
        ("SIM5550002F", "EUR"),
    ]
    assert str(balances[0].cash) == "9299.00"
    assert (balances[1].realized_profit, balances[2].cash) == (-3, Decimal("150.25"))
    assert [type(signal) for signal in stream.signals()] == [Accepted, Ready, Ready]


def test_only_balances_that_changed_are_told(lines):
    stream = balance_stream(ACCOUNT, "SIM5550002F")
    answer = lines("balances.json")[0]
    stream.feed(answer)
    assert stream.feed(answer) == []
    (balance,) = stream.feed(answer.replace(b"9299.00", b"9300.00"))
    assert (balance.account, balance.cash) == (ACCOUNT, 9300)
    assert balance["CashBalance"] == "9300.00"
    assert balance.topic == Topic("balance", ACCOUNT)


def test_an_account_without_balances_is_refused_and_a_passing_failure_is_not(lines):
    stream = balance_stream(ACCOUNT, "SIM9990000M")
    stream.feed({"Errors": [{"AccountID": "SIM9990000M", "Error": "GatewayTimeout", "Message": "Late."}]})
    assert [type(signal) for signal in stream.signals()] == [Accepted]
    stream.feed(lines("balances.json")[0])
    assert [type(signal) for signal in stream.signals()] == [Ready, Refused]


def test_an_answer_that_is_no_balance_is_an_error_or_unknown():
    stream = balance_stream(ACCOUNT, "SIM9")
    stream.feed({"Error": "Unauthorized", "Message": "x"}, {"Other": 1})
    (signal,) = stream.signals()
    assert signal.error.action == "refresh"
    assert stream.session.unknown_messages == 1
