import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from brokerwire import events
from brokerwire.events import (
    Account,
    Balance,
    Bar,
    Depth,
    Event,
    Fill,
    Gap,
    Level,
    Notice,
    Order,
    OrderUpdate,
    Overflow,
    Position,
    Quote,
    StateChange,
    Topic,
    Trade,
    respell,
    stamp,
    tie,
)

TOPIC = Topic("quote", "AAPL")
NS = 1_795_000_000_123_456_789


def quote(message: Any = b'{"Bid":"1.5","Last":"2","Deep":{"a":[1]}}', **fields: Any) -> Quote:
    event = Quote("v", "AAPL", NS, NS + 5, **fields)
    stamp(event, TOPIC, message)
    return event


def test_the_typed_fields_and_the_venues_own_stand_side_by_side() -> None:
    event = quote(bid=1.5)
    assert event.bid == 1.5
    assert event["Bid"] == "1.5"
    assert event.get("Bid") == "1.5"
    assert event.get("Nothing") is None
    assert event.get("Nothing", 5) == 5
    assert "Bid" in event
    assert "bid" not in event
    assert list(event.keys()) == ["Bid", "Last", "Deep"]
    assert dict(event) == event.raw == {"Bid": "1.5", "Last": "2", "Deep": {"a": [1]}}
    with pytest.raises(KeyError):
        event["Nothing"]
    assert event.topic == TOPIC


def test_a_payload_cannot_set_our_own_fields() -> None:
    event = quote({"bid": 9.0, "venue": "evil", "symbol": "evil", "_topic": "evil", "raw": 1, "kind": "evil"})
    assert (event.venue, event.symbol, event.bid, event.topic, event.kind) == ("v", "AAPL", None, TOPIC, "quote")
    assert event["venue"] == "evil"


def test_the_message_is_parsed_once() -> None:
    event = quote()
    assert event.raw is event.raw


def test_on_channels_of_deltas_raw_is_the_frames_own() -> None:
    event = quote({"Bid": "1", "Ask": "2"})
    tie(event, "_frame", b'{"Bid":"1"}')
    assert event["Ask"] == "2"
    assert event.raw == {"Bid": "1"}


def test_long_numbers_keep_every_digit() -> None:
    event = quote(b'{"a":0.1,"b":1234567890.123456789,"c":12345678901234567890,"d":1e400}')
    assert event["a"] == 0.1
    assert event["b"] == Decimal("1234567890.123456789")
    assert event["c"] == 12345678901234567890
    assert not (isinstance(event["d"], float) and math.isinf(event["d"]))


def test_a_message_that_is_no_object_is_still_readable() -> None:
    event = quote([1, 2])
    assert event[1] == 2
    assert event.get("x") is None
    assert list(event.keys()) == []
    assert "x" not in event


def test_an_event_made_by_hand_has_no_message() -> None:
    event = Quote("v", "A", None, 1)
    assert (event.raw, event.topic, event.time, event.get("x")) == (None, None, None, None)
    with pytest.raises(KeyError):
        event["x"]


def test_equality_hash_and_json_look_at_typed_fields_only() -> None:
    one, other = quote(b'{"a":1}', bid=1.0), quote(b'{"a":2}', bid=1.0)
    assert one == other
    assert hash(one) == hash(other)
    assert msgspec.json.encode(one) == msgspec.json.encode(other)
    assert one != quote(bid=2.0)


def test_events_are_frozen() -> None:
    with pytest.raises(AttributeError):
        quote().bid = 1.0  # type: ignore[misc]  # the mistake under test


def test_times_are_aware_to_the_microsecond() -> None:
    assert quote().time == datetime(2026, 11, 18, 11, 6, 40, 123456, UTC)
    assert Quote("v", "A", None, 1).time is None


def test_respelling_changes_the_symbol_and_nothing_else() -> None:
    event = quote(bid=1.5)
    tie(event, "_frame", b'{"x":1}')
    twin = respell(event, "aapl")
    assert (twin.symbol, twin.bid, twin.topic, twin["Bid"], twin.raw) == ("aapl", 1.5, TOPIC, "1.5", {"x": 1})
    assert event.symbol == "AAPL"


