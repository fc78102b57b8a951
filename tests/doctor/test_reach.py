from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from brokerwire.clock import SystemClock
from brokerwire.config import Network, Timeouts
from brokerwire.doctor.checkup import clock_check, endpoint_check
from brokerwire.doctor.reach import TRIES, Reach, reach
from brokerwire.errors import BrokerwireError
from brokerwire.transport.http import HttpClient


async def reached(address: str) -> Reach:
    clock = SystemClock()
    http = HttpClient(network=Network(), timeouts=Timeouts(), clock=clock, user_agent="test")
    try:
        return await reach(address, http=http, clock=clock)
    finally:
        await http.close()


@pytest.mark.parametrize(
    ("ahead_s", "verdict", "off_s"),
    [(0, "ok", 0), (-3.5, "warning", 2.5), (3.5, "warning", 2.5), (-60, "failed", 59), (3600, "failed", 3599)],
)
async def test_a_clock_that_is_off_is_told_from_the_servers_date(ahead_s: float, verdict: str, off_s: float) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.method + request.path)
        shown = datetime.now(UTC) + timedelta(seconds=ahead_s)
        return web.Response(headers={"Date": format_datetime(shown, usegmt=True)}, status=404)

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app) as server:
        host = f"127.0.0.1:{server.port}"
        found = await reached(f"ws://{host}")
    assert (found.status, found.host) == (404, host)
    assert asked == ["GET/"] * TRIES
    assert found.latency_ms > 0
    assert found.tls == "plaintext, on this machine"
    check = clock_check([found])
    assert check.verdict == verdict
    assert off_s <= check.figures["skew_s"] <= off_s + 1.1 or not off_s


async def test_a_server_without_a_clock_is_no_judge() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(headers={"Date": "some day"})

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app) as server:
        found = await reached(f"http://127.0.0.1:{server.port}")
    assert found.skew_s is None
    assert clock_check([found]).verdict == "skipped"


@pytest.mark.parametrize(
    ("latency_ms", "status", "verdict"), [(20, 404, "ok"), (800, 200, "warning"), (20, 503, "warning")]
)
def test_a_slow_or_troubled_server_is_a_warning(latency_ms: float, status: int, verdict: str) -> None:
    found = Reach(host="h:1", status=status, first_ms=900, latency_ms=latency_ms, tls="TLSv1.3", skew_s=None)
    check = endpoint_check("rest", found)
    assert check.verdict == verdict
    assert bool(check.advice) == (verdict == "warning")


async def test_an_address_that_is_not_there_raises(unused_tcp_port: int) -> None:
    with pytest.raises(BrokerwireError):
        await reached(f"http://127.0.0.1:{unused_tcp_port}")
