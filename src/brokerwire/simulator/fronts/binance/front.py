"""The Binance front put together: REST, streams and WebSocket API on one port, live or from a recording."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from aiohttp import web

from brokerwire.simulator.fronts import FrontContext
from brokerwire.simulator.fronts.binance.account_rest import AccountRest
from brokerwire.simulator.fronts.binance.desk import Desk
from brokerwire.simulator.fronts.binance.doorway import Doorway
from brokerwire.simulator.fronts.binance.hub import EventSource, Hub
from brokerwire.simulator.fronts.binance.limits import RequestLimits, Settings, read_settings
from brokerwire.simulator.fronts.binance.listing import Listing
from brokerwire.simulator.fronts.binance.recorded_rest import RecordedRest
from brokerwire.simulator.fronts.binance.recorded_session import take_apart
from brokerwire.simulator.fronts.binance.replay_source import ReplaySource
from brokerwire.simulator.fronts.binance.request_faults import RequestFaults
from brokerwire.simulator.fronts.binance.rest import MarketRest, RestDesk, refuses_unknown_paths
from brokerwire.simulator.fronts.binance.signing import KeyRing
from brokerwire.simulator.fronts.binance.streams import StreamServer
from brokerwire.simulator.fronts.binance.trading_desk import TradingDesk
from brokerwire.simulator.fronts.binance.user_data import AccountFeed
from brokerwire.simulator.fronts.binance.ws_api import ApiParts, ApiServer

CREDENTIALS: Mapping[str, str] = MappingProxyType(
    {"api_key": "simKeyBinance0001", "api_secret": "simSecretBinance0001"}
)
_SHARED_SETTINGS = frozenset({"rate"})
"""Settings that are the simulator's own."""


class BinanceFront:
    """One simulated Binance."""

    def __init__(self, context: FrontContext) -> None:
        values = {name: value for name, value in context.settings.items() if name not in _SHARED_SETTINGS}
        settings = read_settings(values)
        market = context.exchange.market
        self._desk = Desk(market, Listing(market.universe), RequestLimits(settings), settings)
        self._faults = RequestFaults(context.faults, clock=context.clock, now_ns=market.now_ns)
        self._rest = RestDesk(self._desk, faults=self._faults, journal=context.journal)
        self._doorway = Doorway(
            clock=context.clock,
            settings=settings,
            faults=context.faults,
            journal=context.journal,
            connections=context.connections,
        )
        self._app = web.Application(middlewares=[refuses_unknown_paths(market.now_ns)])
        self._source = self._add_recording(context) if context.recording is not None else self._add_market(context)
        self._add_streams(context, settings)

    @property
    def credentials(self) -> Mapping[str, str]:
        """The key whose signatures are checked; other keys are accepted with any signature."""
        return CREDENTIALS

    @property
    def apps(self) -> Mapping[str, tuple[str, web.Application]]:
        """One application behind every endpoint key."""
        return {"rest": ("http", self._app), "stream": ("ws", self._app), "ws_api": ("ws", self._app)}

    def _add_market(self, context: FrontContext) -> EventSource:
        trading = TradingDesk(self._desk, context.exchange, context.faults)
        keys = KeyRing({CREDENTIALS["api_key"]: CREDENTIALS["api_secret"], **self._desk.settings.keys})
        MarketRest(self._desk, self._rest, self._faults).add_routes(self._app)
        account = AccountRest(trading, rest=self._rest, keys=keys, faults=self._faults, journal=context.journal)
        account.add_routes(self._app)
        parts = ApiParts(
            desk=self._desk,
            trading=trading,
            feed=AccountFeed(trading, context.faults),
            keys=keys,
            faults=self._faults,
            journal=context.journal,
        )
        server = ApiServer(
            parts, doorway=self._doorway, settings=self._desk.settings, now_ns=context.exchange.market.now_ns
        )
        server.add_routes(self._app)
        return Hub(self._desk)

    def _add_recording(self, context: FrontContext) -> EventSource:
        session = take_apart(context.recording)
        source = ReplaySource(
            session,
            clock=context.clock,
            speed=_speed_of(context.speed),
            drain=self._doorway.drained,
            delay_s=self._desk.settings.replay_delay_s,
        )
        rest = RecordedRest(
            session, desk=self._desk, rest=self._rest, faults=self._faults, played=lambda: source.played
        )
        rest.add_routes(self._app)
        return source

    def _add_streams(self, context: FrontContext, settings: Settings) -> None:
        server = StreamServer(
            doorway=self._doorway,
            source=self._source,
            settings=settings,
            journal=context.journal,
            now_ns=context.exchange.market.now_ns,
        )
        server.add_routes(self._app)

    async def close(self) -> None:
        """End every stream; nothing of the front runs afterwards."""
        await self._source.close()
        await self._doorway.close()


def _speed_of(speed: float | str) -> float | Literal["max"]:
    if speed == "max":
        return "max"
    return float(speed)
