import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from tests.orders.events import ACCOUNT, update

from brokerwire.clock import SystemClock
from brokerwire.errors import ConfigurationError, OrderOutcomeUnknownError
from brokerwire.events import Order, OrderLeg
from brokerwire.orders.intents import (
    ABSENT_AFTER_S,
    LATEST_NS,
    MOST_REMEMBERED,
    SKEW_NS,
    Intents,
    direction,
    legs_of,
    new_client_order_id,
    number,
    text_of,
)
from brokerwire.orders.journal import Journal
from brokerwire.orders.ledger import Intent, Leg

MADE_NS = 10**18


def intent(name: str = "mine", **fields: Any) -> Intent:
    terms: dict[str, Any] = {"legs": (Leg("A", "buy", "10"),), "type": "limit", "limit_price": "5.0", **fields}
    return Intent(client_order_id=name, action=terms.pop("action", "place"), made_ns=MADE_NS, **terms)


def order(order_id: str = "1", opened_ns: int = MADE_NS + 1, **fields: Any) -> Order:
    return structs.replace(update(order_id), time_ns=opened_ns, **fields)


def opened(found: Order) -> int | None:
    return found.time_ns


def decide(intents: Intents, *orders: Order, after_s: float = 1.0) -> dict[str, tuple[str, str | None]]:
    asked_at = asyncio.get_running_loop().time() + after_s
    decisions = intents.decide(orders, asked_at=asked_at, opened_ns=opened)
    return {each.client_order_id: (outcome, found and found.order_id) for each, outcome, found in decisions}


@pytest.fixture
async def intents() -> Intents:
    return Intents(None, SystemClock())


def test_ids_are_unique_and_short_enough_for_every_venue() -> None:
    ids = {new_client_order_id() for _ in range(100)}
    assert len(ids) == 100
    assert {len(each) for each in ids} == {22}


# New orders


async def test_the_venues_own_word_counts_first(intents: Intents) -> None:
    intents.doubt(intent())
    named = order("7", client_order_id="mine", limit_price=Decimal(99))
    assert decide(intents, order("1"), named) == {"mine": ("accepted", "7")}


async def test_an_order_of_these_terms_is_ours(intents: Intents) -> None:
    intents.doubt(intent())
    others = [
        order("2", limit_price=Decimal(6)),
        order("3", legs=(OrderLeg(symbol="B", side="buy", quantity=Decimal(10)),)),
        order("4", type="market"),
        order("5", legs=(OrderLeg(symbol="A", side="sell", quantity=Decimal(10)),)),
        order("6", opened_ns=MADE_NS - SKEW_NS - 1),
        order("7", opened_ns=MADE_NS + LATEST_NS + 1),
    ]
    assert decide(intents, *others) == {}
    assert decide(intents, *others, order("1")) == {"mine": ("accepted", "1")}


async def test_an_order_of_another_account_is_not_ours(intents: Intents) -> None:
    intents.doubt(intent(account="other"))
    assert decide(intents, order("1")) == {}
    intents.doubt(intent("second", account=ACCOUNT))
    assert decide(intents, order("1")) == {"second": ("accepted", "1")}


async def test_what_opening_or_closing_meant_is_not_needed_to_know_an_order(intents: Intents) -> None:
    intents.doubt(intent())
    leg = OrderLeg(symbol="A", side="buy_to_cover", quantity=Decimal(10))
    assert decide(intents, order("1", legs=(leg,))) == {"mine": ("accepted", "1")}


async def test_equal_orders_are_given_out_in_the_order_in_which_they_were_meant(intents: Intents) -> None:
    intents.doubt(structs.replace(intent("second"), made_ns=MADE_NS + 5))
    intents.doubt(intent("first"))
    found = decide(intents, order("9", MADE_NS + 7), order("8", MADE_NS + 2), after_s=ABSENT_AFTER_S + 1)
    assert found == {"first": ("accepted", "8"), "second": ("accepted", "9")}
    assert decide(intents, order("8")) == {"first": ("accepted", "8")}


async def test_an_order_that_is_somebody_elses_is_not_ours(intents: Intents) -> None:
    taken = intent("known")
    await intents.make([taken])
    intents.settle(taken, "accepted", order_id="1")
    intents.doubt(intent())
    assert decide(intents, order("1")) == {}


async def test_what_is_not_there_in_time_was_not_placed(intents: Intents) -> None:
    intents.doubt(intent())
    assert decide(intents, after_s=-1) == {}
    assert decide(intents, after_s=ABSENT_AFTER_S - 1) == {}
    assert decide(intents, after_s=ABSENT_AFTER_S + 1) == {"mine": ("absent", None)}


# Changes


