"""The login of a human: authorization code with PKCE, answered on a port of this machine."""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from brokerwire.auth.token_manager import TokenManager
from brokerwire.config import Credentials
from brokerwire.errors import AuthenticationError, ConfigurationError
from brokerwire.redact import clean
from brokerwire.venue import TokenSpec

LOGIN_TIMEOUT_S = 300.0
_PAGE = b"<!doctype html><title>brokerwire</title><p>%s You can close this page.</p>"


class RedirectListener:
    """Waits on a port of this machine for the browser to come back with a code for ``state``.

    Whatever comes with another state is none of ours: any page that is open in the browser can send it.

    Raises:
        ConfigurationError: The port is in use.
    """

    def __init__(self, port: int, *, state: str) -> None:
        self._port = port
        self._state = state.encode()
        self._server: asyncio.Server | None = None
        self._visits: set[asyncio.Task[None]] = set()
        self._answer: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()

    @property
    def redirect_uri(self) -> str:
        """The address that the browser is sent back to."""
        return f"http://localhost:{self._port}"

    async def __aenter__(self) -> Self:
        try:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        except OSError as exc:
            raise ConfigurationError(f"port {self._port} is in use; choose another with --port") from exc
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        # browsers open connections ahead of need and say nothing on them: those are not waited for
        for visit in self._visits:
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.create_task(self._talk(reader, writer), name="brokerwire login visit")
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer_visit(reader, writer)
        except (OSError, ValueError):  # gone, or a line without end
            return
        finally:
            writer.close()

    async def _answer_visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        while (await reader.readline()).strip():
            pass
        found = parse_redirect(line.decode("latin-1"))
        is_ours = secrets.compare_digest(found.get("state", "").encode(), self._state)
        page = _PAGE % (b"Done." if is_ours and "code" in found else b"Nothing to do here.")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + page)
        await writer.drain()
        if is_ours and ("code" in found or "error" in found) and not self._answer.done():
            self._answer.set_result(found)

    async def code(self, timeout_s: float) -> str:
        """Return the code.

        Raises:
            AuthenticationError: The login was refused, or did not come in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                found = await self._answer
        except TimeoutError as exc:
            raise AuthenticationError(f"nobody logged in within {timeout_s:.0f} s") from exc
        if "error" in found:
            raise AuthenticationError(f"the login was refused: {clean(found.get('error_description', found['error']))}")
        return found["code"]


def parse_redirect(request_line: str) -> dict[str, str]:
    """Return the query of ``GET /?code=...&state=... HTTP/1.1``; empty for anything else."""
    parts = request_line.split(" ")
    if len(parts) != 3 or parts[0] != "GET":
        return {}
    return {name: values[0] for name, values in parse_qs(urlsplit(parts[1]).query).items()}


async def log_in(
    spec: TokenSpec,
    credentials: Credentials,
    tokens: TokenManager,
    *,
    auth_address: str,
    announce: Callable[[str], None],
    port: int | None = None,
    timeout_s: float = LOGIN_TIMEOUT_S,
) -> None:
    """Announce the address of the login page, wait for the browser to come back, and keep the tokens.

    Raises:
        AuthenticationError: The login was refused or did not come in time.
        ConfigurationError: The port is in use.
    """
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    async with RedirectListener(port or spec.redirect_ports[0], state=state) as listener:
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        page = spec.build_authorize(
            credentials, redirect_uri=listener.redirect_uri, state=state, code_challenge=challenge
        )
        announce(auth_address + page.target)
        code = await listener.code(timeout_s)
        redirect_uri = listener.redirect_uri
    exchange = spec.build_exchange(credentials, code=code, redirect_uri=redirect_uri, code_verifier=verifier)
    await tokens.take_login(exchange)
