import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from brokerwire.simulator.accounts import Account, AccountChange
from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.market import Market
from brokerwire.simulator.ticks import SimBookChange
from brokerwire.simulator.trading import OrderChange, OrderRefused, OrderTicket, PriceCondition, TicketGroup, TicketLeg
from brokerwire.testing.virtual_time import VirtualClock


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    exchange = Exchange(Market(seed=1, clock=VirtualClock()))
    exchange.add_account(Account(account_id="M", kind="margin", cash=Decimal(100_000), fee_per_order=Decimal(1)))
    exchange.add_account(Account(account_id="F", kind="futures", cash=Decimal(50_000), fee_per_contract=Decimal(2)))
    spot = exchange.add_account(Account(account_id="S", kind="spot", fee_rate=Decimal("0.001")))
    spot.balance("USDT").free = Decimal(100_000)
    yield exchange
    await exchange.close()


def ticket(symbol: str = "AAPL", side: Any = "buy", quantity: Any = 10, **fields: Any) -> OrderTicket:
    leg = TicketLeg(symbol=symbol, side=side, quantity=Decimal(quantity))
    return OrderTicket(account_id=fields.pop("account", "M"), legs=(leg,), **fields)


def far_below(exchange: Exchange, symbol: str = "AAPL") -> Decimal:
    return exchange.market.quote(symbol).bid - 50


async def next_change(exchange: Exchange, order_id: int, kind: str, within_s: float = 10) -> OrderChange:
    found: asyncio.Future[OrderChange] = asyncio.get_running_loop().create_future()

    def listen(change: OrderChange) -> None:
        if change.order.order_id == order_id and change.kind == kind and not found.done():
            found.set_result(change)

    leave = exchange.listen(listen)
    try:
        return await asyncio.wait_for(found, within_s)
    finally:
        leave()


async def test_market_order_fills_at_once_and_books_cash_and_position(exchange: Exchange) -> None:
    kinds: list[str] = []
    exchange.listen(lambda change: kinds.append(change.kind))
    order = exchange.place(ticket())
    assert order.status == "filled"
    assert kinds == ["accepted", "fill"]
    account = exchange.accounts["M"]
    assert account.positions["AAPL"].quantity == 10
    assert account.cash == 100_000 - 10 * order.average_price - 1


async def test_market_order_larger_than_the_book_fills_in_parts(exchange: Exchange) -> None:
    exchange.accounts["M"].cash = Decimal(10_000_000)
    order = exchange.place(ticket(quantity=20_000))
    assert order.status == "filled"
    assert 1 < len(order.fills) <= 6
    assert sum(fill.quantity for fill in order.fills) == 20_000
    assert [f.price for f in order.fills] == sorted(f.price for f in order.fills)
    assert sum(f.fee for f in order.fills) == 1


async def test_limit_order_rests_and_fills_when_the_market_comes(exchange: Exchange) -> None:
    market, symbol = exchange.market, "BTCUSDT"
    ask = market.quote(symbol).ask
    coming = [market.quote(symbol, market.now_ns() + step * 200_000_000).ask for step in range(2, 30)]
    limit = next(price for price in coming if price < ask)
    order = exchange.place(ticket(symbol, account="S", quantity="0.00001", type="limit", limit_price=limit))
    assert order.is_open
    change = await next_change(exchange, order.order_id, "fill")
    assert (change.fills[0].liquidity, change.fills[0].price) == ("maker", limit)
    assert order.status == "filled"


async def test_limit_order_through_the_market_takes_what_is_there(exchange: Exchange) -> None:
    ask = exchange.market.quote("AAPL").ask
    order = exchange.place(ticket(type="limit", limit_price=ask + 5))
    assert order.status == "filled"
    assert order.average_price <= ask + 5


async def test_ioc_cancels_the_rest_and_fok_takes_nothing(exchange: Exchange) -> None:
    exchange.accounts["M"].cash = Decimal(10_000_000)
    ask = exchange.market.quote("AAPL").ask
    ioc = exchange.place(ticket(quantity=50_000, type="limit", limit_price=ask, time_in_force="ioc"))
    fok = exchange.place(ticket(quantity=50_000, type="limit", limit_price=ask, time_in_force="fok"))
    assert (ioc.status, fok.status) == ("cancelled", "cancelled")
    assert ioc.filled > 0
    assert fok.filled == 0