@pytest.mark.parametrize(
    ("status", "after_s", "outcome"),
    [
        ("cancelled", 1, "accepted"),
        ("filled", 1, "rejected"),
        ("accepted", 1, None),
        ("accepted", 31, "rejected"),
        ("pending_cancel", 31, None),
    ],
)
async def test_a_cancellation_shows_in_its_order(intents: Intents, status: Any, after_s: float, outcome: str) -> None:
    intents.doubt(intent(action="cancel", order_id="1", legs=(), limit_price=None))
    found = decide(intents, order("1", status=status), after_s=after_s)
    assert found == ({} if outcome is None else {"mine": (outcome, "1")})


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"limit_price": Decimal(5)}, "accepted"),
        ({"limit_price": Decimal(4)}, None),
        ({"limit_price": Decimal(4), "status": "filled"}, "rejected"),
        ({"limit_price": Decimal(5), "type": "market"}, None),
        ({"limit_price": Decimal(5), "quantity": Decimal(3)}, None),
    ],
)
async def test_a_change_shows_in_its_order(intents: Intents, fields: dict[str, Any], outcome: str | None) -> None:
    intents.doubt(intent(action="replace", order_id="1", legs=(), quantity="10"))
    found = decide(intents, order("1", **fields))
    assert found == ({} if outcome is None else {"mine": (outcome, "1")})


async def test_a_change_of_an_order_that_is_gone_was_not_taken(intents: Intents) -> None:
    intents.doubt(intent(action="cancel", order_id="1"))
    assert decide(intents) == {}
    assert decide(intents, after_s=31) == {"mine": ("absent", None)}


# Keeping


async def test_an_id_is_used_once_unless_its_request_was_refused(intents: Intents) -> None:
    await intents.make([intent()])
    with pytest.raises(ConfigurationError, match=r"was used before \(open\)"):
        await intents.make([intent()])
    for outcome in ("rejected", "absent"):
        intents.settle(intent(), outcome, text="no")  # type: ignore[arg-type]  # it is one
        await intents.make([intent()])
    intents.settle(intent(), "accepted", order_id="7")
    with pytest.raises(ConfigurationError, match="order 7"):
        await intents.make([intent()])
    found = await intents.find("mine")
    assert found is not None
    assert (found.outcome, found.order_id) == ("accepted", "7")
    assert await intents.find("other") is None


async def test_whoever_waits_hears_of_the_outcome(intents: Intents) -> None:
    doubt = intents.doubt(intent())
    intents.settle(intent(), "absent", text="nothing there")
    assert (await doubt.settled).text == "nothing there"
    assert intents.doubts == {}


async def test_nobody_waits_after_the_end(intents: Intents) -> None:
    doubts = [intents.doubt(intent()), intents.doubt(intent("second"))]
    doubts[1].settled.cancel()
    intents.close()
    with pytest.raises(OrderOutcomeUnknownError) as caught:
        await doubts[0].settled
    assert caught.value.client_order_id == "mine"


async def test_what_is_remembered_is_bounded(intents: Intents) -> None:
    await intents.load()
    for each in range(MOST_REMEMBERED + 1):
        await intents.make([intent(str(each))])
        intents.settle(intent(str(each)), "accepted", order_id=str(each))
    assert await intents.find("0") is None
    assert await intents.find("1") is not None
    intents.doubt(intent())
    assert decide(intents, order("0")) == {"mine": ("accepted", "0")}
    assert decide(intents, order("1")) == {}


async def test_doubts_outlive_the_process_with_what_is_claimed(tmp_path: Path) -> None:
    async def reopened() -> tuple[Journal, Intents]:
        journal = Journal(tmp_path / "orders.db", owner="v offline", clock=SystemClock())
        await journal.open()
        intents = Intents(journal, SystemClock())
        await intents.load()
        return journal, intents

    journal, intents = await reopened()
    await intents.make([intent("taken")])
    intents.settle(intent("taken"), "accepted", order_id="1")
    await journal.close()
    journal, intents = await reopened()
    assert intents.doubts == {}
    await intents.make([intent()])
    await journal.close()
    journal, intents = await reopened()
    assert list(intents.doubts) == ["mine"]
    assert decide(intents, order("1")) == {}
    assert decide(intents, order("2")) == {"mine": ("accepted", "2")}
    with pytest.raises(ConfigurationError, match="was used before"):
        await intents.make([intent("taken")])
    assert (await intents.find("taken")) is not None
    await journal.close()
    intents.settle(intent(), "absent")


# Terms


def test_legs_are_read_from_terms() -> None:
    assert legs_of({"symbol": "a", "side": "sell_short", "quantity": 3}, str.upper) == (Leg("A", "sell", "3"),)
    spread = [{"symbol": "a", "side": "buy", "quantity": 2}, OrderLeg(symbol="b", side="sell", ratio=-2)]
    assert legs_of({"legs": spread, "quantity": "5"}, str.upper) == (Leg("A", "buy", "2"), Leg("B", "sell", "10"))


def test_numbers_are_read_as_they_are_given() -> None:
    assert number("1.50") == number(Decimal("1.5")) == Decimal("1.5")
    assert number("many") is None
    assert number(None) is None
    assert text_of(7) == "7"
    assert text_of(None) is None
    assert [direction(side) for side in ("buy", "buy_to_cover", "sell", None)] == ["buy", "buy", "sell", "sell"]
