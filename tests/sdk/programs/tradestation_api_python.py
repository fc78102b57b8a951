"""tradestation-api-python with the addresses of the API and of the tokens changed."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from report import attempt, report, step, told
from tradestation.client.tradestation_client import TradeStationClient
from tradestation.ts_types.market_data import OptionQuoteLeg, OptionQuoteParams
from tradestation.ts_types.order_execution import (
    GroupOrderRequest,
    OrderReplaceRequest,
    OrderRequest,
    TimeInForce,
)
from tradestation.utils.token_manager import TokenManager

SYMBOL = "AMD"
OPTIONS = {"strikeProximity": 2, "enableGreeks": "true"}


def use(endpoints: dict[str, str], credentials: dict[str, str]) -> TradeStationClient:
    """Return a client of the simulator: nothing else is changed."""
    TokenManager._TOKEN_URL = f"{endpoints['auth']}/oauth/token"
    client = TradeStationClient(dict(credentials), environment="Simulation")
    client.http_client.base_url = endpoints["rest"]
    return client


def order(account: str, **fields: Any) -> OrderRequest:
    """Return an order for 50 shares, changed by ``fields``."""
    usual = {
        "AccountID": account,
        "Symbol": SYMBOL,
        "Quantity": "50",
        "TradeAction": "BUY",
        "TimeInForce": TimeInForce(Duration="DAY"),
        "Route": "Intelligent",
    }
    return OrderRequest(**{**usual, **fields})


def plain(found: Any) -> dict[str, Any]:
    """Return what the package parsed, as plain values."""
    if isinstance(found, list):
        return {"result": [each.model_dump() for each in found]}
    return {"result": found.model_dump() if hasattr(found, "model_dump") else found}


async def accounts(client: TradeStationClient) -> tuple[str, str]:
    """Everything about accounts; returns the first two."""
    found = await attempt("accounts", client.brokerage.get_accounts(), tell=plain)
    first, second = (account.AccountID for account in found[:2])
    brokerage, both = client.brokerage, f"{first},{second}"
    await attempt("balances", brokerage.get_balances(both), tell=plain)
    await attempt("balances at the beginning of the day", brokerage.get_balances_bod(both), tell=plain)
    await attempt("positions", brokerage.get_positions(both), tell=plain)
    await attempt("orders", brokerage.get_orders(both), tell=plain)
    since = "2026-10-01"
    history = await attempt("historical orders", brokerage.get_historical_orders(first, since, page_size=5), tell=plain)
    if history and history.Orders:
        wanted = history.Orders[0].OrderID
        found = brokerage.get_historical_orders_by_order_id(first, wanted, since)
        await attempt("historical order", found, tell=plain)
    return first, second


async def market_data(client: TradeStationClient) -> None:
    """Every request for market data."""
    market = client.market_data
    await attempt("quotes", market.get_quote_snapshots(["AAPL", "MSFT", "NOPE"]), tell=plain)
    await attempt("symbols", market.get_symbol_details(["AAPL", "ESZ26"]), tell=plain)
    await attempt("crypto symbols", market.get_crypto_symbol_names(), tell=plain)
    minutes = {"unit": "Minute", "interval": "5", "barsback": 100}
    await attempt("minutes", market.get_bar_history("AAPL", minutes), tell=plain)
    days = {"unit": "Daily", "firstdate": "2026-09-01T00:00:00Z", "lastdate": "2026-10-31T00:00:00Z"}
    await attempt("days", market.get_bar_history("AAPL", days), tell=plain)
    await attempt("expirations", market.get_option_expirations("AAPL"), tell=plain)
    await attempt("spread types", market.get_option_spread_types(), tell=plain)
    await attempt("strikes", market.get_option_strikes("AAPL"), tell=plain)


async def lines(opening: Any, is_enough: Callable[[list[Any]], bool]) -> list[Any]:
    """Open a stream and read it, as the package's users do, until there is enough."""
    reader = await opening
    found: list[Any] = []
    while not is_enough(found):
        line = await reader.readline()
        if not line:
            break
        if line.strip():
            found.append(json.loads(line))
    return found


def at_least(count: int) -> Callable[[list[Any]], bool]:
    """Return a condition met by so many lines."""
    return lambda found: len(found) >= count


async def streams(client: TradeStationClient, account: str, option: str) -> None:
    """The first lines of every stream of market data and of positions."""
    market = client.market_data
    bars = {"unit": "Minute", "interval": "1", "barsback": "3"}
    legs = OptionQuoteParams(legs=[OptionQuoteLeg(Symbol=option, Ratio=1)])
    await asyncio.gather(
        attempt("quote stream", lines(market.stream_quotes(["AAPL", "MSFT"]), at_least(6))),
        attempt("bar stream", lines(market.stream_bars("AAPL", bars), at_least(6))),
        attempt("depth stream", lines(market.stream_market_depth_quotes("AAPL"), at_least(3))),
        attempt("aggregate stream", lines(market.stream_market_depth_aggregates("AAPL"), at_least(3))),
        attempt("chain stream", lines(market.stream_option_chain("AAPL", OPTIONS), at_least(6))),
        attempt("option stream", lines(market.stream_option_quotes(legs), at_least(2))),
        attempt("position stream", lines(client.brokerage.stream_positions(account, True), at_least(3))),
    )


