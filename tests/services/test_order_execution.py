import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from brokerwire import Client, Fill, OrderUpdate
from brokerwire.errors import (
    BrokerwireError,
    ConfigurationError,
    InvalidSymbolError,
    OrderOutcomeUnknownError,
    OrderRejectedError,
    RequestError,
)

Test = Callable[[Any, Client], Awaitable[None]]


@pytest.fixture
def run(virtual: Any, offline: Any) -> Callable[[Test], None]:
    """Runs a test with a TradeStation simulator and its client, in virtual time."""

    def runner(test: Test) -> None:
        async def main() -> None:
            async with offline() as venue:
                simulator = await venue.simulator("tradestation")
                await test(simulator, await venue.client(simulator))

        virtual(main)

    return runner


async def far_from_the_market(client: Client) -> Decimal:
    quote = (await client.market_data.get_quotes("AAPL"))[0]
    assert quote.bid is not None
    return Decimal(str(round(quote.bid * 0.8, 2)))


def test_an_order_is_placed_changed_and_cancelled(run: Any) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        trading = client.order_execution
        price = await far_from_the_market(client)
        order = await trading.place_order(
            symbol="AAPL", side="buy", quantity=10, type="limit", limit_price=price, time_in_force="gtc"
        )
        assert order.order_id
        await asyncio.sleep(2)
        changed = await trading.replace_order(order.order_id, limit_price=price - 1)
        assert changed.order_id
        await asyncio.sleep(2)
        mine = [found for found in await client.brokerage.get_orders() if found.status == "accepted"]
        assert price - 1 in [found.limit_price for found in mine]
        cancelled = await trading.cancel_order(changed.order_id)
        assert cancelled.order_id == changed.order_id
        await asyncio.sleep(2)
        found = {found.order_id: found for found in await client.brokerage.get_orders()}
        assert found[changed.order_id].status == "cancelled"
        assert found[changed.order_id].is_terminal

    run(test)


def test_updates_and_fills_of_an_order_arrive_in_order(run: Any) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        events: list[Any] = []
        filled = asyncio.Event()

        def on_update(event: OrderUpdate | Fill) -> None:
            events.append(event)
            if isinstance(event, OrderUpdate) and event.status == "filled":
                filled.set()

        subscription = await client.order_execution.stream_order_updates(on_update)
        await subscription.ready()
        events.clear()
        filled.clear()
        order = await client.order_execution.place_order(symbol="AAPL", side="buy", quantity="7")
        async with asyncio.timeout(60):
            while not any(getattr(event, "order_id", "") == order.order_id for event in events if filled.is_set()):
                filled.clear()
                await filled.wait()
        await asyncio.sleep(1)
        mine = [event for event in events if event.order_id == order.order_id]
        fills = [event for event in mine if isinstance(event, Fill)]
        assert sum(fill.quantity for fill in fills) == 7
        assert len({fill.fill_id for fill in fills}) == len(fills)
        updates = [event for event in mine if isinstance(event, OrderUpdate)]
        assert updates[-1].status == "filled"
        assert updates[-1].filled_quantity == Decimal(7)
        assert all(event.symbol == "AAPL" for event in mine)

    run(test)


def test_all_orders_can_be_cancelled(run: Any) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        price = await far_from_the_market(client)
        for _ in range(3):
            await client.order_execution.place_order(
                symbol="AAPL", side="buy", quantity=1, type="limit", limit_price=price
            )
        await asyncio.sleep(1)
        await client.order_execution.cancel_all_orders()
        await asyncio.sleep(2)
        assert all(order.is_terminal for order in await client.brokerage.get_orders() if order.limit_price == price)

    run(test)


