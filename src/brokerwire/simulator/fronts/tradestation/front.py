"""The TradeStation front: which handler answers which path, behind which scopes and quotas."""

from collections.abc import Mapping
from types import MappingProxyType

from aiohttp import web

from brokerwire.simulator.fronts import FrontContext
from brokerwire.simulator.fronts.tradestation.answers import error_response
from brokerwire.simulator.fronts.tradestation.bars import Bars
from brokerwire.simulator.fronts.tradestation.brokerage import Brokerage
from brokerwire.simulator.fronts.tradestation.depth import Depth
from brokerwire.simulator.fronts.tradestation.execution import Execution
from brokerwire.simulator.fronts.tradestation.gate import Access, Gate, Handler, PlainHandler
from brokerwire.simulator.fronts.tradestation.limits import Limits
from brokerwire.simulator.fronts.tradestation.oauth import SignIn
from brokerwire.simulator.fronts.tradestation.options import Options
from brokerwire.simulator.fronts.tradestation.order_streams import BrokerageStreams, OrderFeed
from brokerwire.simulator.fronts.tradestation.quotes import Quotes
from brokerwire.simulator.fronts.tradestation.seeding import seed_accounts
from brokerwire.simulator.fronts.tradestation.settings import read_settings
from brokerwire.simulator.fronts.tradestation.streams import StreamTools
from brokerwire.simulator.fronts.tradestation.symbols import Symbols
from brokerwire.simulator.fronts.tradestation.tickbars import TickBars
from brokerwire.simulator.fronts.tradestation.tokens import TokenStore

CREDENTIALS = MappingProxyType(
    {
        "client_id": "simulated-client-id",
        "client_secret": "simulated-client-secret",
        "refresh_token": "simulated-refresh-token",
    }
)


