"""A data socket of the tests' own, written from the fact sheet and not from the simulator; it does what it is told."""

import asyncio
import json
import re
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

from aiohttp import WSMsgType, web

HELLO = '{"session_id":"0.1.1_raw","timestamp":1795446000,"release":"raw","protocol":"json"}'
MINUTE = 60
Unit = Literal["code points", "utf16", "bytes"]
Answer = Callable[["Line", list[Any]], Awaitable[None]]


def framed(payload: str, unit: Unit = "code points") -> str:
    """Return a payload with its length in front."""
    sizes = {
        "code points": len(payload),
        "utf16": len(payload.encode("utf-16-le")) // 2,
        "bytes": len(payload.encode()),
    }
    return f"~m~{sizes[unit]}~m~{payload}"


def said(method: str, *arguments: Any) -> str:
    """Return the payload of a message; text beyond ASCII stays as it is."""
    return json.dumps({"m": method, "p": list(arguments)}, ensure_ascii=False, separators=(",", ":"))


class Line:
    """One connection: what is sent on it, and what was heard."""

    def __init__(self, number: int, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.number = number
        self.socket = socket
        self.beats: list[str] = []
        self._request = request

    async def send(self, *payloads: str, unit: Unit = "code points") -> None:
        """Send payloads in one message."""
        await self.socket.send_str("".join(framed(payload, unit) for payload in payloads))

    async def say(self, method: str, *arguments: Any) -> None:
        """Send one message of one packet."""
        await self.send(said(method, *arguments))

    async def close(self, code: int = 1000) -> None:
        """End the connection with a close frame."""
        await self.socket.close(code=code)

    def reset_within(self, *payloads: str) -> None:
        """Send half of a message and reset the connection."""
        data = "".join(map(framed, payloads)).encode()
        transport = self._request.transport
        assert transport is not None
        transport.write(b"\x81\x7f" + struct.pack("!Q", len(data)) + data[: len(data) // 2])
        transport.abort()


class RawVenue:
    """Serves the data socket; ``answers`` are called for the calls of their names.

    Attributes:
        calls: Every call that was heard, as (connection, method, arguments).
    """

    def __init__(self, answers: Mapping[str, Answer], *, hello: str | None = HELLO) -> None:
        self.answers = dict(answers)
        self.hello = hello
        self.lines: list[Line] = []
        self.calls: list[tuple[int, str, list[Any]]] = []
        self.endpoints: dict[str, str] = {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "RawVenue":
        app = web.Application()
        app.router.add_get("/socket.io/websocket", self._serve)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        address = "{}:{}".format(*self._runner.addresses[0][:2])
        self.endpoints = {"site": f"http://{address}", "stream": f"ws://{address}"}
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def called(self, method: str) -> list[list[Any]]:
        """Return the arguments of every call of a method."""
        return [arguments for _, name, arguments in self.calls if name == method]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        line = Line(len(self.lines) + 1, socket, request)
        self.lines.append(line)
        if self.hello is not None:
            await line.send(self.hello)
        tasks: set[asyncio.Task[None]] = set()
        async for message in socket:
            assert message.type is WSMsgType.TEXT
            for payload in re.findall(r"~m~\d+~m~((?:(?!~m~\d+~m~).)*)", message.data):
                self._hear(line, payload, tasks)
        await asyncio.gather(*tasks, return_exceptions=True)
        return socket

    def _hear(self, line: Line, payload: str, tasks: set[asyncio.Task[None]]) -> None:
        if payload.startswith("~h~"):
            line.beats.append(payload)
            return
        call = json.loads(payload)
        self.calls.append((line.number, call["m"], call["p"]))
        if answer := self.answers.get(call["m"]):
            tasks.add(asyncio.ensure_future(answer(line, call["p"])))


class Charts:
    """Serves one series of ``count`` minute bars that ended a while ago, in pages.

    Args:
        page: The longest page; the plan's window, so to speak.
        ends: What a completion says when nothing older follows: ``end``, ``limit``, or nothing at all.
        method: The message that brings pages.
        cuts: Where a connection is cut, each once: ``created``, ``mid page``, ``page`` (before its completion) or
            ``completed`` (between pages); ``how`` says in which way.
    """

    def __init__(
        self,
        count: int,
        *,
        page: int = 5_000,
        ends: str = "end",
        method: str = "timescale_update",
        cuts: Sequence[str] = (),
        how: str = "reset",
        volume: bool = True,
        first_s: int = 1_794_000_000,
    ) -> None:
        self.times = [first_s + MINUTE * number for number in range(count)]
        self.page = page
        self.ends = ends
        self.method = method
        self.cuts = list(cuts)
        self.how = how
        self.volume = volume
        self._sent: dict[tuple[int, str], int] = {}

    @property
    def answers(self) -> dict[str, Answer]:
        """What the venue answers with."""
        return {"create_series": self._create, "modify_series": self._modify, "request_more_data": self._more}

    def bar(self, time_s: int) -> list[float]:
        """Return one bar, made of its time."""
        close = 100 + time_s // MINUTE % 997 / 100
        found = [float(time_s), close - 0.5, close + 1, close - 1, close]
        return [*found, float(time_s // MINUTE % 1000)] if self.volume else found

    async def _create(self, line: Line, arguments: list[Any]) -> None:
        chart, _, turnaround, _, _, count, *_ = arguments
        if await self._is_cut(line, "created"):
            return
        await self._tell(line, chart, turnaround, self.times[-min(count, self.page) :])

    async def _more(self, line: Line, arguments: list[Any]) -> None:
        chart, _, count = arguments
        rest = self.times[: len(self.times) - self._sent[line.number, chart]]
        await self._tell(line, chart, "s1", rest[-min(count, self.page) :])

    async def _modify(self, line: Line, arguments: list[Any]) -> None:
        chart, _, turnaround, _, _, frame = arguments
        from_s, until_s = map(int, frame[2:].split(":"))
        await self._tell(line, chart, turnaround, [each for each in self.times if from_s <= each <= until_s])

    async def _tell(self, line: Line, chart: str, turnaround: str, times: list[int]) -> None:
        rows = [{"i": at, "v": self.bar(each)} for at, each in enumerate(times)]
        page = said(self.method, chart, {"sds_1": {"s": rows, "t": turnaround}}, {"index": 0, "changes": []})
        if await self._is_cut(line, "mid page", page):
            return
        if rows:
            await line.send(page)
        if await self._is_cut(line, "page"):
            return
        known = self._sent[line.number, chart] = self._sent.get((line.number, chart), 0) + len(times)
        is_end = bool(self.ends) and known >= len(self.times)
        info = {"rt_update_period": 0, **({"data_completed": self.ends} if is_end else {})}
        await line.say("series_completed", chart, "sds_1", "streaming", turnaround, info)
        await self._is_cut(line, "completed")

    async def _is_cut(self, line: Line, where: str, page: str = "") -> bool:
        if not self.cuts or self.cuts[0] != where:
            return False
        del self.cuts[0]
        if self.how == "reset":
            line.reset_within(page or said("series_loading", "cs", "x" * 100))
        else:
            await line.close(1000 if self.how == "close" else 1001)
        return True
