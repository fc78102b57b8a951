"""The TradingView front put together: the data socket on two hosts, and the HTTP side channels on one."""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from brokerwire.simulator.fronts import FrontContext
from brokerwire.simulator.fronts.tradingview.chart_desk import ChartParts
from brokerwire.simulator.fronts.tradingview.doorway import PATH, Doorway
from brokerwire.simulator.fronts.tradingview.pages import Pages
from brokerwire.simulator.fronts.tradingview.pine import Pine
from brokerwire.simulator.fronts.tradingview.scanner import Scanner
from brokerwire.simulator.fronts.tradingview.search import Search
from brokerwire.simulator.fronts.tradingview.settings import Settings, read_settings
from brokerwire.simulator.fronts.tradingview.side_door import SideDoor
from brokerwire.simulator.fronts.tradingview.symbols import SymbolTable
from brokerwire.simulator.fronts.tradingview.tape import Tapes
from brokerwire.simulator.fronts.tradingview.tokens import CREDENTIALS, TokenDesk
from brokerwire.simulator.fronts.tradingview.visitor import Visitor, VisitorParts

_SHARED_SETTINGS = frozenset({"rate"})
"""Settings that are the simulator's own."""
_TRICKY = ' ~m~3~m~{"m":"~h~7"} é漢📈'


class TradingViewFront:
    """One simulated TradingView.

    Raises:
        ValueError: A setting is unknown, or a recording was given.
    """

    def __init__(self, context: FrontContext) -> None:
        if context.recording is not None:
            raise ValueError("the tradingview front has no replay: it plays the synthetic market only")
        values = {name: value for name, value in context.settings.items() if name not in _SHARED_SETTINGS}
        self._settings = read_settings(values)
        self._context = context
        market = context.exchange.market
        self._tokens = TokenDesk(self._settings, faults=context.faults, now_ns=market.now_ns)
        self._symbols = SymbolTable(market.universe, suffix=_TRICKY if self._settings.texts == "tricky" else "")
        self._tapes = Tapes(market)
        self._doorway = Doorway(
            clock=context.clock,
            settings=self._settings,
            faults=context.faults,
            journal=context.journal,
            connections=context.connections,
        )
        self._parts = self._visitor_parts(self._settings)
        self._visitors: set[Visitor] = set()
        self._deafen = context.faults.listen(self._check_tokens)
        self._app, self._prodata = web.Application(), web.Application()
        self._add_routes()

    def _visitor_parts(self, settings: Settings) -> VisitorParts:
        market = self._context.exchange.market
        return VisitorParts(
            chart=ChartParts(market=market, symbols=self._symbols, tapes=self._tapes, settings=settings),
            tokens=self._tokens,
            journal=self._context.journal,
            crowd=lambda: len(self._doorway),
        )

    def _add_routes(self) -> None:
        door = SideDoor(faults=self._context.faults, journal=self._context.journal, clock=self._context.clock)
        market = self._context.exchange.market
        self._app.router.add_get(PATH, self._socket_of("data"))
        self._prodata.router.add_get(PATH, self._socket_of("prodata"))
        Search(self._symbols).add_routes(self._app, door)
        Pine(self._tokens).add_routes(self._app, door)
        Scanner(market, self._symbols, self._tapes).add_routes(self._app, door)
        faults, clock = self._context.faults, self._context.clock
        pages = Pages(self._symbols, self._tokens, self._settings, faults=faults, clock=clock)
        pages.add_routes(self._app, door)

    def _socket_of(self, host: str) -> Callable[[web.Request], Any]:
        async def serve(request: web.Request) -> web.StreamResponse:
            visit = await self._doorway.enter(request, host=host)
            visitor = Visitor(visit, self._parts)
            self._visitors.add(visitor)

            async def leave() -> None:
                self._visitors.discard(visitor)
                await visitor.close()

            return await self._doorway.serve(
                request, visit=visit, on_text=visitor.hear, on_open=visitor.open, on_close=leave
            )

        return serve

    def _check_tokens(self) -> None:
        for visitor in list(self._visitors):
            visitor.check_token()

    @property
    def credentials(self) -> Mapping[str, str]:
        """What signs a client in, and a token that is good for some hours."""
        return {**CREDENTIALS, "auth_token": self._tokens.issue(self._settings.token_life_s)}

    @property
    def apps(self) -> Mapping[str, tuple[str, web.Application]]:
        """The hosts of the venue: all but ``prodata`` share one port, and what is asked over HTTP one address."""
        return {"site": ("http", self._app), "stream": ("ws", self._app), "prodata": ("ws", self._prodata)}

    async def close(self) -> None:
        """End every connection; nothing of the front runs afterwards."""
        self._deafen()
        self._deafen = _nothing
        await self._doorway.close()
        self._tapes.close()


def _nothing() -> None:
    """Stop listening for the second time."""
