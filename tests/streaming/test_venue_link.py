import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from brokerwire.auth.token_manager import TokenManager
from brokerwire.auth.token_store import MemoryTokenStore
from brokerwire.clock import SystemClock
from brokerwire.config import Credentials, Network, Secret, Timeouts
from brokerwire.errors import (
    AuthenticationError,
    BrokerwireError,
    ConfigurationError,
    ConnectionLostError,
    ProtocolError,
    RateLimitError,
    RequestError,
    VenueUnavailableError,
)
from brokerwire.events import Topic
from brokerwire.redact import Redactor
from brokerwire.streaming.json_venue import JsonSession
from brokerwire.streaming.venue_link import VenueLink
from brokerwire.transport.http import HttpClient
from brokerwire.venue import (
    Access,
    Endpoints,
    Operation,
    RateBudget,
    Request,
    Response,
    StreamKind,
    TokenGrant,
    TokenSpec,
    Venue,
)

LINES = StreamKind(name="lines", transport="http_lines")
SOCKET = StreamKind(name="socket", transport="websocket")
POLLED = StreamKind(name="polled", transport="poll", poll_interval_s=0.01)
PATHS = {"lines": "/lines", "socket": "/socket", "polled": "/data"}


def error_from(response: Response) -> BrokerwireError:
    if response.status == 401:
        return AuthenticationError("stale", action="refresh", status=401)
    if response.status == 429:
        return RateLimitError("slow down", retry_after_s=float(response.headers["retry-after"]), status=429)
    if response.status >= 500:
        return VenueUnavailableError("down", status=response.status)
    return RequestError("refused", status=response.status)


def authorize(request: Request, access: Access) -> Request:
    if access.token is None:
        return request
    from msgspec.structs import replace

    return replace(request, headers={**request.headers, "Authorization": access.token.reveal()})


def build_token_request(_credentials: Credentials, _secret: Secret) -> Request:
    return Request(method="POST", endpoint="auth", path="/token")


TOKENS = TokenSpec(
    build_refresh=build_token_request,
    build_exchange=build_token_request,
    build_authorize=build_token_request,
    parse_grant=lambda response: TokenGrant(Secret(response.body.decode()), 1200.0),
)


def new_venue() -> Venue:
    return Venue(
        name="test",
        capabilities={},
        endpoints=Endpoints({}, {}, {"search": "rest", "deep": "depths"}),
        credentials={},
        budgets={"slow": RateBudget(1, 0.2)},
        tokens=TOKENS,
        build_topic=lambda channel, symbol, variant, _settings: Topic(channel, symbol, variant),
        kind_of=lambda _topic: LINES,
        build_dial=lambda kind, _topics: Request(path=PATHS[kind.name], authorization="token"),
        new_session=lambda _kind, _settings: JsonSession(),
        authorize=authorize,
        error_from=error_from,
        close_error=lambda code, _reason: ConnectionLostError("closed", close_code=code),
        operations={},
    )