class OrderWatch:
    """The stream of orders: every frame so far, and a way to wait for one."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self._news = asyncio.Condition()

    async def read(self, reader: Any) -> None:
        """Read frames until the stream ends."""
        while line := await reader.readline():
            async with self._news:
                self.frames.append(json.loads(line))
                self._news.notify_all()

    async def until(self, is_met: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until a frame meets a condition."""
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(lambda: any(map(is_met, self.frames)))

    async def until_order(self, number: str, status: str, *, quantity: str) -> None:
        """Wait until an order has a status and a quantity."""
        await self.until(
            lambda frame: (
                (frame.get("OrderID"), frame.get("Status")) == (number, status)
                and frame["Legs"][0]["QuantityOrdered"] == quantity
            )
        )


async def orders(client: TradeStationClient, account: str) -> None:
    """Orders confirmed, placed, replaced, cancelled and filled, with the stream of orders beside."""
    watch = OrderWatch()
    reading = asyncio.create_task(watch.read(await client.brokerage.stream_orders(account)), name="orders")
    await attempt("order stream", watch.until(lambda frame: frame.get("StreamStatus") == "EndSnapshot"))
    execution = client.order_execution
    await attempt("routes", execution.get_routes(), tell=plain)
    await attempt("triggers", execution.get_activation_triggers(), tell=plain)
    await attempt("confirmation", execution.confirm_order(order(account, OrderType="Market")), tell=plain)
    await resting_order(client, account, watch)
    await group(client, account)
    filled = await attempt("market", execution.place_order(order(account, OrderType="Market")), tell=plain)
    number = filled.Orders[0].OrderID
    await attempt("fill on the stream", watch.until_order(number, "FLL", quantity="50"))
    await attempt("filled", client.brokerage.get_orders_by_order_id(account, number), tell=plain)
    await attempt("positions afterwards", client.brokerage.get_positions(account), tell=plain)
    reading.cancel()
    report("order frames", frames=watch.frames)


async def resting_order(client: TradeStationClient, account: str, watch: OrderWatch) -> None:
    """An order that rests, is replaced, and is cancelled."""
    execution, brokerage = client.order_execution, client.brokerage
    limit = {"OrderType": "Limit", "LimitPrice": "20.00", "Quantity": "40"}
    placed = await attempt("limit", execution.place_order(order(account, **limit)), tell=plain)
    number = placed.Orders[0].OrderID
    await attempt("rest on the stream", watch.until_order(number, "ACK", quantity="40"))
    await attempt("resting", brokerage.get_orders_by_order_id(account, number), tell=plain)
    change = OrderReplaceRequest(Quantity="30", LimitPrice="21.00")
    await attempt("replace", execution.replace_order(number, change), tell=plain)
    await attempt("replace on the stream", watch.until_order(number, "ACK", quantity="30"))
    await attempt("replaced", brokerage.get_orders_by_order_id(account, number), tell=plain)
    await attempt("cancel", execution.cancel_order(number), tell=plain)
    await attempt("cancel on the stream", watch.until_order(number, "OUT", quantity="30"))
    await attempt("cancelled", brokerage.get_orders_by_order_id(account, number), tell=plain)


async def group(client: TradeStationClient, account: str) -> None:
    """A pair of which one cancels the other."""
    execution = client.order_execution
    pair = [
        order(account, OrderType="Limit", LimitPrice="20.00", Quantity="10"),
        order(account, OrderType="StopMarket", StopPrice="900.00", Quantity="10"),
    ]
    request = GroupOrderRequest(Type="OCO", Orders=pair)
    await attempt("group confirmation", execution.confirm_group_order(request), tell=plain)
    placed = await attempt("group", execution.place_group_order(request), tell=plain)
    if placed:
        await attempt("group cancel", execution.cancel_order(placed.Orders[0].OrderID), tell=plain)


async def main() -> None:
    """Run everything."""
    client = use(*told())
    try:
        token = client.http_client.token_manager.get_valid_access_token()
        await attempt("token", token, tell=lambda text: {"length": len(text)})
        account, _ = await accounts(client)
        await market_data(client)
        with step("option") as facts:
            found = await client.market_data.get_option_expirations("AAPL")
            day = str(found.Expirations[-1].Date)[:10].replace("-", "")[2:]
            strikes = await client.market_data.get_option_strikes("AAPL")
            middle = strikes.Strikes[len(strikes.Strikes) // 2][0]
            facts["symbol"] = f"AAPL {day}C{float(middle):g}"
        await streams(client, account, facts["symbol"])
        await orders(client, account)
    finally:
        await client.close()
    report("end")


asyncio.run(main())
