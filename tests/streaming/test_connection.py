"""One connection over a real WebSocket, with a session that does what the test says."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from brokerwire.clock import SystemClock
from brokerwire.errors import ConnectionLostError, InvalidSymbolError, ProtocolError
from brokerwire.events import Event, Topic, stamp
from brokerwire.streaming.connection import BAD_FRAMES, Connection
from brokerwire.streaming.watchdog import Watchdog
from brokerwire.transport.frame_gate import GatedSocket
from brokerwire.transport.frame_transport import ConnectionEnd
from brokerwire.transport.websocket import WebSocketTransport
from brokerwire.venue import (
    Accepted,
    Failed,
    Fetch,
    GapFound,
    Interrupted,
    Refused,
    Remark,
    Request,
    Response,
    Signal,
    StreamKind,
)

TOPIC = Topic("message", "x")
KIND = StreamKind(name="test", transport="websocket", silence_s=3600.0)


class EchoSession:
    """Turns every frame into an event; some frames make it do more."""

    def __init__(self) -> None:
        self.has_output = False
        self.unknown_messages = 0
        self.deadline: float | None = None
        self.timeouts: list[float] = []
        self.held: list[Event] = []
        self._signals: list[Signal] = []
        self._frames: list[bytes] = []

    def handle_open(self, now: float) -> None:
        self._frames.append(b"hello")
        self._emit(Accepted((TOPIC,)))

    def recall(self, topic: Topic, newest: Sequence[Event]) -> bool:
        return False

    def subscribe(self, topics: Sequence[Topic], now: float) -> None:
        self._say(b"subscribe")

    def unsubscribe(self, topics: Sequence[Topic], now: float) -> None:
        self._say(b"unsubscribe")

    def resubscribe(self, topic: Topic, now: float) -> None:
        self._say(b"resubscribe")

    def receive(self, frame: bytes, now: float, received_ns: int) -> Sequence[Event]:
        if frame == b"bad":
            raise ProtocolError("bad frame")
        if frame == b"deep":
            raise RecursionError
        if frame == b"fail":
            self._emit(Failed(ConnectionLostError("said so")))
        if frame == b"fetch":
            self._emit(Fetch("key", Request(path="/snapshot")))
        if frame == b"deadline":
            self.deadline = now + 0.01
            self.has_output = True
        if frame == b"accept":
            self._emit(Accepted((TOPIC,)))
        if frame == b"refuse":
            self._emit(Refused(TOPIC, ConnectionLostError("no more")))
        if frame == b"hold":
            self.held.append(self._event(b"held", received_ns))
            return []
        return [self._event(frame, received_ns)]

    def _event(self, frame: bytes, received_ns: int) -> Event:
        event = Event("v", "x", None, received_ns)
        stamp(event, TOPIC, {"text": frame.decode()})
        return event

    def receive_response(self, key: Any, response: Response, now: float) -> Sequence[Event]:
        return [self._event(b"answer " + response.body, 1)]

    def handle_timeout(self, now: float) -> Sequence[Event]:
        self.timeouts.append(now)
        self.deadline = None
        self._say(b"timeout")
        return [self._event(b"held too long", 1)]

    def handle_close(self, now: float) -> Sequence[Event]:
        if not self.held:
            return []
        self._emit(GapFound(TOPIC, None, None, "the connection is gone"))
        self._emit(Fetch("key", Request(path="/too-late")))
        return self.held

    def _say(self, frame: bytes) -> None:
        self._frames.append(frame)
        self.has_output = True

    def _emit(self, signal: Signal) -> None:
        self._signals.append(signal)
        self.has_output = True

    def take_signals(self) -> list[Signal]:
        signals, self._signals = self._signals, []
        return signals

    def frames_to_send(self) -> list[bytes]:
        frames, self._frames = self._frames, []
        self.has_output = False
        return frames


class Bench:
    """A connection to a server whose side the test drives."""

    def __init__(self, aiohttp_server: Any) -> None:
        self._aiohttp_server = aiohttp_server
        self.events: list[str] = []
        self.signals: list[Signal] = []
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.server_socket: asyncio.Future[web.WebSocketResponse] = asyncio.get_running_loop().create_future()

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.server_socket.set_result(socket)
        async for message in socket:
            self.heard.put_nowait(message.data)
        return socket

    async def open(self) -> "asyncio.Task[ConnectionEnd]":
        app = web.Application()
        app.router.add_get("/", self._serve)
        server = await self._aiohttp_server(app)
        self._http = aiohttp.ClientSession(ws_response_class=GatedSocket)
        socket = await self._http.ws_connect(server.make_url("/"), decode_text=False)
        clock = SystemClock()
        self.session = EchoSession()
        self.watchdog = Watchdog(clock)
        self.connection = Connection(
            WebSocketTransport(cast(GatedSocket, socket), max_message_bytes=2**20),
            self.session,
            kind=KIND,
            clock=clock,
            watchdog=self.watchdog,
            route=lambda events: self.events.extend(event["text"] for event in events),
            on_signal=self.signals.append,
            fetch=self._fetch,
            redact=lambda text: text.replace("canary", "***"),
        )
        return asyncio.create_task(self.connection.run([TOPIC]))

    async def _fetch(self, request: Request) -> Response:
        return Response(200, {}, request.path.encode())

    async def close(self) -> None:
        await self.watchdog.close()
        await self._http.close()


@pytest.fixture
async def bench(aiohttp_server: Any) -> Any:
    bench = Bench(aiohttp_server)
    yield bench
    await bench.close()


async def ended(running: "asyncio.Task[ConnectionEnd]") -> ConnectionEnd:
    return await asyncio.wait_for(running, 5)


async def test_frames_become_events_and_sessions_replies_leave_in_order(bench: Bench) -> None:
    running = await bench.open()
    server = await bench.server_socket
    assert [await bench.heard.get() for _ in range(2)] == ["subscribe", "hello"]
    assert bench.signals == [Accepted((TOPIC,))]
    await server.send_str("one")
    await server.send_str("two")
    await server.close(code=1001, message=b"bye")
    end = await ended(running)
    assert bench.events == ["one", "two"]
    assert (end.close_code, end.reason) == (1001, "bye")


async def test_topics_can_be_changed_while_it_runs(bench: Bench) -> None:
    running = await bench.open()
    assert [await bench.heard.get() for _ in range(2)] == ["subscribe", "hello"]
    bench.connection.subscribe([TOPIC])
    bench.connection.unsubscribe([TOPIC])
    bench.connection.resubscribe(TOPIC)
    assert [await bench.heard.get() for _ in range(3)] == ["subscribe", "unsubscribe", "resubscribe"]
    bench.connection.end(ConnectionLostError("enough"))
    assert str((await ended(running)).error) == "enough"


async def test_isolated_bad_frames_are_counted_and_passed_over(bench: Bench) -> None:
    running = await bench.open()
    server = await bench.server_socket
    for text in ("bad", "deep", "good"):
        await server.send_str(text)
    await server.close()
    await ended(running)
    assert bench.events == ["good"]
    assert bench.connection.bad_frames == 2


async def test_many_bad_frames_end_the_connection(bench: Bench) -> None:
    running = await bench.open()
    server = await bench.server_socket
    for _ in range(BAD_FRAMES):
        await server.send_str("bad")
    end = await ended(running)
    assert isinstance(end.error, ProtocolError)


async def test_a_session_that_fails_ends_the_connection(bench: Bench) -> None:
    running = await bench.open()
    await (await bench.server_socket).send_str("fail")
    assert str((await ended(running)).error) == "said so"


async def test_what_a_session_wants_is_fetched_and_handed_back(bench: Bench) -> None:
    running = await bench.open()
    server = await bench.server_socket
    await server.send_str("fetch")
    async with asyncio.timeout(5):
        while "answer /snapshot" not in bench.events:  # noqa: ASYNC110  # nothing else announces it
            await asyncio.sleep(0)
    await server.close()
    await ended(running)


async def test_a_deadline_that_passes_wakes_the_session(bench: Bench) -> None:
    running = await bench.open()
    await (await bench.server_socket).send_str("deadline")
    heard = [await asyncio.wait_for(bench.heard.get(), 5) for _ in range(3)]
    assert heard[-1] == "timeout"
    assert len(bench.session.timeouts) == 1
    assert bench.events[-1] == "held too long"
    bench.connection.end(ConnectionLostError("enough"))
    await ended(running)


async def test_what_was_held_back_is_passed_on_when_the_connection_is_gone(bench: Bench) -> None:
    running = await bench.open()
    server = await bench.server_socket
    await server.send_str("one")
    await server.send_str("hold")
    await server.close()
    await ended(running)
    assert bench.events == ["one", "held"]
    assert [type(signal) for signal in bench.signals] == [Accepted, GapFound]
    assert bench.connection._fetches == set()


async def test_the_session_of_a_connection_that_is_gone_is_not_looked_after(bench: Bench) -> None:
    running = await bench.open()
    server = await bench.server_socket
    bench.session.deadline = time.monotonic() + 3600
    await server.send_str("hold")
    await server.close()
    await ended(running)
    assert bench.events == ["held"]
    assert bench.watchdog._looks == {}


async def test_what_was_heard_of_a_topic_before_it_was_refused_is_delivered(bench: Bench) -> None:
    running = await bench.open()
    server = await bench.server_socket
    said: list[str] = []
    bench.connection.redirect(
        lambda events: said.extend(event["text"] for event in events), lambda signal: said.append(type(signal).__name__)
    )
    await server.send_str("accept")
    await server.send_str("refuse")
    await server.close()
    await ended(running)
    assert said[-4:] == ["Accepted", "accept", "refuse", "Refused"]


async def test_events_and_signals_can_be_sent_elsewhere(bench: Bench) -> None:
    running = await bench.open()
    server = await bench.server_socket
    elsewhere: list[Event] = []
    bench.connection.redirect(elsewhere.extend, lambda signal: None)
    await server.send_str("one")
    await server.close()
    await ended(running)
    assert (bench.events, len(elsewhere)) == ([], 1)


async def test_cancelling_the_run_leaves_no_task(bench: Bench) -> None:
    running = await bench.open()
    assert await bench.heard.get() == "subscribe"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await bench.watchdog.close()
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert not [name for name in names if name.startswith("brokerwire")]


async def test_secrets_that_a_venue_repeats_are_masked_in_all_that_is_told(bench: Bench) -> None:
    running = await bench.open()
    refused = Refused(TOPIC, InvalidSymbolError("no canary"))
    for signal in (refused, Remark("a canary"), Interrupted(TOPIC, "a canary"), GapFound(TOPIC, 1, 2, "a canary")):
        bench.session._emit(signal)
    bench.connection.subscribe([])
    assert str(refused.error) == "no ***"
    masked = [refused, Remark("a ***"), Interrupted(TOPIC, "a ***"), GapFound(TOPIC, 1, 2, "a ***")]
    assert bench.signals[-4:] == masked
    bench.connection.end(ConnectionLostError("enough"))
    await ended(running)