async def test_cancel_is_pending_until_its_delay_is_over(exchange: Exchange) -> None:
    exchange.cancel_delay_s = 0.05
    order = exchange.place(ticket(type="limit", limit_price=far_below(exchange)))
    exchange.cancel(order.order_id)
    assert order.is_open
    with pytest.raises(OrderRefused) as refused:
        exchange.cancel(order.order_id)
    assert refused.value.code == "cancel_pending"
    await next_change(exchange, order.order_id, "cancelled")
    assert order.status == "cancelled"
    with pytest.raises(OrderRefused) as refused:
        exchange.cancel(order.order_id)
    assert refused.value.code == "not_open"


async def test_replace_changes_price_and_quantity_under_the_same_id(exchange: Exchange) -> None:
    order = exchange.place(ticket(type="limit", limit_price=far_below(exchange)))
    exchange.replace(order.order_id, quantity=Decimal(7), limit_price=far_below(exchange) + 1)
    assert (order.quantity, order.status) == (7, "working")
    exchange.replace(order.order_id, order_type="market")
    assert order.status == "filled"
    with pytest.raises(OrderRefused):
        exchange.replace(order.order_id, quantity=Decimal(9))


async def test_replace_waits_for_its_delay(exchange: Exchange) -> None:
    exchange.replace_delay_s = 0.05
    order = exchange.place(ticket(type="limit", limit_price=far_below(exchange)))
    exchange.replace(order.order_id, quantity=Decimal(3), changes={"all_or_none": True})
    assert order.quantity == 10
    await next_change(exchange, order.order_id, "replaced")
    assert order.quantity == 3
    assert order.ticket.all_or_none


async def test_stop_triggers_on_a_trade_beyond_it(exchange: Exchange) -> None:
    exchange.place(ticket())
    last = exchange.market.last_trade("AAPL").price
    order = exchange.place(ticket(side="sell", type="stop", stop_price=last + 1))
    assert order.is_triggered
    assert order.status == "filled"


async def test_stop_limit_rests_after_its_trigger(exchange: Exchange) -> None:
    exchange.place(ticket())
    last = exchange.market.last_trade("AAPL").price
    order = exchange.place(ticket(side="sell", type="stop_limit", stop_price=last + 1, limit_price=last + 50))
    assert order.is_triggered
    assert order.status == "working"


async def test_waiting_stop_triggers_when_the_market_reaches_it(exchange: Exchange) -> None:
    market = exchange.market
    last = market.last_trade("AAPL").price
    coming = [market.last_trade("AAPL", market.now_ns() + step * 200_000_000).price for step in range(3, 40)]
    stop = next(price for price in coming if price != last)
    exchange.place(ticket())
    order = exchange.place(ticket(side="buy" if stop > last else "sell", type="stop", stop_price=stop))
    assert not order.is_triggered
    await next_change(exchange, order.order_id, "fill")
    assert order.is_triggered


async def test_trailing_stop_lies_on_a_tick_below_the_last_price(exchange: Exchange) -> None:
    exchange.place(ticket())
    last = exchange.market.last_trade("AAPL").price
    order = exchange.place(ticket(side="sell", type="stop", trail_percent=Decimal("3.5")))
    assert order.stop_price is not None
    assert order.stop_price % Decimal("0.01") == 0
    assert abs(order.stop_price - last * Decimal("0.965")) < Decimal("0.1")


async def test_fill_of_one_oco_order_cancels_the_other(exchange: Exchange) -> None:
    low = ticket(type="limit", limit_price=far_below(exchange))
    first, second = exchange.place_group(TicketGroup(type="oco", tickets=(low, ticket())))
    assert (first.status, second.status) == ("cancelled", "filled")


async def test_sibling_cancelled_before_its_turn_never_works(exchange: Exchange) -> None:
    spot = exchange.accounts["S"]
    price = exchange.market.quote("BTCUSDT").bid - 1000
    take = ticket("BTCUSDT", account="S", quantity="0.001")
    rest = ticket("BTCUSDT", account="S", quantity="0.1", type="limit", limit_price=price)
    first, second = exchange.place_group(TicketGroup(type="oco", tickets=(take, rest)))
    assert (first.status, second.status) == ("filled", "cancelled")
    assert spot.balance("USDT").locked == 0


async def test_funds_of_a_released_child_are_locked_and_given_back(exchange: Exchange) -> None:
    spot = exchange.accounts["S"]
    price = exchange.market.quote("BTCUSDT").bid - 1000
    child = ticket("BTCUSDT", account="S", quantity="0.1", type="limit", limit_price=price)
    parent = exchange.place(
        ticket("BTCUSDT", account="S", quantity="0.1", children=(TicketGroup(type="normal", tickets=(child,)),))
    )
    assert spot.balance("USDT").locked == price / 10
    exchange.cancel(parent.child_ids[0])
    assert spot.balance("USDT").locked == 0


