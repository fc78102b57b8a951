"""The account's events as they are told to listeners."""

from decimal import Decimal

import pytest

from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.figures import MILLISECOND
from brokerwire.simulator.fronts.binance.trading_desk import TradingDesk
from brokerwire.simulator.fronts.binance.user_data import AccountFeed, event_objects


@pytest.fixture
async def parts(desk):
    exchange = Exchange(desk.market)
    trading = TradingDesk(desk, exchange, Faults())
    feed = AccountFeed(trading, Faults())
    yield trading, feed
    feed.close()
    await exchange.close()


def place(trading, **changes):
    price = (trading.desk.market.last_trade("BTCUSDT").price / 2).quantize(Decimal("0.01"))
    values = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    return trading.place(Arguments({**values, "price": str(price), **changes}), MILLISECOND)


async def test_life_of_an_order_is_told_once_per_change(parts):
    trading, feed = parts
    events = []
    feed.add(events.append)
    order = place(trading)
    trading.cancel(Arguments({"symbol": "BTCUSDT", "orderId": str(order["orderId"])}), MILLISECOND)
    assert [event.kind for event in events] == ["NEW", "CANCELED"]
    report, position = event_objects(events[1], trading, MILLISECOND)
    assert (report["X"], report["C"], position["e"]) == ("CANCELED", order["clientOrderId"], "outboundAccountPosition")
    feed.remove(events.append)


async def test_order_that_its_own_rules_end_has_expired(parts):
    trading, feed = parts
    events = []
    feed.add(events.append)
    place(trading, timeInForce="FOK")
    assert [event.kind for event in events] == ["NEW", "EXPIRED"]
    assert event_objects(events[1], trading, MILLISECOND)[0]["eR"] == "UNFILLED_FOK_ORDER_EXPIRED"


async def test_closed_feed_tells_nothing(parts):
    trading, feed = parts
    events = []
    feed.add(events.append)
    feed.close()
    place(trading)
    assert events == []


async def test_other_accounts_and_mere_intentions_are_not_told(parts):
    trading, feed = parts
    events = []
    feed.add(events.append)
    order = place(trading)
    trading.exchange.cancel_delay_s = 1.0
    trading.exchange.cancel(order["orderId"])
    assert [event.kind for event in events] == ["NEW"]