@pytest.mark.parametrize(
    "order",
    [
        {"symbol": "AAPL", "quantity": 1},
        {"symbol": "AAPL", "side": "hold", "quantity": 1},
        {"symbol": "AAPL", "side": "buy", "quantity": 1, "type": "iceberg"},
        {"symbol": "AAPL", "side": "buy", "quantity": "many"},
        {"symbol": "AAPL", "side": "buy"},
        {"side": "buy", "quantity": 1},
        {"symbol": "AAPL", "side": "buy", "quantity": 1, "type": "limit"},
        {"symbol": "AAPL", "side": "buy", "quantity": 1, "type": "limit", "limit_price": "cheap"},
        {"symbol": "AAPL", "side": "buy", "quantity": 1, "time_in_force": "forever"},
        {"symbol": "AAPL", "side": "buy", "quantity": float("nan")},
    ],
)
def test_an_order_with_a_mistake_is_never_sent(run: Any, order: dict[str, Any]) -> None:
    async def test(simulator: Any, client: Client) -> None:
        await client.brokerage.get_accounts()
        before = len(simulator.exchange.orders)
        with pytest.raises((ConfigurationError, InvalidSymbolError)):
            await client.order_execution.place_order(**order)
        assert len(simulator.exchange.orders) == before

    run(test)


def test_an_order_that_the_venue_refuses_is_rejected(run: Any) -> None:
    async def test(simulator: Any, client: Client) -> None:
        with pytest.raises(BrokerwireError) as caught:
            await client.order_execution.place_order(symbol="NOSUCHSYM", side="buy", quantity=1)
        assert isinstance(caught.value, OrderRejectedError | InvalidSymbolError)
        with pytest.raises(OrderRejectedError):
            await client.order_execution.cancel_order("123456789")
        simulator.faults.set("reject_order:no money")
        try:
            order = await client.order_execution.place_order(symbol="AAPL", side="buy", quantity=1)
        except OrderRejectedError:
            return
        await asyncio.sleep(2)
        found = {found.order_id: found for found in await client.brokerage.get_orders()}
        assert found[order.order_id].status == "rejected"

    run(test)


def test_an_order_whose_answer_is_lost_is_placed_once_and_its_outcome_unknown(run: Any) -> None:
    async def test(simulator: Any, client: Client) -> None:
        await client.brokerage.get_accounts()
        before = len(simulator.exchange.orders)
        simulator.faults.set("drop_answer", channel="orderexecution")
        with pytest.raises(OrderOutcomeUnknownError) as caught:
            await client.order_execution.place_order(symbol="AAPL", side="buy", quantity=1, client_order_id="mine-1")
        assert caught.value.client_order_id == "mine-1"
        assert len(simulator.exchange.orders) == before + 1

    run(test)


def test_the_rest_of_the_requests_are_answered(run: Any) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        trading = client.order_execution
        assert await trading.get_routes()
        assert await trading.get_activation_triggers()
        assert await trading.confirm_order(symbol="AAPL", side="buy", quantity=1, type="market")
        price = await far_from_the_market(client)
        orders = [
            {"symbol": "AAPL", "side": "buy", "quantity": 1, "type": "limit", "limit_price": price},
            {"symbol": "AAPL", "side": "buy", "quantity": 1, "type": "limit", "limit_price": price - 1},
        ]
        assert await trading.confirm_group_order("oco", orders)
        assert len(await trading.place_group_order("oco", orders)) == 2

    run(test)


def test_orders_may_be_watched_by_account_and_id(run: Any) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        price = await far_from_the_market(client)
        placed = await client.order_execution.place_order(
            symbol="AAPL", side="buy", quantity=1, type="limit", limit_price=price
        )
        await asyncio.sleep(1)
        mine = {order.order_id: order for order in await client.brokerage.get_orders()}[placed.order_id]
        events: list[Any] = []
        assert mine.account is not None
        await client.order_execution.stream_order_updates(
            events.append, accounts=mine.account, order_ids=placed.order_id
        )
        await client.order_execution.place_order(symbol="MSFT", side="buy", quantity=1)
        await client.order_execution.cancel_order(placed.order_id)
        await asyncio.sleep(5)
        assert {event.order_id for event in events} == {placed.order_id}
        assert events[-1].status == "cancelled"

    run(test)


async def place(client: Client, client_order_id: str | None = None, **terms: Any) -> Any:
    given = {"symbol": "AAPL", "side": "buy", "quantity": 1, "type": "limit", "limit_price": "1.00", **terms}
    return await client.order_execution.place_order(**given, client_order_id=client_order_id)


