from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from tests.orders.events import ACCOUNT, fill, update

from brokerwire.orders.executions import Accounted
from brokerwire.orders.ledger import DAY_NS, Consumer, Intent, Ledger, Recorded, dedupe_key


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "orders.db", owner="v offline")
    yield ledger
    ledger.close()


def intent(client_order_id: str = "mine", **fields: object) -> Intent:
    return Intent(client_order_id=client_order_id, action="place", made_ns=1, **fields)  # type: ignore[arg-type]  # some


def test_events_come_back_as_they_were_with_their_message(ledger: Ledger) -> None:
    events = [update(), fill(), update(status="filled", filled=10)]
    recorded = ledger.record(ACCOUNT, events, now_ns=5)
    assert [each.seq for each in recorded] == [1, 2, 3]
    found = ledger.events_after(0, [ACCOUNT], 10)
    assert found == recorded
    assert [each.event.raw for each in found] == [event.raw for event in events]
    assert [each.event.topic for each in found] == [event.topic for event in events]
    assert type(found[1].event) is type(events[1])


def test_an_execution_is_written_once(ledger: Ledger) -> None:
    assert len(ledger.record(ACCOUNT, [fill(total=1), fill(total=1), fill(total=2)], now_ns=5)) == 2
    assert ledger.record(ACCOUNT, [fill(total=2)], now_ns=5) == []


def test_an_order_that_returns_to_an_earlier_state_is_written_again(ledger: Ledger) -> None:
    assert len(ledger.record(ACCOUNT, [update(), update(status="pending_cancel"), update()], now_ns=5)) == 3


def test_events_of_other_accounts_and_before_the_position_are_left_out(ledger: Ledger) -> None:
    ledger.record(ACCOUNT, [update("1"), update("2")], now_ns=5)
    ledger.record("other", [update("3")], now_ns=5)
    assert [each.event.order_id for each in ledger.events_after(1, [ACCOUNT], 10)] == ["2"]
    assert [each.seq for each in ledger.events_after(0, [ACCOUNT, "other"], 2)] == [1, 2]
    assert [each.seq for each in ledger.events_after(2, [ACCOUNT, "other"], 2)] == [3]


def test_the_newest_state_of_each_order_is_known_unless_it_ended_long_ago(ledger: Ledger) -> None:
    ledger.record(ACCOUNT, [update("1"), update("2", "filled", 10), update("3")], now_ns=0)
    ledger.record(ACCOUNT, [update("1", "pending_cancel"), update("4", "cancelled")], now_ns=20 * DAY_NS)
    found = ledger.known(ACCOUNT, 21 * DAY_NS)
    assert [(order.order_id, order.status) for order in found.orders] == [
        ("3", "accepted"),
        ("1", "pending_cancel"),
        ("4", "cancelled"),
    ]


def test_old_events_that_everybody_has_heard_are_forgotten(ledger: Ledger) -> None:
    ledger.consumer("a")
    ledger.consumer("b")
    ledger.record(ACCOUNT, [update("1"), update("1", "filled", 10), update("2"), fill("2")], now_ns=0)
    ledger.mark("a", 4)
    ledger.mark("b", 3)
    ledger.forget_old(200 * DAY_NS)
    assert [each.seq for each in ledger.events_after(0, [ACCOUNT], 10)] == [2, 3, 4]


def test_nothing_is_forgotten_before_its_time(ledger: Ledger) -> None:
    ledger.consumer("a")
    ledger.record(ACCOUNT, [update("1"), fill("1")], now_ns=0)
    ledger.mark("a", 2)
    ledger.forget_old(80 * DAY_NS)
    assert len(ledger.events_after(0, [ACCOUNT], 10)) == 2


def test_a_consumer_begins_at_the_end_and_keeps_its_place(ledger: Ledger) -> None:
    ledger.record(ACCOUNT, [update("1")], now_ns=5)
    assert ledger.consumer("new") == Consumer(1, is_fresh=True)
    ledger.record(ACCOUNT, [update("2")], now_ns=5)
    assert ledger.consumer("new") == Consumer(1, is_fresh=True)
    ledger.mark("new", 2)
    ledger.mark("new", 1)
    assert ledger.consumer("new") == Consumer(2, is_fresh=False)


def test_what_was_told_as_executed_is_known_as_long_as_its_order(ledger: Ledger) -> None:
    legs = [Accounted("1", "A", Decimal(4), Decimal(8)), Accounted("2", "A", Decimal(10))]
    ledger.record(ACCOUNT, [update("1"), update("2", "filled", 10)], accounted=legs, now_ns=0)
    ledger.record(ACCOUNT, [], accounted=[Accounted("1", "A", Decimal(5), Decimal(9))], now_ns=0)
    assert ledger.known(ACCOUNT, DAY_NS).accounted == [Accounted("1", "A", Decimal(5), Decimal(9)), legs[1]]
    ledger.forget_old(200 * DAY_NS)
    assert [leg.order_id for leg in ledger.known(ACCOUNT, 0).accounted] == ["1"]


def test_a_baseline_is_set_once(ledger: Ledger) -> None:
    assert not ledger.known(ACCOUNT, 1).has_baseline
    ledger.set_baseline(ACCOUNT, 1)
    ledger.set_baseline(ACCOUNT, 2)
    assert ledger.known(ACCOUNT, 1).has_baseline
    assert not ledger.known("other", 1).has_baseline


def test_an_id_is_used_once_unless_its_request_was_refused(ledger: Ledger) -> None:
    first = intent(quantity="5")
    assert ledger.make_intent(first) is None
    assert ledger.make_intent(intent()) == first
    ledger.settle_intent(intent(outcome="accepted", order_id="7"))
    assert ledger.make_intent(intent()) == intent(outcome="accepted", order_id="7")
    ledger.settle_intent(intent(outcome="rejected"))
    assert ledger.make_intent(first) is None
    assert ledger.intent("mine") == first
    assert ledger.intent("other") is None


def test_open_intents_are_found_again(ledger: Ledger) -> None:
    ledger.make_intent(intent("a"))
    ledger.make_intent(intent("b"))
    ledger.settle_intent(intent("a", outcome="absent"))
    assert [each.client_order_id for each in ledger.open_intents()] == ["b"]


def test_what_is_rolled_back_never_was(ledger: Ledger) -> None:
    ledger.begin()
    ledger.record(ACCOUNT, [update()], now_ns=5)
    ledger.roll_back()
    ledger.roll_back()
    ledger.begin()
    ledger.record(ACCOUNT, [fill()], now_ns=5)
    ledger.commit()
    assert ledger.events_after(0, [ACCOUNT], 10) == [Recorded(1, fill())]


def test_keys_tell_executions_and_revisions_apart() -> None:
    keys = [
        dedupe_key(fill(total=1), 0),
        dedupe_key(fill(total=2), 0),
        dedupe_key(update(), 0),
        dedupe_key(update(), 1),
    ]
    assert len(set(keys)) == 4
    resolved = update("", client_order_id="mine")
    assert "mine" in dedupe_key(resolved, 0)
