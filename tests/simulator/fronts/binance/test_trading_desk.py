"""Orders and the account over the synthetic exchange."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.figures import MILLISECOND
from brokerwire.simulator.fronts.binance.refusals import Refusal
from brokerwire.simulator.fronts.binance.trading_desk import TradingDesk, _worded
from brokerwire.simulator.trading import OrderRefused

FAR = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def trading(desk, faults) -> AsyncIterator[TradingDesk]:
    exchange = Exchange(desk.market)
    yield TradingDesk(desk, exchange, faults)
    await exchange.close()


def call(method, **values):
    return method(Arguments({name: str(value) for name, value in values.items()}), MILLISECOND)


def far_price(trading):
    return str((trading.desk.market.last_trade("BTCUSDT").price / 2).quantize(Decimal("0.01")))


def refused(method, *, code, **values):
    with pytest.raises(Refusal) as caught:
        call(method, **values)
    assert caught.value.code == code


async def test_market_order_fills_at_once_and_moves_the_balances(trading):
    order = call(trading.place, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.05")
    assert (order["status"], order["executedQty"]) == ("FILLED", "0.05000000")
    assert sum(Decimal(fill["qty"]) for fill in order["fills"]) == Decimal("0.05")
    balances = {row["asset"]: row for row in call(trading.account_status)["balances"]}
    assert Decimal(balances["BTC"]["free"]) == Decimal("10.05") - Decimal("0.05") * Decimal("0.001")
    assert Decimal(balances["USDT"]["free"]) == 1_000_000 - Decimal(order["cummulativeQuoteQty"])
    trades = call(trading.my_trades, symbol="BTCUSDT")
    assert {trade["orderId"] for trade in trades} == {order["orderId"]}
    assert len(call(trading.my_trades, symbol="BTCUSDT", orderId=order["orderId"])) == len(trades)


async def test_resting_order_is_found_listed_and_cancelled(trading):
    placed = call(trading.place, **FAR, price=far_price(trading), newClientOrderId="mine", newOrderRespType="ACK")
    assert set(placed) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    by_id = call(trading.status, symbol="BTCUSDT", orderId=placed["orderId"])
    assert by_id == call(trading.status, symbol="BTCUSDT", origClientOrderId="mine")
    assert (by_id["status"], by_id["isWorking"]) == ("NEW", True)
    assert call(trading.open_orders) == call(trading.open_orders, symbol="BTCUSDT") == [by_id]
    cancelled = call(trading.cancel, symbol="BTCUSDT", origClientOrderId="mine")
    assert (cancelled["status"], cancelled["origClientOrderId"]) == ("CANCELED", "mine")
    assert call(trading.open_orders) == []
    refused(trading.cancel, code=-2011, symbol="BTCUSDT", origClientOrderId="mine")


async def test_client_order_id_is_unique_among_open_orders_only(trading):
    price = far_price(trading)
    call(trading.place, **FAR, price=price, newClientOrderId="mine")
    refused(trading.place, code=-2010, **FAR, price=price, newClientOrderId="mine")
    call(trading.cancel_all, symbol="BTCUSDT")
    second = call(trading.place, **FAR, price=price, newClientOrderId="mine", newOrderRespType="RESULT")
    assert call(trading.status, symbol="BTCUSDT", origClientOrderId="mine")["orderId"] == second["orderId"]


async def test_unknown_orders_and_missing_ids_have_codes_of_their_own(trading):
    refused(trading.status, code=-2013, symbol="BTCUSDT", orderId=1)
    refused(trading.status, code=-2013, symbol="BTCUSDT", origClientOrderId="nobody")
    refused(trading.status, code=-1102, symbol="BTCUSDT")
    refused(trading.cancel, code=-2011, symbol="BTCUSDT", orderId=1)
    refused(trading.cancel_all, code=-2011, symbol="BTCUSDT")


async def test_order_is_cancelled_only_in_the_status_that_the_restriction_names(trading):
    order = trading.exchange.orders[call(trading.place, **FAR, price=far_price(trading))["orderId"]]
    named = {"symbol": "BTCUSDT", "orderId": order.order_id}
    refused(trading.cancel, code=-1145, **named, cancelRestrictions="FOO")
    with pytest.raises(Refusal, match="due to cancel restrictions"):
        call(trading.cancel, **named, cancelRestrictions="ONLY_PARTIALLY_FILLED")
    order.status = "partially_filled"
    refused(trading.cancel, code=-2011, **named, cancelRestrictions="ONLY_NEW")
    assert call(trading.cancel, **named, cancelRestrictions="ONLY_PARTIALLY_FILLED")["status"] == "CANCELED"
    with pytest.raises(Refusal, match="Unknown order sent"):
        call(trading.cancel, **named, cancelRestrictions="ONLY_NEW")


async def test_strategy_is_told_wherever_the_order_is_and_only_if_it_was_sent(trading):
    price = far_price(trading)
    sent = {"strategyId": 5, "strategyType": 1_000_000}
    placed = call(trading.place, **FAR, price=price, **sent)
    named = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    found, cancelled = call(trading.status, **named), call(trading.cancel, **named)
    assert all(sent.items() <= each.items() for each in (placed, found, cancelled))
    assert not sent.keys() & call(trading.place, **FAR, price=price).keys()
    refused(trading.place, code=-1134, **FAR, price=price, strategyType=999_999)


async def test_self_trade_prevention_takes_the_modes_of_the_symbol_only(trading):
    values = {**FAR, "price": far_price(trading)}
    told = call(trading.place, **values, selfTradePreventionMode="EXPIRE_BOTH")
    assert told["selfTradePreventionMode"] == "EXPIRE_BOTH"
    refused(trading.place, code=-1013, **values, selfTradePreventionMode="DECREMENT")
    refused(trading.test, code=-1130, **values, selfTradePreventionMode="FOO")


async def test_order_beyond_the_balance_is_refused(trading):
    refused(trading.place, code=-2010, symbol="BTCUSDT", side="SELL", type="MARKET", quantity="1000")
    refused(trading.test, code=-2010, symbol="BTCUSDT", side="SELL", type="MARKET", quantity="1000")


async def test_maker_order_that_would_take_is_refused(trading):
    price = (trading.desk.market.last_trade("BTCUSDT").price * 2).quantize(Decimal("0.01"))
    values = {**FAR, "type": "LIMIT_MAKER", "price": str(price)}
    del values["timeInForce"]
    refused(trading.place, code=-2010, **values)


async def test_immediate_order_that_cannot_fill_has_expired(trading):
    order = call(trading.place, **{**FAR, "timeInForce": "IOC"}, price=far_price(trading))
    assert (order["status"], order["executedQty"]) == ("EXPIRED", "0.00000000")


async def test_test_order_places_nothing_and_may_tell_the_rates(trading):
    values = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    assert call(trading.test, **values) == {}
    told = call(trading.test, **values, computeCommissionRates="true")
    assert told["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00100000"}
    assert (
        told["specialCommissionForOrder"]
        == told["taxCommissionForOrder"]
        == dict.fromkeys(("maker", "taker"), "0.00000000")
    )
    assert list(told["discount"]) == ["enabledForAccount", "enabledForSymbol", "discountAsset", "discount"]
    assert call(trading.all_orders, symbol="BTCUSDT") == []


async def test_history_of_orders_pages_by_id_and_time(trading):
    price = far_price(trading)
    ids = [call(trading.place, **FAR, price=price)["orderId"] for _ in range(4)]
    listed = [order["orderId"] for order in call(trading.all_orders, symbol="BTCUSDT", limit=3)]
    assert listed == ids[1:]
    paged = [order["orderId"] for order in call(trading.all_orders, symbol="BTCUSDT", orderId=ids[1], limit=2)]
    assert paged == ids[1:3]
    refused(trading.all_orders, code=-1127, symbol="BTCUSDT", startTime=1_000, endTime=100_000_000)


async def test_unfit_numbers_found_by_the_exchange_fail_a_filter(trading):
    assert _worded(OrderRefused("lot", "no")).msg == "Filter failure: LOT_SIZE"
    assert _worded(OrderRefused("unknown_symbol", "no")).code == -1121
    assert _worded(OrderRefused("reason", "because")).msg == "because"


async def test_order_counts_are_told(trading):
    call(trading.place, **FAR, price=far_price(trading))
    assert [row["count"] for row in call(trading.order_counts)] == [1, 1]


async def test_reject_order_fault_gives_its_reason(trading, faults):
    faults.set("reject_order:Market is closed.", times=1)
    with pytest.raises(Refusal, match="Market is closed"):
        call(trading.place, **FAR, price=far_price(trading))


async def test_too_many_open_orders_fail_the_filter(trading):
    price = far_price(trading)
    for _ in range(200):
        trading.desk.limits._orders_10s.add(-1, trading.desk.now_ns())
        call(trading.place, **{**FAR, "quantity": "0.001"}, price=price)
    trading.desk.limits._orders_10s.add(-1, trading.desk.now_ns())
    refused(trading.place, code=-1013, **FAR, price=price)


async def test_zero_balances_may_be_left_out(trading):
    trading.account.balance("NOTHING")
    every = {row["asset"] for row in call(trading.account_status)["balances"]}
    some = {row["asset"] for row in call(trading.account_status, omitZeroBalances="true")["balances"]}
    assert every - some == {"NOTHING"}