class Peer:
    """A venue whose answers a test lines up, and that remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[web.Response | None] = []
        self.asked: list[tuple[str, str]] = []
        self.tokens = 0
        self.release = asyncio.Event()

    async def token(self, _request: web.Request) -> web.Response:
        self.tokens += 1
        return web.Response(text=f"token-{self.tokens}")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, request.headers.get("Authorization", "")))
        answer = self.answers.pop(0) if self.answers else web.Response(text="ok")
        if answer is None:
            await self.release.wait()
            return web.Response()
        if answer.status == 599:
            assert request.transport is not None
            request.transport.abort()
        if answer.status == 200 and request.path == "/socket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.close()
            return socket
        return answer


@pytest.fixture
async def peer(aiohttp_server: Any) -> AsyncIterator[tuple[Peer, VenueLink]]:
    found = Peer()
    app = web.Application()
    app.router.add_post("/token", found.token)
    app.router.add_route("*", "/{path:.*}", found.answer)
    address = str((await aiohttp_server(app)).make_url("")).rstrip("/")
    clock = SystemClock()
    timeouts = Timeouts()
    http = HttpClient(network=Network(), timeouts=timeouts, clock=clock, user_agent="x")
    endpoints = {"rest": address, "auth": address}
    link = VenueLink(
        new_venue(), http=http, endpoints=endpoints, credentials=Credentials({}), clock=clock, timeouts=timeouts
    )
    link.tokens = TokenManager(
        TOKENS,
        Credentials({"refresh_token": "given"}),
        send=link.send_plain,
        store=MemoryTokenStore(),
        clock=clock,
        redactor=Redactor(),
    )
    yield found, link
    found.release.set()
    await link.tokens.close()
    await http.close()


GET = Request(path="/data", authorization="token")
ORDER = Request(method="POST", path="/orders", authorization="token", is_repeatable=False)


async def test_an_answer_comes_back_with_the_token_sent_once(peer: tuple[Peer, VenueLink]) -> None:
    found, link = peer
    assert (await link.exchange(GET)).body == b"ok"
    await link.exchange(Request(path="/open"))
    assert found.asked == [("/data", "token-1"), ("/open", "")]


async def test_a_stale_token_is_renewed_and_the_request_sent_once_more(peer: tuple[Peer, VenueLink]) -> None:
    found, link = peer
    found.answers = [web.Response(status=401)]
    assert (await link.exchange(GET)).status == 200
    assert found.asked == [("/data", "token-1"), ("/data", "token-2")]


async def test_a_renewed_token_that_is_refused_too_is_not_renewed_again(peer: tuple[Peer, VenueLink]) -> None:
    found, link = peer
    found.answers = [web.Response(status=401) for _ in range(5)]
    assert (await link.exchange(GET)).status == 401
    assert (len(found.asked), found.tokens) == (2, 2)


async def test_an_order_with_a_stale_token_is_not_sent_again_but_the_next_has_a_good_one(
    peer: tuple[Peer, VenueLink],
) -> None:
    found, link = peer
    found.answers = [web.Response(status=401)]
    assert (await link.exchange(ORDER)).status == 401
    assert (await link.exchange(ORDER)).status == 200
    assert [token for _, token in found.asked] == ["token-1", "token-2"]


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_other_refusals_come_back_as_they_are(peer: tuple[Peer, VenueLink], status: int) -> None:
    found, link = peer
    found.answers = [web.Response(status=status)]
    assert (await link.exchange(GET)).status == status
    assert len(found.asked) == 1


@pytest.mark.parametrize("status", [500, 503])
async def test_a_venue_that_is_down_is_asked_three_times_but_an_order_once(
    peer: tuple[Peer, VenueLink], status: int
) -> None:
    found, link = peer
    for request, times in ((GET, 3), (ORDER, 1)):
        found.asked.clear()
        found.answers = [web.Response(status=status) for _ in range(times)]
        assert (await link.exchange(request)).status == status
        assert len(found.asked) == times


async def test_an_answer_that_is_cut_off_is_asked_for_again_but_an_order_never(peer: tuple[Peer, VenueLink]) -> None:
    found, link = peer
    found.answers = [web.Response(status=599)]
    assert (await link.exchange(GET)).body == b"ok"
    found.asked.clear()
    found.answers = [web.Response(status=599)]
    with pytest.raises(VenueUnavailableError):
        await link.exchange(ORDER)
    assert [path for path, _ in found.asked] == ["/orders"]


async def test_a_short_limit_is_waited_for_and_a_long_one_told(peer: tuple[Peer, VenueLink]) -> None:
    found, link = peer
    slow = Request(path="/data", bucket="slow")
    found.answers = [web.Response(status=429, headers={"Retry-After": "0.1"})]
    started = time.monotonic()
    assert (await link.exchange(slow)).status == 200
    assert time.monotonic() - started >= 0.1
    found.answers = [web.Response(status=429, headers={"Retry-After": "60"})]
    assert (await link.exchange(slow)).status == 429


async def test_an_operation_is_told_of_lost_answers_and_may_go_on(peer: tuple[Peer, VenueLink]) -> None:
    found, link = peer

    def operation() -> Operation[str]:
        try:
            yield ORDER
        except VenueUnavailableError:
            answer = yield GET
            return answer.body.decode()
        return "not lost"

    found.answers = [web.Response(status=599)]
    assert await link.run(operation()) == "ok"
    assert await link.run(operation()) == "not lost"


async def test_an_address_that_is_absent_is_a_mistake_of_the_caller(peer: tuple[Peer, VenueLink]) -> None:
    _, link = peer
    for endpoint in ("elsewhere", "deep"):
        with pytest.raises(ConfigurationError, match=f"'{endpoint}' endpoint of test"):
            await link.exchange(Request(endpoint=endpoint, path="/"))


async def test_an_address_stands_in_for_one_that_was_not_given(peer: tuple[Peer, VenueLink]) -> None:
    _, link = peer
    assert link.address("search") == link.address("rest")
    link._endpoints = {**link._endpoints, "search": "http://127.0.0.1:1"}
    assert link.address("search") == "http://127.0.0.1:1"


KINDS = [LINES, SOCKET, POLLED]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_stream_is_opened_with_the_token(peer: tuple[Peer, VenueLink], kind: StreamKind) -> None:
    found, link = peer
    transport = await link.open(kind, [])
    await transport.close()
    assert found.asked == [(PATHS[kind.name], "token-1")]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("times", [1, 5])
async def test_a_refused_dial_renews_the_token_once(peer: tuple[Peer, VenueLink], kind: StreamKind, times: int) -> None:
    found, link = peer
    found.answers = [web.Response(status=401) for _ in range(times)]
    if times == 1:
        await (await link.open(kind, [])).close()
    else:
        with pytest.raises(AuthenticationError):
            await link.open(kind, [])
    assert [token for _, token in found.asked] == ["token-1", "token-2"]
    assert found.tokens == 2


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_dial_refused_for_good_says_so(peer: tuple[Peer, VenueLink], kind: StreamKind) -> None:
    found, link = peer
    found.answers = [web.Response(status=404)]
    with pytest.raises(RequestError) as caught:
        await link.open(kind, [])
    assert (caught.value.status, caught.value.action) == (404, "stop")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_venue_that_does_not_answer_a_dial_is_left_in_time(
    peer: tuple[Peer, VenueLink], kind: StreamKind
) -> None:
    found, link = peer
    link.timeouts = Timeouts(connect_s=0.2)
    found.answers = [None]
    async with asyncio.timeout(5):
        with pytest.raises(VenueUnavailableError, match=r"within 0\.2 s"):
            await link.open(kind, [])


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.mark.parametrize("kind", [LINES, SOCKET], ids=lambda kind: kind.name)
async def test_a_handshake_that_trickles_is_ended_by_connect_timeout(
    peer: tuple[Peer, VenueLink], kind: StreamKind
) -> None:
    _, link = peer
    link.timeouts = Timeouts(connect_s=0.2)
    ended = asyncio.Event()

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        try:
            await _trickle_on(reader, writer)
        finally:
            writer.close()
            ended.set()

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    link._endpoints = {**link._endpoints, "rest": f"http://127.0.0.1:{port}"}
    assert link.tokens is not None
    await link.tokens.token()
    started = time.monotonic()
    with pytest.raises(VenueUnavailableError, match=r"within 0\.2 s"):
        await link.open(kind, [])
    assert time.monotonic() - started < 3
    await asyncio.wait_for(ended.wait(), 5)
    server.close()


async def _trickle_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Write a byte now and then until the other side is gone."""
    while True:
        try:
            async with asyncio.timeout(0.02):
                if not await reader.read(1):
                    return
        except TimeoutError:
            writer.write(b"x")
        except ConnectionError:
            return


async def test_a_link_to_another_venue_has_no_credentials(peer: tuple[Peer, VenueLink]) -> None:
    _, link = peer
    other = link.to(new_venue())
    assert other.tokens is None
    assert len(other.credentials) == 0


async def test_secrets_that_a_venue_repeats_are_masked_in_errors(peer: tuple[Peer, VenueLink]) -> None:
    _, link = peer
    link.redact = lambda text: text.replace("canary", "***")

    def operation() -> Operation[None]:
        yield Request(path="/good")
        raise ProtocolError("the venue said canary", excerpt="canary")

    with pytest.raises(ProtocolError) as caught:
        await link.run(operation())
    assert (str(caught.value), caught.value.excerpt) == ("the venue said ***", "***")
    assert link.to(link.venue).redact is link.redact
