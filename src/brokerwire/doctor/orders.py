"""The row about orders: the answer to one is lost, and nobody knows whether it exists."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from brokerwire.client.client import Client
from brokerwire.doctor.finding import Figure, Finding, Missed
from brokerwire.doctor.ward import Ward
from brokerwire.errors import OrderOutcomeUnknownError, OrderRejectedError
from brokerwire.events import Order
from brokerwire.simulator import Simulator

DECIDED_WITHIN_S = 45.0
ROUNDS = 2
LOSSES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "drop_answer": {},
        "drop_answer:504": {},
        "drop_answer:500": {},
        "drop_answer mid_body": {"mid_body": True},
        "drop_answer hang": {"hang": True},
        "refuse:503": {},
        "silent_accept": {},
        "late_ack:60": {},
    }
)
"""Ways to lose an answer, and their options; with some the order has reached the venue, with others not."""


async def answers_lost(ward: Ward) -> Finding:
    """F41: the answer to an order is lost, in eight ways; what became of it must be found out."""
    simulator = await ward.simulator({"limit_scale": 1000.0})
    client = ward.client(simulator)
    await client.brokerage.get_accounts()
    await ward.listen(client, "order_updates", flows=False)
    trials = [loss for _ in range(ROUNDS) for loss in LOSSES]
    doubled = wrong = placed = 0
    longest_s = 0.0
    for number, loss in enumerate(trials):
        before, began = set(simulator.exchange.orders), ward.now()
        order = await _place_in_vain(client, simulator, loss=loss, number=number)
        longest_s = max(longest_s, ward.now() - began)
        new = [order_id for order_id in simulator.exchange.orders if order_id not in before]
        placed += len(new)
        doubled += len(new) > 1
        wrong += [str(order_id) for order_id in new] != ([] if order is None else [order.order_id])
    return Finding(
        f"the answers to {len(trials)} orders were lost in {len(LOSSES)} ways; {placed} of the orders existed",
        (
            Figure(name="orders doubled", value=doubled, at_most=0),
            Figure(name="requests sent again", value=max(0, _orders_sent(simulator) - len(trials)), at_most=0),
            Figure(name="told wrongly", value=wrong, at_most=0),
            Figure(name="longest doubt", value=longest_s, unit="s"),
        ),
    )


def _orders_sent(simulator: Simulator) -> int:
    """Return how many requests for an order have reached the venue's door."""
    requests = simulator.journal.entries("request", method="POST")
    return sum(1 for entry in requests if entry.detail["path"].endswith("/orders"))


async def _place_in_vain(client: Client, simulator: Simulator, *, loss: str, number: int) -> Order | None:
    """Place an order whose answer is lost; returns what the client finds out, None if the order does not exist."""
    simulator.faults.set(loss.partition(" ")[0], channel="orderexecution", **LOSSES[loss])
    try:
        await _place(client, number)
    except OrderOutcomeUnknownError:
        simulator.faults.clear()
        return await _resolved(client, number)
    raise Missed(f"an order was placed although its answer was lost ({loss})")


async def _place(client: Client, number: int) -> Order:
    return await client.order_execution.place_order(
        symbol="AAPL",
        side="buy",
        quantity=number + 1,
        type="limit",
        limit_price="1.00",
        client_order_id=_name_of(number),
    )


async def _resolved(client: Client, number: int) -> Order | None:
    try:
        async with asyncio.timeout(DECIDED_WITHIN_S):
            return await client.order_execution.resolve_order(_name_of(number))
    except OrderRejectedError:
        return None
    except TimeoutError:
        raise Missed(f"{DECIDED_WITHIN_S:g} s in vain for what became of an order") from None


def _name_of(number: int) -> str:
    return f"doctor-{number}"
