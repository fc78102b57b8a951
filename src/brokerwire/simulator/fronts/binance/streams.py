"""The market streams' endpoints: a client connects, subscribes by URL or message, and gets events."""

from collections.abc import Callable
from itertools import count

from aiohttp import web

from brokerwire.simulator.fronts.binance import control
from brokerwire.simulator.fronts.binance.control import Subscriptions
from brokerwire.simulator.fronts.binance.doorway import Doorway
from brokerwire.simulator.fronts.binance.faulty_wire import FaultyWire
from brokerwire.simulator.fronts.binance.figures import TimeUnit
from brokerwire.simulator.fronts.binance.hub import AnyEvent, EventSource
from brokerwire.simulator.fronts.binance.limits import Settings
from brokerwire.simulator.fronts.binance.names import StreamName, parse_name
from brokerwire.simulator.fronts.binance.payloads import server_shutdown
from brokerwire.simulator.journal import Journal


class StreamClient:
    """One client of the market streams."""

    def __init__(
        self,
        *,
        number: int,
        subscriptions: Subscriptions,
        unit: TimeUnit,
        source: EventSource,
        journal: Journal,
    ) -> None:
        self.number = number
        self._subscriptions = subscriptions
        self._unit = unit
        self._source = source
        self._journal = journal
        self._wire: FaultyWire | None = None

    def attach(self, wire: FaultyWire) -> None:
        """Give the client the wire its frames go out on, and subscribe what its URL asked for."""
        self._wire = wire
        for name in list(self._subscriptions.streams.values()):
            self._subscribe(name)

    def deliver(self, event: AnyEvent) -> None:
        """Send one event in the client's framing and time unit."""
        if self._wire is not None:  # pragma: no branch - who has left is not subscribed any more
            self._wire.offer(event.stream, event.frame(self._unit, self._subscriptions.combined))

    def receive(self, payload: bytes) -> None:
        """Carry out one control message."""
        assert self._wire is not None  # noqa: S101 - messages come in over the wire
        outcome = control.receive(payload, self._subscriptions)
        self._journal.record("control", connection=self.number, payload=payload[:200].decode(errors="replace"))
        for name in outcome.removed:
            self._source.unsubscribe(name, self)
            self._wire.unsubscribed(name.text)
            self._journal.record("unsubscribe", connection=self.number, topic=name.text)
        self._wire.reply(outcome.reply)
        for name in outcome.added:
            self._subscribe(name)

    def _subscribe(self, name: StreamName) -> None:
        assert self._wire is not None  # noqa: S101 - only who is attached subscribes
        self._journal.record("subscribe", connection=self.number, topic=name.text)
        self._wire.resubscribed(name.text)
        self._source.subscribe(name, self)

    async def detach(self) -> None:
        """Unsubscribe everything; the client has gone."""
        self._wire = None
        for name in self._subscriptions.streams.values():
            self._source.unsubscribe(name, self)


class StreamServer:
    """Serves ``/ws``, ``/ws/<streams>`` and ``/stream``."""

    def __init__(
        self,
        *,
        doorway: Doorway,
        source: EventSource,
        settings: Settings,
        journal: Journal,
        now_ns: Callable[[], int],
    ) -> None:
        self._doorway = doorway
        self._source = source
        self._settings = settings
        self._journal = journal
        self._now_ns = now_ns
        self._numbers = count(1)

    def add_routes(self, app: web.Application) -> None:
        """Serve the streams from ``app``."""
        app.router.add_get("/ws", self._raw)
        app.router.add_get("/ws/{streams:.*}", self._raw)
        app.router.add_get("/stream", self._combined)
        app.router.add_get("/stream/", self._combined)

    async def _raw(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, request.match_info.get("streams", ""), is_combined=False)

    async def _combined(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, request.query.get("streams", ""), is_combined=True)

    async def _serve(self, request: web.Request, streams: str, *, is_combined: bool) -> web.StreamResponse:
        unit = await self._doorway.enter(request)
        subscriptions = Subscriptions(is_combined, _streams_of(streams), self._settings.max_streams)
        if len(subscriptions.streams) > subscriptions.max_streams:
            raise web.HTTPBadRequest(text=f"at most {subscriptions.max_streams} streams on one connection")
        client = StreamClient(
            number=next(self._numbers),
            subscriptions=subscriptions,
            unit=unit,
            source=self._source,
            journal=self._journal,
        )
        return await self._doorway.serve(
            request,
            number=client.number,
            on_text=client.receive,
            shutdown=lambda: server_shutdown(self._now_ns()).frame(unit, subscriptions.combined),
            on_open=client.attach,
            on_close=client.detach,
        )


def _streams_of(text: str) -> dict[str, StreamName]:
    """Read the streams of a URL; what is no stream is accepted there, and silent.

    A plus sign that a client left bare in the query has been read as a space by now.
    """
    names = [name for name in text.replace("@ ", "@+").split("/") if name]
    return {name: parse_name(name) or StreamName(name, "silent") for name in names}