class TradeStationFront:
    """REST, streams and sign-in on one port: their paths do not collide."""

    def __init__(self, context: FrontContext) -> None:
        self._context = context
        settings = read_settings(context.settings)
        market = context.exchange.market
        tokens = TokenStore(faults=context.faults, now_ns=market.now_ns, life_s=settings.token_life_s)
        limits = Limits(clock=context.clock, settings=settings)
        self._gate = Gate(
            tokens=tokens, limits=limits, faults=context.faults, journal=context.journal, clock=context.clock
        )
        tools = StreamTools(
            faults=context.faults,
            limits=limits,
            tokens=tokens,
            connections=context.connections,
            journal=context.journal,
            clock=context.clock,
            settings=settings,
            now_ns=market.now_ns,
        )
        self._app = web.Application(middlewares=[not_found_as_json])
        SignIn(
            tokens=tokens, faults=context.faults, clock=context.clock, now_ns=market.now_ns, settings=settings
        ).add_routes(self._app)
        context.exchange.cancel_delay_s = settings.cancel_delay_s
        context.exchange.replace_delay_s = settings.replace_delay_s
        seed_accounts(context.exchange)
        self._feed = OrderFeed(context.exchange, tools)
        self._add_market_data(Quotes(market, tools), Bars(market, tools))
        self._add_other_market_data(TickBars(market, tools), Depth(market, tools), Symbols(market))
        self._add_options(Options(market, tools))
        self._add_brokerage(Brokerage(context.exchange), BrokerageStreams(context.exchange, self._feed, tools))
        self._add_execution(
            Execution(context.exchange, faults=context.faults, journal=context.journal, settings=settings)
        )

    @property
    def credentials(self) -> Mapping[str, str]:
        return CREDENTIALS

    @property
    def apps(self) -> Mapping[str, tuple[str, web.Application]]:
        return {"rest": ("http", self._app), "auth": ("http", self._app)}

    def _get(self, path: str, handler: Handler, access: Access) -> None:
        self._app.router.add_get(path, self._gate.guard(handler, access), allow_head=False)

    def _add_market_data(self, quotes: Quotes, bars: Bars) -> None:
        data = "/v3/marketdata"
        self._get(f"{data}/quotes/{{symbols}}", quotes.snapshot, Access("quote-snapshot"))
        self._get(f"{data}/stream/quotes/{{symbols}}", quotes.stream, Access("quote-change-stream"))
        self._get(f"{data}/barcharts/{{symbol}}", bars.history, Access("barcharts"))
        self._get(f"{data}/stream/barcharts/{{symbol}}", bars.stream, Access("stream-barcharts"))

    def _add_other_market_data(self, tick_bars: TickBars, depth: Depth, symbols: Symbols) -> None:
        data, lookup = "/v3/marketdata", "/v2/data/symbols"
        self._get(f"{data}/symbols/{{symbols}}", symbols.details, Access("symbol-details"))
        self._get(f"{data}/symbollists/cryptopairs/symbolnames", symbols.crypto, Access("symbol-lists"))
        self._get(f"{lookup}/suggest/{{text}}", symbols.suggest, Access("symbol-suggest", version=2))
        self._get(f"{lookup}/search/{{criteria}}", symbols.search, Access("symbol-search", version=2))
        ticks = "/v2/stream/tickbars/{symbol}/{interval}/{back}"
        self._get(ticks, tick_bars.stream, Access("stream-tickbars", version=2))
        access = Access("streaming-marketdepth", ("MarketData", "Matrix"))
        self._get(f"{data}/stream/marketdepth/quotes/{{symbol}}", depth.quotes, access)
        self._get(f"{data}/stream/marketdepth/aggregates/{{symbol}}", depth.aggregates, access)

    def _add_options(self, options: Options) -> None:
        data = "/v3/marketdata"
        scopes = ("MarketData", "OptionSpreads")
        self._get(
            f"{data}/options/expirations/{{underlying}}", options.expirations, Access("option-expirations", scopes)
        )
        self._get(f"{data}/options/strikes/{{underlying}}", options.strikes, Access("option-strikes", scopes))
        self._get(f"{data}/options/spreadtypes", options.spread_types, Access("option-spreadtypes", scopes))
        guarded = self._gate.guard(options.risk_reward, Access("option-riskreward", scopes))
        self._app.router.add_post(f"{data}/options/riskreward", guarded)
        live = f"{data}/stream/options"
        self._get(f"{live}/chains/{{underlying}}", options.chain, Access("streaming-option-chain", scopes))
        self._get(f"{live}/quotes", options.quote, Access("streaming-option-quotes", scopes))

    def _add_brokerage(self, brokerage: Brokerage, streams: BrokerageStreams) -> None:
        root = "/v3/brokerage"
        account = f"{root}/accounts/{{accounts}}"
        scopes = ("ReadAccount",)
        self._get(f"{root}/accounts", brokerage.accounts, Access("accounts", scopes))
        self._get(f"{account}/balances", brokerage.balances, Access("balances", scopes))
        self._get(f"{account}/bodbalances", brokerage.opening_balances, Access("balances", scopes))
        self._get(f"{account}/positions", brokerage.positions, Access("positions", scopes))
        orders = Access("order-details", scopes)
        self._get(f"{account}/orders", brokerage.orders, orders)
        self._get(f"{account}/orders/{{order_ids}}", brokerage.orders_by_id, orders)
        self._get(f"{account}/historicalorders", brokerage.historical_orders, orders)
        self._get(f"{account}/historicalorders/{{order_ids}}", brokerage.historical_orders_by_id, orders)
        live = f"{root}/stream/accounts/{{accounts}}"
        self._get(f"{live}/orders", streams.orders, Access("streaming-orders", scopes))
        self._get(f"{live}/orders/{{order_ids}}", streams.orders_by_id, Access("streaming-order-by-id", scopes))
        self._get(f"{live}/positions", streams.positions, Access("streaming-positions", scopes))

    def _add_execution(self, execution: Execution) -> None:
        root = "/v3/orderexecution"
        access = Access("order-execution", ("Trade",))
        add, guard = self._app.router.add_route, self._gate.guard
        add("POST", f"{root}/orders", guard(execution.place, access))
        add("POST", f"{root}/ordergroups", guard(execution.place_group, access))
        add("POST", f"{root}/orderconfirm", guard(execution.confirm, access))
        add("POST", f"{root}/ordergroupconfirm", guard(execution.confirm_group, access))
        add("PUT", f"{root}/orders/{{order_id}}", guard(execution.replace, access))
        add("DELETE", f"{root}/orders/{{order_id}}", guard(execution.cancel, access))
        self._get(f"{root}/routes", execution.routes, access)
        self._get(f"{root}/activationtriggers", execution.triggers, access)

    async def close(self) -> None:
        """End every stream."""
        self._feed.close()
        self._context.connections.drop()


@web.middleware
async def not_found_as_json(request: web.Request, handler: PlainHandler) -> web.StreamResponse:
    """Answer what no handler is for as the venue does."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return error_response(404, "NotFound", "No such resource.")
    except web.HTTPMethodNotAllowed as refused:
        response = error_response(405, "BadRequest", "This method is not allowed here.")
        response.headers["Allow"] = ",".join(sorted(refused.allowed_methods))
        return response