async def test_bracket_children_wait_for_their_parent_and_end_each_other(exchange: Exchange) -> None:
    bid = exchange.market.quote("AAPL").bid
    exits = TicketGroup(
        type="bracket",
        tickets=(
            ticket(side="sell", type="limit", limit_price=bid + 20),
            ticket(side="sell", type="stop", stop_price=bid - 20),
        ),
    )
    parent = exchange.place(ticket(type="limit", limit_price=far_below(exchange), children=(exits,)))
    target, stop = (exchange.orders[i] for i in parent.child_ids)
    assert (target.status, stop.status) == ("held", "held")
    exchange.replace(parent.order_id, order_type="market")
    assert (parent.status, target.status, stop.status) == ("filled", "working", "working")
    exchange.replace(target.order_id, limit_price=bid - 1)
    assert (target.status, stop.status) == ("filled", "cancelled")
    assert "AAPL" not in exchange.accounts["M"].positions


async def test_partial_fill_in_a_bracket_reduces_the_siblings(exchange: Exchange) -> None:
    exchange.accounts["M"].cash = Decimal(10_000_000)
    exchange.place(ticket(quantity=5000))
    quote = exchange.market.quote("AAPL")
    target = ticket(side="sell", quantity=5000, type="limit", limit_price=quote.bid)
    stop = ticket(side="sell", quantity=5000, type="stop", stop_price=quote.bid - 20)
    first, second = exchange.place_group(TicketGroup(type="bracket", tickets=(target, stop)))
    assert 0 < first.filled < 5000
    assert second.quantity == 5000 - first.filled


async def test_cancelled_parent_takes_its_children_along(exchange: Exchange) -> None:
    child = TicketGroup(type="normal", tickets=(ticket(side="sell", type="stop", stop_price=Decimal(1)),))
    parent = exchange.place(ticket(type="limit", limit_price=far_below(exchange), children=(child,)))
    exchange.cancel(parent.order_id)
    assert exchange.orders[parent.child_ids[0]].status == "cancelled"


async def test_combination_fills_all_legs_or_none(exchange: Exchange) -> None:
    def combination(limit: str) -> OrderTicket:
        legs = (
            TicketLeg(symbol="SPY 261218P640", side="sell", quantity=Decimal(2), effect="open"),
            TicketLeg(symbol="SPY 261218P635", side="buy", quantity=Decimal(2), effect="open"),
        )
        return OrderTicket(account_id="M", legs=legs, type="limit", limit_price=Decimal(limit))

    filled, waiting = exchange.place(combination("100")), exchange.place(combination("-100"))
    assert [leg.filled for leg in filled.legs] == [2, 2]
    assert [leg.filled for leg in waiting.legs] == [0, 0]
    assert exchange.accounts["M"].positions["SPY 261218P640"].quantity == -2


async def test_order_waits_until_its_condition_holds(exchange: Exchange) -> None:
    last = exchange.market.last_trade("MSFT").price
    never = PriceCondition(symbol="MSFT", relation="gt", price=last * 2)
    always = PriceCondition(symbol="MSFT", relation="gt", price=last / 2)
    waiting, done = exchange.place(ticket(conditions=(never,))), exchange.place(ticket(conditions=(always,)))
    assert (waiting.status, done.status) == ("queued", "filled")


async def test_order_with_a_start_time_begins_to_work_then(exchange: Exchange) -> None:
    order = exchange.place(ticket(not_before_ns=exchange.now_ns() + 300_000_000))
    assert order.status == "queued"
    await next_change(exchange, order.order_id, "fill")
    assert order.status == "filled"


async def test_order_expires_at_its_time(exchange: Exchange) -> None:
    order = exchange.place(
        ticket(
            type="limit",
            limit_price=far_below(exchange),
            time_in_force="gtd",
            expire_ns=exchange.now_ns() + 50_000_000,
        )
    )
    await next_change(exchange, order.order_id, "expired")
    assert order.status == "expired"


async def test_client_order_id_is_good_once_and_finds_its_order(exchange: Exchange) -> None:
    order = exchange.place(ticket(client_order_id="mine"))
    with pytest.raises(OrderRefused) as refused:
        exchange.place(ticket(client_order_id="mine"))
    assert refused.value.code == "duplicate"
    assert exchange.find_by_client_id("M", "mine") is order
    assert exchange.find_by_client_id("M", "other") is None


