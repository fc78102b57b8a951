"""One aiohttp session: requests and their answers, and the failures of both as our errors."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
from yarl import URL

from brokerwire.clock import Clock
from brokerwire.config import Network, Timeouts
from brokerwire.errors import BrokerwireError, ConfigurationError, ProtocolError, StreamError, VenueUnavailableError
from brokerwire.redact import clean
from brokerwire.transport.frame_gate import GatedSocket
from brokerwire.venue import Response

MAX_BODY_BYTES = 64 * 2**20

NOT_RESOLVED = "name not resolved"
"""The code of a failure that no server has seen: its name has no address just now."""

_OUTDATED = frozenset({"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION"})
"""What OpenSSL names the reason when two sides have no version of the protocol in common that we accept."""


class HttpClient:
    """The aiohttp session of one client; opened on first use, inside the running loop."""

    def __init__(self, *, network: Network, timeouts: Timeouts, clock: Clock, user_agent: str) -> None:
        self._network = network
        self._timeouts = timeouts
        self._clock = clock
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None
        self._process_id: int | None = None
        self._is_closed = False
        self._under_way: set[asyncio.Timeout] = set()
        self._ssl: ssl.SSLContext | bool | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session, made on first use.

        Raises:
            StreamError: The client is closed, or its process was forked; a new session would never be.
        """
        if self._is_closed:
            raise StreamError("the client is closed; make a new one")
        if self._process_id not in {None, os.getpid()}:
            raise StreamError("the client's sockets belong to the process that was forked; make a new client here")
        if self._session is None:
            self._process_id = os.getpid()
            self._session = self._new_session()
        return self._session

    def _new_session(self) -> aiohttp.ClientSession:
        trace = aiohttp.TraceConfig()
        trace.on_request_redirect.append(_refuse_redirect)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=0, ttl_dns_cache=None, use_dns_cache=False),
            headers={"User-Agent": self._user_agent},
            trace_configs=[trace],
            ws_response_class=GatedSocket,  # type: ignore[arg-type]  # its text is bytes, as each call asks for
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
        )

    def proxy_for(self, url: str) -> str | None:
        """Return the proxy that requests to ``url`` go through, or None."""
        return self._network.proxy_for(url)

    def ssl_context(self) -> ssl.SSLContext | bool:
        """Return what verifies certificates: the system's store, or the file that was given."""
        if self._ssl is None:
            self._ssl = _context_of(self._network.ca_file)
        return self._ssl

    async def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None) -> Response:
        """Send one request and read its whole answer.

        Raises:
            VenueUnavailableError: It could not be sent, or the answer did not come in time.
            StreamError: The certificate was not accepted, or the client is closed.
            ConfigurationError: The address is none.
        """
        timeout = aiohttp.ClientTimeout(total=self._timeouts.request_s, sock_connect=self._timeouts.connect_s)
        async with (
            translate_failures(url),
            self._until_close(),
            self.session.request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=body,
                timeout=timeout,
                allow_redirects=False,
                proxy=self.proxy_for(url),
                ssl=self.ssl_context(),
                middlewares=None if method == "GET" else (_send_once,),
            ) as answer,
        ):
            received = await read_limited(answer)
            lowered = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status, lowered, received, self._clock.time_ns())

    @asynccontextmanager
    async def _until_close(self) -> AsyncIterator[None]:
        """Give up what is under way when the client is closed: a server that trickles an answer would hold it."""
        async with asyncio.timeout(None) as deadline:
            self._under_way.add(deadline)
            try:
                yield
            finally:
                self._under_way.discard(deadline)

    async def close(self) -> None:
        """Close the session and every socket of it; safe to call twice. A request under way has had no answer."""
        self._is_closed = True
        for deadline in list(self._under_way):
            deadline.reschedule(0.0)
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a PUT or DELETE again by itself when the answer is lost: it may have been done."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
        raise failure_of(exc, _host(str(request.url))) from exc


