"""A chunked HTTP body as frames, one a line."""

from collections.abc import Mapping

import aiohttp
from yarl import URL

from brokerwire.errors import ConnectionLostError, ProtocolError, UnsupportedError
from brokerwire.transport.frame_gate import read_less_at_once
from brokerwire.transport.frame_transport import ConnectionEnd, OnFrames, ReadGate
from brokerwire.transport.http import HttpClient, read_limited, translate_failures
from brokerwire.transport.websocket import HandshakeRefused
from brokerwire.typedefs import Frame
from brokerwire.venue import Response


class LineSplitter:
    """Cuts a byte stream into lines; chunk boundaries mean nothing, blank lines are left out.

    Raises:
        ProtocolError: A line grew over ``max_bytes`` (from ``feed``).
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take a chunk and return the lines that it completes, without their line ends."""
        if b"\n" not in chunk:
            self._keep(chunk)
            return []
        if self._parts:
            chunk = b"".join(self._parts) + chunk
        lines = chunk.split(b"\n")
        rest = lines.pop()
        self._parts, self._size = [], 0
        self._keep(rest)
        if max(map(len, lines)) > self._max_bytes:
            raise self._too_long()
        return [line for line in (line.strip(b"\r ") for line in lines) if line]

    def _keep(self, part: bytes) -> None:
        if part:
            self._parts.append(part)
            self._size += len(part)
        if self._size > self._max_bytes:
            raise self._too_long()

    def _too_long(self) -> ProtocolError:
        return ProtocolError(f"a line is longer than {self._max_bytes} bytes")

    def finish(self) -> bytes:
        """Return what came after the last line end."""
        rest, self._parts, self._size = b"".join(self._parts).strip(), [], 0
        return rest


async def open_http_lines(
    http: HttpClient, url: str, *, headers: Mapping[str, str], max_message_bytes: int, connect_s: float
) -> "HttpLinesTransport":
    """Open a stream of lines with a GET request.

    Raises:
        HandshakeRefused: The answer is not 200.
        VenueUnavailableError: It could not be reached.
        ProtocolError: The refusal is too large to be read.
    """
    async with translate_failures(url):
        answer = await http.session.get(
            URL(url, encoded=True),
            headers={"Accept-Encoding": "identity", **headers},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_s),
            allow_redirects=False,
            proxy=http.proxy_for(url),
            ssl=http.ssl_context(),
        )
        refusal = None if answer.status == 200 else await _refusal_of(answer)
    if refusal is not None:
        raise refusal
    read_less_at_once(answer.connection)
    return HttpLinesTransport(answer, max_message_bytes)


async def _refusal_of(answer: aiohttp.ClientResponse) -> HandshakeRefused:
    async with answer:
        body = await read_limited(answer)
    lowered = {name.lower(): value for name, value in answer.headers.items()}
    return HandshakeRefused(Response(answer.status, lowered, body))


class HttpLinesTransport:
    """One open chunked response."""

    def __init__(self, answer: aiohttp.ClientResponse, max_message_bytes: int) -> None:
        self._answer = answer
        self._splitter = LineSplitter(max_message_bytes)
        self.reading = ReadGate()

    async def pump(self, on_frames: OnFrames) -> ConnectionEnd:
        """Push every line into ``on_frames`` until the response ends; a cut-off last line is left out."""
        feed = self._splitter.feed
        reading = self.reading
        try:
            async for chunk in self._answer.content.iter_any():
                if lines := feed(chunk):
                    on_frames(lines)
                    await reading.passage()
        except (aiohttp.ClientError, OSError, TimeoutError) as exc:
            return ConnectionEnd(error=ConnectionLostError(f"the HTTP stream was cut off ({type(exc).__name__})"))
        except ProtocolError as exc:
            return ConnectionEnd(error=exc)
        rest = self._splitter.finish()
        if rest.endswith((b"}", b"]")):
            on_frames([rest])
        return ConnectionEnd(reason="the server ended the stream")

    def hurry(self) -> None:
        """Do nothing: frames come by themselves."""

    async def send(self, frame: Frame) -> None:
        """Refuse: the wire has one direction.

        Raises:
            UnsupportedError: Always.
        """
        raise UnsupportedError("an HTTP stream carries nothing to the server; change its address instead")

    async def close(self) -> None:
        """Abort the request; safe to call twice."""
        self.reading.open()
        self._answer.close()