@pytest.mark.parametrize(
    ("fields", "price"),
    [({"last": 3.0, "bid": 1.0, "ask": 2.0}, 3.0), ({"bid": 1.0, "ask": 2.0}, 1.5), ({"bid": 1.0}, None), ({}, None)],
)
def test_the_price_of_a_quote_is_the_last_else_the_middle(fields: dict[str, float], price: float | None) -> None:
    assert Quote("v", "A", None, 1, **fields).price == price


def test_orders_know_when_they_cannot_change_any_more() -> None:
    assert Order("v", "A", None, 1, status="filled").is_terminal
    assert not Order("v", "A", None, 1, status="partially_filled").is_terminal
    assert not OrderUpdate("v", "A", None, 1).is_terminal


KINDS: list[tuple[str, Event]] = [
    ("quote", quote()),
    ("trade", Trade("v", "A", None, 1, 1.0, 2.0)),
    ("bar", Bar("v", "A", None, 1, "1m", 0, 1.0, 1.0, 1.0, 1.0)),
    ("depth", Depth("v", "A", None, 1, (Level(1.0, 2.0),), ())),
    ("order", Order("v", "A", None, 1, type="limit")),
    ("order", OrderUpdate("v", "A", None, 1, quantity=Decimal("1.10"))),
    ("fill", Fill("v", "A", None, 1, "acc", "1", "2", Decimal(1), Decimal(2))),
    ("account", Account("v", "", None, 1, "acc", type="margin")),
    ("position", Position("v", "A", None, 1, "acc", Decimal(-5))),
    ("balance", Balance("v", "USD", None, 1, "acc", "USD")),
]


@pytest.mark.parametrize(("kind", "event"), KINDS, ids=[f"{kind}-{type(event).__name__}" for kind, event in KINDS])
def test_the_json_of_an_event_names_its_kind_and_reads_back(kind: str, event: Event) -> None:
    assert event.kind == kind
    text = msgspec.json.encode(event)
    assert msgspec.json.decode(text)["type"] == kind
    assert msgspec.json.decode(text, type=type(event)) == event
    fields = event.to_dict()
    assert fields["type"] == kind
    assert next(iter(fields)) == "type"


def test_decimals_stay_exact_in_a_dict() -> None:
    fields = OrderUpdate("v", "A", None, 1, quantity=Decimal("1.10"), type="limit").to_dict()
    assert fields["quantity"] == Decimal("1.10")
    assert str(fields["quantity"]) == "1.10"
    assert fields["order_type"] == "limit"


def test_every_kind_has_its_own_name() -> None:
    kinds = [
        found
        for found in vars(events).values()
        if isinstance(found, type) and issubclass(found, Event) and found not in {Event, OrderUpdate}
    ]
    assert len({found.kind for found in kinds}) == len(kinds)


def test_topics_are_values_with_a_short_text() -> None:
    assert Topic("bar", "A", "1m") == Topic("bar", "A", "1m")
    assert len({Topic("bar", "A", "1m"), Topic("bar", "A", "1m"), Topic("bar", "A")}) == 2
    assert str(Topic("bar", "A", "1m")) == "bar:A:1m"
    assert str(Topic("quote", "A")) == "quote:A"


def test_statuses_are_json_with_their_kind() -> None:
    for status, kind in (
        (StateChange("live", "stale", "r"), "state_change"),
        (Gap(TOPIC, 1, 2, "r"), "gap"),
        (Overflow(None, 3), "overflow"),
        (Notice("x"), "notice"),
    ):
        assert msgspec.json.decode(msgspec.json.encode(status))["type"] == kind


def test_a_message_can_be_set_before_it_is_read() -> None:
    event = Quote("v", "A", None, 1)
    tie(event, "_message", b'{"a":1}')
    assert event["a"] == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b'"caf\xe9"', "caf\ufffd"),
        (b'["\x80"]', ["\ufffd"]),
        (b'"\\ud800 x"', "? x"),
        (b'{"\x80":1.5}', {"\ufffd": 1.5}),
        (b"9" * 5000, Decimal("9" * 5000)),
    ],
)
def test_what_is_broken_in_a_field_that_is_not_typed_does_not_keep_the_message_from_being_read(
    field: bytes, value: object
) -> None:
    event = quote(b'{"a":' + field + b',"b":12345678901234567890.5}')
    assert event["a"] == value
    assert event["b"] == Decimal("12345678901234567890.5")