async def test_group_with_one_bad_order_places_none(exchange: Exchange) -> None:
    with pytest.raises(OrderRefused):
        exchange.place_group(TicketGroup(type="oco", tickets=(ticket(), ticket("NOPE"))))
    assert exchange.open_orders() == []


async def test_spot_order_locks_funds_until_it_ends(exchange: Exchange) -> None:
    spot = exchange.accounts["S"]
    price = exchange.market.quote("BTCUSDT").bid - 1000
    order = exchange.place(ticket("BTCUSDT", account="S", quantity="0.1", type="limit", limit_price=price))
    assert spot.balance("USDT").locked == price / 10
    exchange.replace(order.order_id, quantity=Decimal("0.05"))
    assert spot.balance("USDT").locked == price / 20
    exchange.cancel(order.order_id)
    assert spot.balance("USDT").free == 100_000


async def test_account_listener_hears_of_opened_and_closed_positions(exchange: Exchange) -> None:
    heard: list[AccountChange] = []
    leave = exchange.listen_accounts(heard.append)
    exchange.place(ticket())
    exchange.place(ticket(side="sell"))
    leave()
    leave()
    exchange.place(ticket())
    assert heard[0].position is not None
    assert heard[-1].closed_id == heard[0].position.position_id


async def test_unknown_order_is_refused(exchange: Exchange) -> None:
    with pytest.raises(OrderRefused) as refused:
        exchange.cancel(1)
    assert refused.value.code == "unknown_order"


async def test_grouped_orders_may_send_children(exchange: Exchange) -> None:
    child = TicketGroup(type="normal", tickets=(ticket(side="sell", type="stop", stop_price=Decimal(1)),))
    low = ticket(type="limit", limit_price=far_below(exchange), children=(child,))
    first, second = exchange.place_group(TicketGroup(type="normal", tickets=(low, ticket())))
    assert exchange.orders[first.child_ids[0]].status == "held"
    assert (first.status, second.status) == ("working", "filled")


async def test_order_for_the_opening_waits(exchange: Exchange) -> None:
    assert exchange.place(ticket(time_in_force="opg")).status == "queued"


async def test_listener_that_cancels_in_the_middle_of_a_fill_stops_it(exchange: Exchange) -> None:
    exchange.accounts["M"].cash = Decimal(10_000_000)
    exchange.listen(lambda change: exchange.cancel(change.order.order_id) if change.kind == "fill" else None)
    order = exchange.place(ticket(quantity=20_000))
    assert (order.status, len(order.fills)) == ("cancelled", 1)


async def test_sibling_that_is_gone_is_left_alone(exchange: Exchange) -> None:
    low = ticket(type="limit", limit_price=far_below(exchange))
    first, second = exchange.place_group(TicketGroup(type="oco", tickets=(low, low)))
    exchange.cancel(first.order_id)
    exchange.replace(second.order_id, order_type="market")
    assert (first.status, second.status) == ("cancelled", "filled")


async def test_children_of_a_partly_filled_parent_close_what_was_filled(exchange: Exchange) -> None:
    exchange.accounts["M"].cash = Decimal(10_000_000)
    quote = exchange.market.quote("AAPL")
    exits = TicketGroup(
        type="normal", tickets=(ticket(side="sell", quantity=50_000, type="limit", limit_price=quote.bid + 50),)
    )
    parent = exchange.place(
        ticket(quantity=50_000, type="limit", limit_price=quote.ask, time_in_force="ioc", children=(exits,))
    )
    child = exchange.orders[parent.child_ids[0]]
    assert 0 < parent.filled < 50_000
    assert (child.status, child.quantity) == ("working", parent.filled)


async def test_replacement_is_refused_while_cancelling_and_below_what_is_filled(exchange: Exchange) -> None:
    exchange.accounts["M"].cash = Decimal(10_000_000)
    order = exchange.place(ticket(quantity=50_000, type="limit", limit_price=exchange.market.quote("AAPL").ask))
    with pytest.raises(OrderRefused) as refused:
        exchange.replace(order.order_id, quantity=order.filled)
    assert refused.value.code == "quantity"
    exchange.cancel_delay_s = 60
    exchange.cancel(order.order_id)
    with pytest.raises(OrderRefused) as refused:
        exchange.replace(order.order_id, quantity=Decimal(60_000))
    assert refused.value.code == "cancel_pending"


async def test_stop_price_can_be_replaced(exchange: Exchange) -> None:
    high = exchange.market.last_trade("AAPL").price + 50
    order = exchange.place(ticket(type="stop", stop_price=high))
    exchange.replace(order.order_id, stop_price=high + 1)
    assert order.stop_price == high + 1