def test_an_order_gets_an_id_of_ours_and_its_updates_carry_it(run: Any) -> None:
    async def test(simulator: Any, client: Client) -> None:
        events: list[Any] = []
        await (await client.order_execution.stream_order_updates(events.append)).ready()
        order = await place(client)
        assert order.client_order_id
        assert simulator.exchange.find(int(order.order_id)).ticket.client_order_id == order.client_order_id
        await asyncio.sleep(1)
        await client.order_execution.cancel_order(order.order_id)
        await asyncio.sleep(5)
        assert {event.client_order_id for event in events if event.order_id == order.order_id} == {
            order.client_order_id
        }

    run(test)


def test_an_id_is_used_once(run: Any) -> None:
    async def test(simulator: Any, client: Client) -> None:
        await place(client, "mine")
        before = len(simulator.exchange.orders)
        with pytest.raises(ConfigurationError, match="was used before"):
            await place(client, "mine")
        assert len(simulator.exchange.orders) == before
        with pytest.raises(OrderRejectedError):
            await place(client, "other", limit_price="1.00001")
        await place(client, "other")

    run(test)


def test_it_can_be_asked_what_became_of_an_order(run: Any) -> None:
    async def test(simulator: Any, client: Client) -> None:
        trading = client.order_execution
        placed = await place(client, "mine")
        await place(client, "another")
        assert (await trading.resolve_order("mine")).order_id == placed.order_id
        with pytest.raises(OrderRejectedError):
            await place(client, "refused", limit_price="1.00001")
        with pytest.raises(OrderRejectedError):
            await trading.resolve_order("refused")
        with pytest.raises(ConfigurationError, match="no order was placed here"):
            await trading.resolve_order("never")
        del simulator.exchange.orders[int(placed.order_id)]
        with pytest.raises(RequestError, match="no longer listed"):
            await trading.resolve_order("mine")

    run(test)


def test_an_order_under_way_is_not_resolved_yet(run: Any) -> None:
    async def test(simulator: Any, client: Client) -> None:
        await client.brokerage.get_accounts()
        simulator.faults.set("late_ack:5", channel="orderexecution")
        placing = asyncio.create_task(place(client, "mine", account=next(iter(simulator.exchange.accounts))))
        await asyncio.sleep(1)
        with pytest.raises(OrderOutcomeUnknownError, match="under way"):
            await client.order_execution.resolve_order("mine")
        placed = await placing
        assert (await client.order_execution.resolve_order("mine")).order_id == placed.order_id

    run(test)


def test_an_account_may_be_written_with_dashes(run: Any) -> None:
    async def test(simulator: Any, client: Client) -> None:
        account = next(name for name in simulator.exchange.accounts if name.endswith("M"))
        events: list[Any] = []
        dashed = f"{account[:4]}-{account[4:]}"
        subscription = await client.order_execution.stream_order_updates(events.append, accounts=dashed)
        await subscription.ready()
        await place(client, account=dashed)
        await asyncio.sleep(1)
        assert events[-1].symbol == "AAPL"

    run(test)


def test_an_order_of_several_legs_is_recognised_after_a_lost_answer(run: Any) -> None:
    async def test(simulator: Any, client: Client) -> None:
        expiration = (await client.market_data.get_option_expirations("AAPL"))[2].date[:10]
        (low, *_), (high, *_) = (await client.market_data.get_option_strikes("AAPL", expiration=expiration)).strikes[:2]
        day = expiration[2:].replace("-", "")
        legs = [
            {"symbol": f"AAPL {day}C{low.normalize():f}", "side": "buy", "quantity": 1},
            {"symbol": f"AAPL {day}C{high.normalize():f}", "side": "sell_short", "quantity": 1},
        ]
        simulator.faults.set("drop_answer", channel="orderexecution")
        with pytest.raises(OrderOutcomeUnknownError):
            await client.order_execution.place_order(
                legs=legs, type="limit", limit_price="0.01", client_order_id="spread", account=margin_of(simulator)
            )
        simulator.faults.clear()
        order = await client.order_execution.resolve_order("spread")
        assert [leg.symbol for leg in order.legs] == [leg["symbol"] for leg in legs]

    run(test)


def margin_of(simulator: Any) -> str:
    return str(next(name for name in simulator.exchange.accounts if name.endswith("M")))