async def read_limited(answer: aiohttp.ClientResponse) -> bytes:
    """Return the whole body of an answer, decompressed.

    Raises:
        ProtocolError: It is larger than ``MAX_BODY_BYTES``.
    """
    parts: list[bytes] = []
    size = 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise ProtocolError(f"the answer is larger than {MAX_BODY_BYTES} bytes", action="stop")
        parts.append(part)
    return b"".join(parts)


async def _refuse_redirect(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestRedirectParams
) -> None:
    raise ConfigurationError(f"{_host(str(params.url))} redirected elsewhere; redirects are never followed")


def _context_of(ca_file: str | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigurationError(f"ca_file {ca_file!r} cannot be used: {exc}") from exc


def _host(url: str) -> str:
    parts = URL(url)
    return f"{parts.host}:{parts.port}"


@asynccontextmanager
async def translate_failures(url: str) -> AsyncIterator[None]:
    """Turn what aiohttp raises while talking to ``url`` into our errors; the query never shows."""
    try:
        yield
    except (aiohttp.ClientResponseError, aiohttp.InvalidURL) as exc:
        raise failure_of(exc, _host(url)) from None  # their texts show the address with all that is in it
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as exc:
        raise failure_of(exc, _host(url)) from exc


def failure_of(exc: BaseException, host: str) -> BrokerwireError:
    """Return our error for what aiohttp raised while talking to ``host``."""
    for kinds, describe in _FAILURES:
        if isinstance(exc, kinds):
            return describe(exc, host)
    return VenueUnavailableError(f"talking to {host} failed: {clean(_without_address(exc) or type(exc).__name__)}")


def _certificate_failure(exc: BaseException, host: str) -> BrokerwireError:
    return StreamError(f"the certificate of {host} was not accepted: {clean(str(exc))}; set ca_file if it is yours")


def _name_failure(exc: BaseException, host: str) -> BrokerwireError:
    return VenueUnavailableError(f"the name of {host} could not be resolved: {_cause_of(exc)}", code=NOT_RESOLVED)


def _encryption_failure(exc: BaseException, host: str) -> BrokerwireError:
    """A server that speaks nothing safe will not tomorrow either; a handshake that was cut may go well next time."""
    if isinstance(exc, aiohttp.ClientConnectorSSLError) and getattr(exc.os_error, "reason", None) in _OUTDATED:
        return StreamError(f"{host} does not speak TLS 1.2 or newer; nothing was sent to it")
    return _connect_failure(exc, host)


def _timeout_failure(_exc: BaseException, host: str) -> BrokerwireError:
    return VenueUnavailableError(f"{host} did not answer in time")


def _proxy_failure(exc: BaseException, host: str) -> BrokerwireError:
    return VenueUnavailableError(f"the proxy could not be used to reach {host}: {clean(_without_address(exc))}")


def _connect_failure(exc: BaseException, host: str) -> BrokerwireError:
    return VenueUnavailableError(f"{host} could not be reached: {_cause_of(exc)}")


def _cause_of(exc: BaseException) -> str:
    cause = exc.os_error if isinstance(exc, aiohttp.ClientConnectorError) else exc
    return clean(str(cause) or type(cause).__name__)


def _address_failure(_exc: BaseException, host: str) -> BrokerwireError:
    return ConfigurationError(f"{host} is not an address")


def _without_address(exc: BaseException) -> str:
    """The text of what aiohttp raised; an answer's address may hold a password or a signature."""
    return f"{exc.status} {exc.message}" if isinstance(exc, aiohttp.ClientResponseError) else str(exc)


_FAILURES: tuple[tuple[tuple[type[BaseException], ...], Callable[[BaseException, str], BrokerwireError]], ...] = (
    ((aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError), _certificate_failure),
    ((aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError), _proxy_failure),
    ((asyncio.TimeoutError, TimeoutError, aiohttp.ServerTimeoutError), _timeout_failure),
    ((aiohttp.ClientConnectorDNSError,), _name_failure),
    ((aiohttp.ClientConnectorSSLError,), _encryption_failure),
    ((aiohttp.ClientConnectorError,), _connect_failure),
    ((aiohttp.InvalidURL, ValueError), _address_failure),
)