async def test_replacement_of_an_order_that_ended_meanwhile_is_forgotten(exchange: Exchange) -> None:
    exchange.replace_delay_s = 0.02
    order = exchange.place(ticket(type="limit", limit_price=far_below(exchange)))
    exchange.replace(order.order_id, quantity=Decimal(3))
    exchange.cancel(order.order_id)
    assert (order.status, order.quantity) == ("cancelled", 10)


async def test_waiting_combination_fills_when_its_price_comes(exchange: Exchange) -> None:
    legs = (
        TicketLeg(symbol="SPY 261218P640", side="sell", quantity=Decimal(1), effect="open"),
        TicketLeg(symbol="SPY 261218P635", side="buy", quantity=Decimal(1), effect="open"),
    )
    order = exchange.place(OrderTicket(account_id="M", legs=legs, type="limit", limit_price=Decimal(-100)))
    order.limit_price = Decimal(100)
    await next_change(exchange, order.order_id, "fill")
    assert order.status == "filled"


async def test_two_stops_of_one_price_end_each_other_in_one_tick(exchange: Exchange) -> None:
    market = exchange.market
    last = market.last_trade("AAPL").price
    coming = [market.last_trade("AAPL", market.now_ns() + step * 200_000_000).price for step in range(3, 40)]
    stop = next(price for price in coming if price != last)
    twin = ticket(side="buy" if stop > last else "sell", type="stop", stop_price=stop)
    exchange.place(ticket(quantity=20))
    first, second = exchange.place_group(TicketGroup(type="oco", tickets=(twin, twin)))
    await next_change(exchange, first.order_id, "fill")
    assert (first.status, second.status) == ("filled", "cancelled")


async def test_book_changes_leave_a_resting_order_alone(exchange: Exchange) -> None:
    seen: list[Any] = []
    order = exchange.place(ticket(type="limit", limit_price=far_below(exchange)))
    leave = exchange.market.watch("AAPL", seen.append, with_book=True)
    await asyncio.sleep(2)
    leave()
    assert any(isinstance(tick, SimBookChange) for tick in seen)
    assert order.status == "working"


async def test_trailing_stop_follows_the_market_up_and_triggers_on_the_way_down(exchange: Exchange) -> None:
    exchange.place(ticket())
    order = exchange.place(ticket(side="sell", type="stop", trail_amount=Decimal("0.02")))
    before = order.stop_price
    await next_change(exchange, order.order_id, "fill", within_s=600)
    assert before is not None
    assert order.stop_price is not None
    assert order.stop_price >= before
    assert order.is_triggered


async def test_stop_limit_can_become_a_limit_order(exchange: Exchange) -> None:
    bid = exchange.market.quote("AAPL").bid
    order = exchange.place(ticket(type="stop_limit", stop_price=bid + 50, limit_price=bid + 60))
    exchange.replace(order.order_id, order_type="limit", limit_price=bid - 50)
    assert (order.type, order.limit_price, order.status) == ("limit", bid - 50, "working")


async def test_cancelled_child_is_not_released_when_its_parent_fills(exchange: Exchange) -> None:
    child = TicketGroup(type="normal", tickets=(ticket(side="sell", type="stop", stop_price=Decimal(1)),))
    parent = exchange.place(ticket(type="limit", limit_price=far_below(exchange), children=(child,)))
    exchange.cancel(parent.child_ids[0])
    exchange.replace(parent.order_id, order_type="market")
    assert parent.status == "filled"
    assert exchange.orders[parent.child_ids[0]].status == "cancelled"


async def test_order_that_ended_does_not_expire(exchange: Exchange) -> None:
    order = exchange.place(ticket())
    exchange.expire(order.order_id)
    assert order.status == "filled"


async def test_spot_sale_locks_what_it_sells(exchange: Exchange) -> None:
    balance = exchange.accounts["S"].balance("BTC")
    balance.free = Decimal(1)
    price = exchange.market.quote("BTCUSDT").ask + 1000
    exchange.place(
        ticket("BTCUSDT", account="S", side="sell", quantity="0.1", type="limit", limit_price=price, post_only=True)
    )
    assert (balance.free, balance.locked) == (Decimal("0.9"), Decimal("0.1"))


async def test_ticks_of_a_condition_leave_an_order_that_works_alone(exchange: Exchange) -> None:
    last = exchange.market.last_trade("MSFT").price
    always = PriceCondition(symbol="MSFT", relation="gt", price=last / 2)
    order = exchange.place(ticket(type="limit", limit_price=far_below(exchange), conditions=(always,)))
    await asyncio.sleep(5)
    assert order.status == "working"
