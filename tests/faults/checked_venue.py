"""A venue of the tests' own, whose books carry checksums: its server, its session, and the book as it really is."""

import asyncio
import random
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from brokerwire.errors import BrokerwireError, ConnectionLostError
from brokerwire.events import Depth, Event, Level, Topic, stamp
from brokerwire.typedefs import Frame
from brokerwire.venue import Accepted, Endpoints, Fetch, Request, Response, Signal, StreamKind, Venue
from brokerwire.venue.book_keeper import BookDelta, BookKeeper, BookSeed, BookSide

LEVELS = 5
CHANGE_S = 0.1
KIND = StreamKind(name="books", transport="websocket", max_topics=10, silence_s=float("inf"))


def checksum(bids: Sequence[Level], asks: Sequence[Level]) -> int:
    text = ",".join(f"{price:g}:{size:g}" for price, size in [*bids[:LEVELS], *asks[:LEVELS]])
    return zlib.crc32(text.encode())


class CheckedBook:
    """The book of one symbol as the venue has it, and its checksum at every update."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.sequence = 0
        self.bids = BookSide(-1, [(100.0 - n, 1.0) for n in range(20)])
        self.asks = BookSide(1, [(101.0 + n, 1.0) for n in range(20)])
        self.checksums: dict[int, int] = {}

    def change(self) -> dict[str, Any]:
        """Change some levels; returns the frame that tells it."""
        first = self.sequence + 1
        self.sequence += self._dice.randint(1, 3)
        bids = [(100.0 - self._dice.randrange(8), float(self._dice.randint(0, 5))) for _ in range(2)]
        asks = [(101.0 + self._dice.randrange(8), float(self._dice.randint(0, 5))) for _ in range(2)]
        self.bids.apply(bids)
        self.asks.apply(asks)
        found = self.checksums[self.sequence] = checksum(self.bids.top(LEVELS), self.asks.top(LEVELS))
        return {"first": first, "last": self.sequence, "bids": bids, "asks": asks, "checksum": found}

    def snapshot(self) -> dict[str, Any]:
        return {"sequence": self.sequence, "bids": self.bids.top(1000), "asks": self.asks.top(1000)}


class CheckedServer:
    """Serves books; ``flips`` says how many frames of a symbol are still to be damaged on the way."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.books: dict[str, CheckedBook] = defaultdict(lambda: CheckedBook(self.dice))
        self.flips: dict[str, int] = defaultdict(int)
        self.asked: dict[str, list[float]] = defaultdict(list)
        self.address = ""
        self._runner: web.AppRunner | None = None
        self._feeds: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/book", self._snapshot)
        app.router.add_get("/stream", self._stream)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.address = f"{host}:{port}"

    async def close(self) -> None:
        for task in self._feeds:
            task.cancel()
        await asyncio.gather(*self._feeds, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    async def _snapshot(self, request: web.Request) -> web.Response:
        symbol = request.query["symbol"]
        self.asked[symbol].append(asyncio.get_running_loop().time())
        return web.json_response(self.books[symbol].snapshot())

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            symbol = msgspec.json.decode(message.data)["subscribe"]
            await socket.send_json({"accepted": symbol})
            task = asyncio.create_task(self._feed(socket, symbol), name=f"feed {symbol}")
            self._feeds.add(task)
        return socket

    async def _feed(self, socket: web.WebSocketResponse, symbol: str) -> None:
        while not socket.closed:
            await asyncio.sleep(CHANGE_S)
            frame = {"symbol": symbol, **self.books[symbol].change()}
            if self.flips[symbol] and self.dice.random() < 0.2:
                self.flips[symbol] -= 1
                frame["bids"] = [(100.0, 77.0), *frame["bids"][1:]]
            await socket.send_json(frame)


class CheckedSession:
    """Keeps books in step by their update ids, and honest by their checksums."""

    def __init__(self) -> None:
        self.has_output = False
        self.deadline: float | None = None
        self.unknown_messages = 0
        self._keepers: dict[str, BookKeeper] = {}
        self._signals: list[Signal] = []
        self._frames: list[Frame] = []

    def handle_open(self, now: float) -> None:
        """Nothing: topics are asked for one by one."""

    def recall(self, topic: Topic, newest: Sequence[Event]) -> bool:
        return False

    def subscribe(self, topics: Sequence[Topic], now: float) -> None:
        for topic in topics:
            self._keepers[topic.symbol] = keeper = BookKeeper(
                _show,
                emit=self._emit,
                ask=lambda symbol=topic.symbol: self._emit(Fetch(symbol, _snapshot_request(symbol))),  # type: ignore[misc]  # bound early
                on_deadline=self._settle,
                retry_s=(1.0, 8.0),
                reseed_share=0.5,
            )
            keeper.topics = (topic,)
            self._frames.append(msgspec.json.encode({"subscribe": topic.symbol}))
        self.has_output = True

    def unsubscribe(self, topics: Sequence[Topic], now: float) -> None:
        for topic in topics:
            self._keepers.pop(topic.symbol, None)

    def resubscribe(self, topic: Topic, now: float) -> None:
        """Nothing: no row needs it."""

    def receive(self, frame: Frame, now: float, received_ns: int) -> Sequence[Event]:
        message = msgspec.json.decode(frame)
        if symbol := message.get("accepted"):
            self._emit(Accepted(self._keepers[symbol].topics))
            self._keepers[symbol].ask_for_seed(now)
            return ()
        keeper = self._keepers[message["symbol"]]
        delta = BookDelta(
            message["first"], message["last"], message["bids"], message["asks"], None, received_ns, bytes(frame)
        )
        events = keeper.receive(delta, now)
        if any(not _is_right(event, message["checksum"]) for event in events):
            keeper.distrust("the checksum of the book is another", now)
            return ()
        return events

    def receive_response(self, key: Any, response: Response, now: float) -> Sequence[Event]:
        m = response.json() if response.is_success else None
        seed = m and BookSeed(m["sequence"], m["bids"], m["asks"], response.received_ns, response.body)
        return self._keepers[key].seed(seed or None, now)

    def handle_timeout(self, now: float) -> Sequence[Event]:
        for keeper in self._keepers.values():
            if keeper.deadline is not None and keeper.deadline <= now:
                keeper.ask_for_seed(now)
        self._settle()
        return ()

    def handle_close(self, now: float) -> Sequence[Event]:
        return ()

    def _settle(self) -> None:
        times = [keeper.deadline for keeper in self._keepers.values() if keeper.deadline is not None]
        self.deadline = min(times, default=None)
        self.has_output = True

    def _emit(self, signal: Signal) -> None:
        self._signals.append(signal)
        self.has_output = True

    def take_signals(self) -> list[Signal]:
        signals, self._signals = self._signals, []
        return signals

    def frames_to_send(self) -> list[Frame]:
        frames, self._frames = self._frames, []
        self.has_output = bool(self._signals)
        return frames


def _is_right(event: Event, wanted: int) -> bool:
    return isinstance(event, Depth) and checksum(event.bids, event.asks) == wanted


def _snapshot_request(symbol: str) -> Request:
    return Request(path="/book", query=(("symbol", symbol),))


def _show(bids: BookSide, asks: BookSide, **facts: Any) -> Event:
    event = Depth(
        "checked",
        facts["topic"].symbol,
        facts["time_ns"],
        facts["received_ns"],
        bids.top(LEVELS),
        asks.top(LEVELS),
        facts["is_snapshot"],
        facts["sequence"],
    )
    stamp(event, facts["topic"], facts["message"])
    return event


def _no_error(_response: Response) -> BrokerwireError:
    return ConnectionLostError("refused")


def checked_venue(server: CheckedServer) -> Venue:
    """Return the venue as a stream needs it."""
    addresses: Mapping[str, str] = {"rest": f"http://{server.address}", "stream": f"ws://{server.address}"}
    return Venue(
        name="checked",
        capabilities={},
        endpoints=Endpoints(addresses, {}),
        credentials={},
        build_topic=lambda channel, symbol, variant, _settings: Topic(channel, symbol, variant),
        kind_of=lambda _topic: KIND,
        build_dial=lambda _kind, _topics: Request(endpoint="stream", path="/stream"),
        new_session=lambda _kind, _settings: CheckedSession(),
        authorize=lambda request, _access: request,
        error_from=_no_error,
        close_error=lambda _code, reason: ConnectionLostError(reason),
        operations={},
    )
