from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from brokerwire.simulator import Simulator
from brokerwire.simulator.trading import OrderTicket, TicketLeg
from brokerwire.testing.virtual_time import VirtualClock


class Panel:
    """The control endpoint of a running simulator."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self._session = session

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        url = f"{self.simulator.control}/_control/{path}"
        async with self._session.request(method, url, json=body) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def panel() -> AsyncIterator[Panel]:
    async with (
        Simulator("tradestation", seed=11, clock=VirtualClock()) as simulator,
        aiohttp.ClientSession() as session,
    ):
        yield Panel(simulator, session)


async def test_state_tells_seed_and_accounts(panel: Panel) -> None:
    status, state = await panel.call("GET", "state")
    assert status == 200
    assert state["seed"] == 11
    assert len(state["accounts"]) == 2


async def test_faults_are_set_and_cleared(panel: Panel) -> None:
    assert await panel.call("POST", "fault", {"script": "close:1008", "times": 1}) == (200, {"faults": ["close"]})
    assert panel.simulator.faults.active("close") is not None
    assert await panel.call("DELETE", "fault?script=close") == (200, {"faults": []})
    await panel.call("POST", "fault", {"script": "mute"})
    assert await panel.call("DELETE", "fault") == (200, {"faults": []})


@pytest.mark.parametrize("body", [{"script": "nonsense"}, {}, {"script": "mute", "times": "x"}, [1]])
async def test_bad_fault_is_refused_with_a_reason(panel: Panel, body: object) -> None:
    status, answer = await panel.call("POST", "fault", body)
    assert status == 400
    assert answer["error"]


async def test_open_orders_can_be_filled_rejected_and_expired(panel: Panel) -> None:
    exchange = panel.simulator.exchange
    leg = TicketLeg(symbol="AMD", side="buy", quantity=Decimal(10))
    ticket = OrderTicket(account_id="SIM2510014M", legs=(leg,), type="limit", limit_price=Decimal(50))
    orders = [exchange.place(ticket).order_id for _ in range(3)]
    for order_id, do, status in zip(
        orders, ("fill", "reject", "expire"), ("filled", "rejected", "expired"), strict=True
    ):
        found = await panel.call("POST", "order", {"order_id": str(order_id), "do": do})
        assert found == (200, {"order_id": order_id, "status": status})
    assert exchange.orders[orders[0]].average_price == 50
    for body in ({"order_id": orders[0], "do": "fill"}, {"order_id": 1, "do": "reject"}, {"do": "sing"}):
        assert (await panel.call("POST", "order", body))[0] == 400


async def test_order_can_be_filled_in_part_at_a_price(panel: Panel) -> None:
    exchange = panel.simulator.exchange
    leg = TicketLeg(symbol="AMD", side="buy", quantity=Decimal(10))
    order = exchange.place(OrderTicket(account_id="SIM2510014M", legs=(leg,), type="limit", limit_price=Decimal(50)))
    body = {"order_id": order.order_id, "do": "fill", "quantity": 4, "price": "49.5"}
    await panel.call("POST", "order", body)
    assert (order.status, order.filled, order.average_price) == ("partially_filled", 4, Decimal("49.5"))


async def test_journal_and_drop_answer(panel: Panel) -> None:
    panel.simulator.journal.record("dial", path="/x")
    _, entries = await panel.call("GET", "journal?kind=dial")
    assert entries[0]["detail"] == {"path": "/x"}
    assert await panel.call("POST", "drop") == (200, {"dropped": 0})


async def test_weather_is_told_set_and_cleared_from_outside_it(offline: Any) -> None:
    async with offline() as venue, aiohttp.ClientSession() as session:
        simulator = await venue.simulator("tradestation", weather=["black_hole"])
        panel = Panel(simulator, session)
        status, answer = await panel.call("GET", "weather")
        assert (status, [each["name"] for each in answer["weather"]]) == (200, ["black_hole"])
        _, answer = await panel.call("POST", "weather", {"script": "latency:50ms,jitter=20ms", "direction": "up"})
        assert [each["name"] for each in answer["weather"]] == ["black_hole", "latency"]
        assert answer["weather"][1]["jitter_s"] == 0.02
        _, answer = await panel.call("DELETE", "weather?script=black_hole")
        assert [each["name"] for each in answer["weather"]] == ["latency"]
        assert await panel.call("DELETE", "weather") == (200, {"weather": []})


@pytest.mark.parametrize("body", [{"script": "hail"}, {}, {"script": "latency:x"}, [1]])
async def test_bad_weather_is_refused_with_a_reason(offline: Any, body: object) -> None:
    async with offline() as venue, aiohttp.ClientSession() as session:
        panel = Panel(await venue.simulator("tradestation", weather=[]), session)
        status, answer = await panel.call("POST", "weather", body)
        assert status == 400
        assert answer["error"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_simulator_without_weather_says_so(panel: Panel, method: str) -> None:
    status, answer = await panel.call(method, "weather", {"script": "black_hole"})
    assert status == 409
    assert "fair" in answer["error"]
