"""Long HTTP answers: one JSON object per line, heartbeats after idleness, ends of every kind."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
from aiohttp import ClientConnectionResetError, web

from brokerwire.clock import Clock
from brokerwire.simulator.connections import Connections
from brokerwire.simulator.faults import Fault, Faults
from brokerwire.simulator.fronts.tradestation.abort import abort
from brokerwire.simulator.fronts.tradestation.answers import encode, error_response, moment
from brokerwire.simulator.fronts.tradestation.gate import Caller
from brokerwire.simulator.fronts.tradestation.limits import Limits
from brokerwire.simulator.fronts.tradestation.mangling import Mangler, heartbeat
from brokerwire.simulator.fronts.tradestation.settings import FrontSettings
from brokerwire.simulator.fronts.tradestation.tokens import TokenStore
from brokerwire.simulator.journal import Journal


class StreamSpec(msgspec.Struct, frozen=True):
    """How a kind of stream looks: its media type, and in which ``style`` it announces its end."""

    content_type: str
    style: Literal["v2", "v3", "tickbars"]


MARKET_DATA = StreamSpec("application/vnd.tradestation.streams.v2+json", "v2")
BROKERAGE = StreamSpec("application/vnd.tradestation.streams.v3+json", "v3")
TICK_BARS = StreamSpec("application/vnd.tradestation.streams+json", "tickbars")


class StreamTools(msgspec.Struct, frozen=True):
    """What every stream of the front works with."""

    faults: Faults
    limits: Limits
    tokens: TokenStore
    connections: Connections
    journal: Journal
    clock: Clock
    settings: FrontSettings
    now_ns: Callable[[], int]


class LineStream:
    """One open stream. Producers call ``push``; the handler's task writes, in order, and nothing else does."""

    def __init__(self, request: web.Request, caller: Caller, *, spec: StreamSpec, tools: StreamTools) -> None:
        self._request = request
        self._caller = caller
        self._spec = spec
        self._tools = tools
        self._channel = request.path
        self._pending: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._mangler = Mangler(tools.faults, self._channel)
        self._opened_epoch = tools.faults.epoch
        self._is_ending = False
        self._is_muted: Fault | None = None
        self._is_dead = False
        self._beats = 0
        self._written_s = 0.0
        self._goaway_until_s: float | None = None
        self._response: web.StreamResponse | None = None
        self._undo: list[Callable[[], None]] = []

    def push(self, frame: Any) -> None:
        """Queue one frame, an object or the bytes of a line."""
        self._pending.append(frame if isinstance(frame, bytes) else encode(frame))
        self._wake.set()

    @property
    def pending(self) -> int:
        """How many lines wait to be written."""
        return len(self._pending)

    async def flush(self) -> None:
        """Write what is queued so far, in the middle of a long snapshot."""
        await self._flush()

    def end(self) -> None:
        """Finish the answer once everything queued is written."""
        self._is_ending = True
        self._wake.set()

    def at_end(self, undo: Callable[[], None]) -> None:
        """Call ``undo`` when the stream has ended, whatever ended it."""
        self._undo.append(undo)

    async def serve(self, start: Callable[["LineStream"], Awaitable[None]]) -> web.StreamResponse:
        """Answer the request: ``start`` queues the first frames and subscribes, naming to ``at_end`` what undoes it."""
        tools, caller = self._tools, self._caller
        release = tools.limits.open_stream(caller.client_id, caller.resource)
        headers = {**caller.headers, **tools.limits.stream_headers(caller.client_id, caller.resource)}
        if release is None:
            tools.journal.record("violation", what="streams", resource=caller.resource)
            refused = error_response(429, "TooManyRequests", "Stream quota exceeded")
            refused.headers.update(headers)
            return refused
        self.at_end(tools.connections.add(self._channel, lambda: abort(self._request)))
        self.at_end(tools.faults.listen(self._wake.set))
        tools.journal.record("stream_open", path=self._channel, query=_query_of(self._request))
        try:
            response = await self._open(headers)
            await self._run(start)
        finally:
            for undo in reversed(self._undo):
                undo()
            stale = tools.faults.active("stale_slot", channel=self._channel)
            release(stale.number(90.0) if stale else 0.0)
            tools.journal.record("stream_close", path=self._channel)
        return response

    async def _open(self, headers: dict[str, str]) -> web.StreamResponse:
        if (fault := self._tools.faults.take("late_ack", channel=self._channel)) is not None:
            await self._tools.clock.sleep(fault.number(2.0))
        response = web.StreamResponse(headers={**headers, "Content-Type": self._spec.content_type})
        response.enable_chunked_encoding()
        await response.prepare(self._request)
        self._response = response
        self._written_s = self._tools.clock.monotonic()
        return response

    async def _run(self, start: Callable[["LineStream"], Awaitable[None]]) -> None:
        try:
            await start(self)
            while not self._is_over():
                await self._flush()
                if self._is_ending and not self._pending:
                    break
                await self._wait()
        except (
            ClientConnectionResetError,
            ConnectionResetError,
        ):  # pragma: no cover - else its leaving cancels us first
            return

    async def _wait(self) -> None:
        self._wake.clear()
        if self._pending or self._is_ending:
            return
        try:
            async with asyncio.timeout(self._patience_s()):
                await self._wake.wait()
        except TimeoutError:
            await self._beat()

    def _patience_s(self) -> float | None:
        now_s = self._tools.clock.monotonic()
        waits: list[float] = []
        if self._spec.style != "tickbars" and not self._is_dead:
            waits.append(self._written_s + self._tools.settings.heartbeat_s - now_s)
        if self._spec.style == "tickbars" and self._tools.settings.tickbar_timeout_s > 0:
            waits.append(self._written_s + self._tools.settings.tickbar_timeout_s - now_s)
        if self._goaway_until_s is not None:
            waits.append(self._goaway_until_s - now_s)
        if self._tools.settings.stream_expiry != "ignore":
            waits.append((self._caller.token.expires_ns - self._tools.now_ns()) / 1e9)
        return max(0.001, min(waits)) if waits else None

    async def _beat(self) -> None:
        idle_s = self._tools.clock.monotonic() - self._written_s
        timeout_s = self._tools.settings.tickbar_timeout_s
        if self._spec.style == "tickbars" and 0 < timeout_s <= idle_s + 0.002:
            self.push(b"ERROR - A Timeout Occurred after waiting %dms" % (timeout_s * 1000))
            self.end()
        if self._spec.style == "tickbars" or idle_s < self._tools.settings.heartbeat_s - 0.002 or self._silenced():
            return
        self._beats += 1
        await self._write(encode(heartbeat(self._beats, moment(self._tools.now_ns()))) + b"\n")

    def _is_over(self) -> bool:
        """Look at the faults and the token: is it time to end, or to announce the end?"""
        faults = self._tools.faults
        if self._is_dead:
            return False
        if (fault := faults.take("close", channel=self._channel, seen=self._mangler.seen)) is not None:
            if fault.options.get("premature"):
                self._hang_up()
            return True
        if (fault := faults.take("stream_error", channel=self._channel, seen=self._mangler.seen)) is not None:
            self.push({"Error": fault.argument or "InternalServerError", "Message": "The stream has failed."})
            self.end()
            return False
        self._announce_goaway()
        now_s = self._tools.clock.monotonic()
        if self._goaway_until_s is not None and now_s >= self._goaway_until_s:
            return True
        return self._token_ended_it()

    def _hang_up(self) -> None:
        """Close the socket without the chunk that ends the answer."""
        if self._request.transport is not None:  # pragma: no branch - the client may have gone in this very moment
            self._request.transport.close()

    def _announce_goaway(self) -> None:
        fault = self._tools.faults.active("goaway", channel=self._channel)
        if fault is None or self._goaway_until_s is not None or fault.epoch <= self._opened_epoch:
            return
        self._goaway_until_s = self._tools.clock.monotonic() + self._tools.settings.goaway_grace_s
        if self._spec.style == "v3":
            self.push({"StreamStatus": "GoAway"})
        elif self._spec.style == "v2":
            self.push({"Error": "GoAway", "Message": "The server is about to shut down."})
        else:
            self.push(b"END")

    def _token_ended_it(self) -> bool:
        expiry = self._tools.settings.stream_expiry
        if expiry == "ignore" or self._tools.tokens.is_good(self._caller.token):
            return False
        if expiry == "error":
            self.push({"Error": "Unauthorized", "Message": "The access token has expired."})
            self.end()
            return False
        return True

    def _silenced(self) -> bool:
        """Say whether nothing at all may be sent on this connection any more."""
        if not self._is_dead:
            fault = self._tools.faults.take("half_open", channel=self._channel, seen=self._mangler.seen)
            self._is_dead = fault is not None
        return self._is_dead

    def _muted(self) -> bool:
        faults = self._tools.faults
        if self._is_muted is None:
            self._is_muted = faults.take("mute", channel=self._channel, seen=self._mangler.seen)
        elif self._is_muted.times is None and faults.active("mute", channel=self._channel) is None:
            self._is_muted = None
        return self._is_muted is not None

    async def _flush(self) -> None:
        if len(self._pending) > self._tools.settings.max_pending:
            self._give_up()
            return
        if self._tools.faults.active("merge_chunks", channel=self._channel) is not None:
            await self._tools.clock.sleep(0.3)
        gathered: list[bytes] = []
        while self._pending:
            line = self._pending.popleft()
            if self._silenced():
                continue
            if self._muted() and not _is_control(line):
                continue
            if self._tools.faults.take("reset_mid_frame", channel=self._channel, seen=self._mangler.seen) is not None:
                await self._reset_within(b"".join(gathered), line)
                return
            parts = [line] if _is_control(line) else self._mangler.lines(line)
            gathered += [self._ended(part) for part in parts]
        if gathered:
            await self._send(gathered)

    def _ended(self, line: bytes) -> bytes:
        if self._tools.faults.active("crlf", channel=self._channel) is None:
            return line + b"\n"
        return line + (b"\r\n\r\n" if self._tools.faults.draw() < 0.3 else b"\r\n")

    async def _send(self, lines: list[bytes]) -> None:
        faults = self._tools.faults
        if faults.active("split_chunks", channel=self._channel) is not None:
            await self._send_split(b"".join(lines))
        elif faults.active("merge_chunks", channel=self._channel) is not None:
            await self._write(b"".join(lines))
        else:
            for line in lines:
                await self._write(line)

    async def _send_split(self, data: bytes) -> None:
        while data:
            size = 1 + int(self._tools.faults.draw() * 40)
            await self._write(data[:size])
            data = data[size:]
            await self._tools.clock.sleep(0.001)

    async def _reset_within(self, before: bytes, line: bytes) -> None:
        cut = int(self._tools.faults.draw() * len(line))
        await self._write(before + line[:cut])
        self._give_up()

    def _give_up(self) -> None:
        """Reset the connection and send nothing more; the loop that writes must not find anything to do."""
        abort(self._request)
        self._pending.clear()
        self.end()

    async def _write(self, data: bytes) -> None:
        assert self._response is not None  # noqa: S101 - set before anything is written
        await self._response.write(data)
        self._written_s = self._tools.clock.monotonic()


def _query_of(request: web.Request) -> dict[str, str]:
    return {name: value for name, value in request.query.items() if name != "access_token"}


def _is_control(line: bytes) -> bool:
    return line.startswith((b'{"StreamStatus"', b'{"Error"', b"END", b"ERROR"))
