import asyncio
import gzip
import shutil
import ssl
import subprocess
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.proxy import Proxy

from brokerwire.clock import SystemClock
from brokerwire.config import Network, Timeouts
from brokerwire.errors import (
    BrokerwireError,
    ConfigurationError,
    ProtocolError,
    StreamError,
    VenueUnavailableError,
)
from brokerwire.transport import http as http_module
from brokerwire.transport.http import HttpClient, failure_of
from brokerwire.transport.websocket import open_websocket

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def new_http(network: Network | None = None, **timeouts: float) -> HttpClient:
    return HttpClient(
        network=network or Network(),
        timeouts=Timeouts(**timeouts),
        clock=SystemClock(),
        user_agent="brokerwire/test",
    )


class Server:
    """A server of one path, and a client for it."""

    def __init__(self, aiohttp_server: Any) -> None:
        self._serve = aiohttp_server
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.http = new_http()
        self.url = ""

    async def start(self, answer: Answer, **options: Any) -> str:
        async def noted(request: web.Request) -> web.StreamResponse:
            self.requests.append(request)
            self.bodies.append(await request.read())
            return await answer(request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", noted)
        server = await self._serve(app, **options)
        self.url = str(server.make_url("/v3/x"))
        return self.url


@pytest.fixture
async def server(aiohttp_server: Any) -> AsyncIterator[Server]:
    found = Server(aiohttp_server)
    yield found
    await found.http.close()


async def test_a_request_and_its_answer_go_through_unchanged(server: Server) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=418, headers={"X-Thing": "1"}, body=b'{"a":1}')

    url = await server.start(answer)
    response = await server.http.send(
        "POST", f"{url}/A%2FB?symbols=%5B%22X%22%5D&b=%20", headers={"Authorization": "Bearer t"}, body=b"body"
    )
    assert (response.status, response.headers["x-thing"], response.json()) == (418, "1", {"a": 1})
    assert response.received_ns > 0
    assert not response.is_success
    request = server.requests[0]
    assert (request.method, request.raw_path) == ("POST", "/v3/x/A%2FB?symbols=%5B%22X%22%5D&b=%20")
    assert request.headers["Authorization"] == "Bearer t"
    assert request.headers["User-Agent"] == "brokerwire/test"
    assert server.bodies == [b"body"]


async def test_a_gzipped_answer_is_read_plain(server: Server) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b'{"a":[1,2,3]}'), headers={"Content-Encoding": "gzip"})

    url = await server.start(answer)
    response = await server.http.send("GET", url, headers={}, body=None)
    assert response.json() == {"a": [1, 2, 3]}
    assert "gzip" in server.requests[0].headers["Accept-Encoding"]


async def test_an_answer_that_inflates_over_the_limit_is_given_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "MAX_BODY_BYTES", 100_000)

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"x" * 50_000_000), headers={"Content-Encoding": "gzip"})

    url = await server.start(answer)
    with pytest.raises(ProtocolError, match="larger than 100000 bytes") as caught:
        await server.http.send("GET", url, headers={}, body=None)
    assert caught.value.action == "stop"


