"""How far an address is: TLS, latency, and what time its server has."""

import asyncio
import ssl
import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from statistics import median
from urllib.parse import urlsplit

from msgspec import Struct

from brokerwire.clock import Clock
from brokerwire.errors import VenueUnavailableError
from brokerwire.transport.http import HttpClient

TRIES = 4
"""Requests to an address: one that opens the connection, the others over it."""

_TLS_TIMEOUT_S = 10.0
_DAY_S = 86_400.0


class Reach(Struct, frozen=True, kw_only=True):
    """What is known of one address.

    Attributes:
        host: Its host and port.
        status: What it answered to ``GET /``.
        first_ms: Milliseconds until the first answer, name look-up and handshakes included.
        latency_ms: The median of the later ones.
        tls: Version and certificate, in words.
        skew_s: Bounds of how many seconds the server's clock is ahead of ours, None if it told no time.
    """

    host: str
    status: int
    first_ms: float
    latency_ms: float
    tls: str
    skew_s: tuple[float, float] | None


async def reach(address: str, *, http: HttpClient, clock: Clock) -> Reach:
    """Ask an address for its root page a few times; for a WebSocket's address, without opening one.

    Raises:
        BrokerwireError: It cannot be reached, or its certificate is not accepted.
    """
    parts = urlsplit(address)
    scheme = {"wss": "https", "ws": "http"}.get(parts.scheme, parts.scheme)
    waits, skews = [], []
    status = 0
    for _ in range(TRIES):
        sent_s, began = clock.time_ns() / 1e9, time.perf_counter()
        answer = await http.send("GET", f"{scheme}://{parts.netloc}/", headers={}, body=None)
        waits.append(1000 * (time.perf_counter() - began))
        status = answer.status
        if (date := _seconds_of(answer.headers.get("date", ""))) is not None:
            skews.append((date - clock.time_ns() / 1e9, date + 1 - sent_s))
    return Reach(
        host=parts.netloc,
        status=status,
        first_ms=waits[0],
        latency_ms=median(waits[1:]),
        tls=await _tls_of(address, http=http, clock=clock) if scheme == "https" else "plaintext, on this machine",
        skew_s=_joined(skews),
    )


def _seconds_of(date: str) -> float | None:
    """Return a ``Date`` header as UTC seconds since the epoch, None if it is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def _joined(bounds: Iterable[tuple[float, float]]) -> tuple[float, float] | None:
    """Return what all bounds allow; the last ones alone, if a clock was set in between."""
    found = list(bounds)
    if not found:
        return None
    low, high = max(low for low, _ in found), min(high for _, high in found)
    return (low, high) if low <= high else found[-1]


async def _tls_of(address: str, *, http: HttpClient, clock: Clock) -> str:
    """Return the version of TLS, and for how long the certificate is good, where no proxy stands between."""
    parts = urlsplit(address)
    if http.proxy_for(address) is not None:
        return "TLS, verified through the proxy"
    given = http.ssl_context()
    context = given if isinstance(given, ssl.SSLContext) else ssl.create_default_context()
    try:
        async with asyncio.timeout(_TLS_TIMEOUT_S):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or 443, ssl=context, server_hostname=parts.hostname
            )
    except (OSError, TimeoutError) as exc:
        raise VenueUnavailableError(f"{parts.netloc} could not be reached a second time: {exc}") from exc
    try:
        return _described(writer.get_extra_info("ssl_object"), now_s=clock.time_ns() / 1e9)
    finally:
        writer.transport.abort()


def _described(connection: ssl.SSLObject, *, now_s: float) -> str:
    certificate = connection.getpeercert() or {}
    ends = ssl.cert_time_to_seconds(str(certificate.get("notAfter", "Jan  1 00:00:00 2000 GMT")))
    return f"{connection.version()}, its certificate is good for {(ends - now_s) / _DAY_S:.0f} more days"
