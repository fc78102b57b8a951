"""A plain door in front of a server that counts what comes through."""

import asyncio
from urllib.parse import urlsplit

from tests.faults.tls import HOST, carry


class PlainDoor:
    """Passes everything on and keeps it."""

    def __init__(self, target: str, *, host: str = HOST, port: int = 0) -> None:
        parts = urlsplit(target)
        self._place = (host, port)
        self.entered = 0
        self._target = (parts.hostname, parts.port)
        self._heard: list[bytes] = []
        self._links: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None
        self.address = ""

    @property
    def asked(self) -> int:
        """How many requests for a token came."""
        return b"".join(self._heard).count(b"POST /oauth/token")

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._enter, *self._place)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"http://{host}:{port}"

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.entered += 1
        self._links[task] = writer
        try:
            inner_reader, inner_writer = await asyncio.open_connection(*self._target)
            await asyncio.gather(carry(reader, inner_writer, self._heard), carry(inner_reader, writer, []))
        finally:
            del self._links[task]

    async def close(self) -> None:
        for writer in self._links.values():
            writer.transport.abort()
        await asyncio.gather(*self._links)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