async def test_a_damaged_compressed_answer_is_unavailable(server: Server) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b"not gzip at all", headers={"Content-Encoding": "gzip"})

    url = await server.start(answer)
    with pytest.raises(VenueUnavailableError):
        await server.http.send("GET", url, headers={}, body=None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(server: Server, status: int) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    url = await server.start(answer)
    response = await server.http.send("GET", url, headers={"Authorization": "Bearer t"}, body=None)
    assert response.status == status
    assert len(server.requests) == 1


async def test_cookies_are_not_kept(server: Server) -> None:
    async def answer(_request: web.Request) -> web.Response:
        response = web.Response()
        response.set_cookie("session", "1")
        return response

    url = await server.start(answer)
    for _ in range(2):
        await server.http.send("GET", url, headers={}, body=None)
    assert "Cookie" not in server.requests[1].headers


async def test_an_answer_that_does_not_come_is_unavailable_in_time(server: Server) -> None:
    release = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    url = await server.start(answer)
    http = new_http(request_s=0.05)
    with pytest.raises(VenueUnavailableError, match="did not answer in time"):
        await http.send("GET", url, headers={}, body=None)
    release.set()
    await http.close()


async def test_an_answer_cut_in_the_middle_is_unavailable(server: Server) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    url = await server.start(answer)
    with pytest.raises(VenueUnavailableError) as caught:
        await server.http.send("GET", url, headers={}, body=None)
    assert caught.value.action == "retry"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_change_whose_answer_is_lost_is_never_sent_again(server: Server, method: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.method == method:
            assert request.transport is not None
            request.transport.abort()
        return web.Response()

    url = await server.start(answer)
    await server.http.send("GET", url, headers={}, body=None)  # a connection that is used again
    with pytest.raises(VenueUnavailableError):
        await server.http.send(method, url, headers={}, body=b"{}")
    assert [request.method for request in server.requests] == ["GET", method]


async def test_nobody_there_is_unavailable_and_neither_query_nor_token_shows() -> None:
    http = new_http()
    with pytest.raises(VenueUnavailableError, match=r"127\.0\.0\.1:1 could not be reached") as caught:
        await http.send(
            "GET", "http://127.0.0.1:1/x?signature=canary", headers={"Authorization": "Bearer canary"}, body=None
        )
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    await http.close()


async def test_a_name_that_does_not_resolve_is_unavailable() -> None:
    http = new_http(connect_s=5, request_s=5)
    with pytest.raises(VenueUnavailableError):
        await http.send("GET", "https://no-such-host.invalid/x", headers={}, body=None)
    await http.close()


async def test_text_that_is_no_address_is_a_mistake_of_the_caller() -> None:
    http = new_http()
    with pytest.raises(ConfigurationError, match="not an address"):
        await http.send("GET", "http:///nothing", headers={}, body=None)
    await http.close()


async def test_closing_twice_is_allowed_and_a_closed_client_opens_nothing(server: Server) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response()

    url = await server.start(answer)
    await server.http.send("GET", url, headers={}, body=None)
    await server.http.close()
    await server.http.close()
    with pytest.raises(StreamError, match="closed"):
        await server.http.send("GET", url, headers={}, body=None)
    assert len(server.requests) == 1


def test_every_failure_of_the_wire_is_one_of_ours() -> None:
    plain = failure_of(aiohttp.ClientPayloadError("x"), "h:1")
    assert isinstance(plain, VenueUnavailableError)
    assert str(failure_of(OSError(), "h:1")) == "talking to h:1 failed: OSError"
    assert isinstance(failure_of(ssl.SSLCertVerificationError(1, "bad"), "h:1"), StreamError)
    assert failure_of(ssl.SSLCertVerificationError(1, "bad"), "h:1").action == "stop"
    assert failure_of(TimeoutError(), "h:1").action == "retry"


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that only itself vouches for, and its key."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("needs the openssl program")
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = [program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=brokerwire test"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:TRUE"]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  # a program found on this machine
    return certificate, key


@pytest.fixture
async def tls(server: Server, certificate: tuple[Path, Path]) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    async def answer(request: web.Request) -> web.StreamResponse:
        if "upgrade" in request.headers.get("Connection", "").lower():
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.close()
            return socket
        return web.Response(text="ok")

    return await server.start(answer, ssl=context)


async def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(
    server: Server, tls: str
) -> None:
    with pytest.raises(StreamError, match="certificate") as caught:
        await server.http.send("GET", tls, headers={"Authorization": "Bearer canary"}, body=None)
    assert caught.value.action == "stop"
    with pytest.raises(StreamError, match="certificate"):
        await open_websocket(
            server.http, tls.replace("https", "wss"), headers={}, ping_s=None, max_message_bytes=100, close_s=1
        )
    assert server.requests == []


async def test_ca_file_accepts_a_certificate_of_ones_own(certificate: tuple[Path, Path], tls: str) -> None:
    http = new_http(Network(ca_file=str(certificate[0])))
    assert (await http.send("GET", tls, headers={}, body=None)).body == b"ok"
    socket = await open_websocket(
        http, tls.replace("https", "wss"), headers={}, ping_s=None, max_message_bytes=100, close_s=1
    )
    await socket.close()
    await http.close()


async def test_ca_file_does_not_excuse_a_wrong_host(certificate: tuple[Path, Path], tls: str) -> None:
    http = new_http(Network(ca_file=str(certificate[0])))
    with pytest.raises(StreamError, match="certificate"):
        await http.send("GET", tls.replace("127.0.0.1", "localhost"), headers={}, body=None)
    await http.close()


async def test_ca_file_without_certificates_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("empty.pem", "missing.pem"):
        http = new_http(Network(ca_file=str(tmp_path / name)))
        with pytest.raises(ConfigurationError, match=name):
            await http.send("GET", "https://127.0.0.1:1/", headers={}, body=None)
        await http.close()


async def test_plain_text_where_tls_is_expected_is_unavailable(server: Server) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response()

    url = await server.start(answer)
    with pytest.raises(VenueUnavailableError):
        await server.http.send("GET", url.replace("http", "https"), headers={}, body=None)


# Proxies


async def test_a_given_proxy_carries_requests(server: Server) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    url = await server.start(answer)
    async with Proxy() as proxy:
        http = new_http(Network(proxy=proxy.url))
        assert (await http.send("GET", url, headers={}, body=None)).body == b"ok"
        await http.close()
    assert proxy.asked == [f"GET {url}"]


async def test_a_given_proxy_is_asked_to_connect_for_tls_and_the_token_stays_inside(
    certificate: tuple[Path, Path], tls: str
) -> None:
    async with Proxy() as proxy:
        http = new_http(Network(proxy=proxy.url, ca_file=str(certificate[0])))
        response = await http.send("GET", tls, headers={"Authorization": "Bearer canary"}, body=None)
        assert response.body == b"ok"
        await http.close()
    assert proxy.asked == [f"CONNECT {tls.removeprefix('https://').partition('/')[0]}"]
    assert all(b"canary" not in head for head in proxy.headers)


async def test_a_proxy_of_one_address_leaves_others_alone(server: Server) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    url = await server.start(answer)
    proxies = {"https://example.com/x": "http://127.0.0.1:1"}
    http = new_http(Network(proxy_of=proxies.get))
    assert http.proxy_for("https://example.com/x") == "http://127.0.0.1:1"
    assert http.proxy_for(url) is None
    assert (await http.send("GET", url, headers={}, body=None)).body == b"ok"
    await http.close()


async def test_a_proxy_that_is_not_there_is_named_as_the_cause(server: Server) -> None:
    http = new_http(Network(proxy="http://127.0.0.1:1"))
    with pytest.raises(VenueUnavailableError, match="proxy"):
        await http.send("GET", "http://127.0.0.1:2/x", headers={}, body=None)
    await http.close()


async def test_a_proxy_that_wants_a_password_is_named_and_its_own_stays_secret(tls: str) -> None:
    async with Proxy() as proxy:
        proxy.status = b"407 Proxy Authentication Required"
        http = new_http(Network(proxy=proxy.url.replace("http://", "http://user:canary-4711@")))
        with pytest.raises(BrokerwireError, match="proxy") as caught:
            await http.send("GET", tls, headers={}, body=None)
        assert "canary" not in "".join(traceback.format_exception(caught.value))
        await http.close()


async def test_a_proxy_password_does_not_show_in_the_settings() -> None:
    assert "canary" not in repr(Network(proxy="http://user:canary@127.0.0.1:1"))
