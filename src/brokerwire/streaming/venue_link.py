"""VenueLink: one venue as seen from a client; it sends requests and opens wires with the current token."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from brokerwire.auth.token_manager import TokenManager
from brokerwire.clock import Clock
from brokerwire.config import Credentials, Secret, Timeouts
from brokerwire.errors import BrokerwireError, ConfigurationError, RateLimitError, VenueUnavailableError
from brokerwire.events import Topic
from brokerwire.redact import mask_error
from brokerwire.transport.frame_transport import FrameTransport
from brokerwire.transport.http import HttpClient
from brokerwire.transport.http_lines import open_http_lines
from brokerwire.transport.poll import PollTransport
from brokerwire.transport.rate_limit import RateLimiter
from brokerwire.transport.websocket import HandshakeRefused, open_websocket
from brokerwire.transport.wire_tap import WireTap
from brokerwire.venue import Access, Operation, Request, Response, StreamKind, T, Venue

REPEATS = 3
"""A repeatable request is sent this often at most when the venue is limiting or unavailable."""

LONGEST_HOLD_S = 10.0
"""A request waits for a venue's ``Retry-After`` up to this long; beyond, the caller is told."""


class VenueLink:
    """Joins a venue's pure functions with a client's sockets, tokens and budgets."""

    def __init__(
        self,
        venue: Venue,
        *,
        http: HttpClient,
        endpoints: Mapping[str, str],
        credentials: Credentials,
        clock: Clock,
        timeouts: Timeouts,
        tap: WireTap | None = None,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.venue = venue
        self.redact = redact
        self.tap = tap
        self.clock = clock
        self.timeouts = timeouts
        self.tokens: TokenManager | None = None
        self._http = http
        self._endpoints = endpoints
        self.credentials = credentials
        self._limits = RateLimiter(venue.budgets, clock)

    def address(self, endpoint: str) -> str:
        """Return the base address ``endpoint``.

        Raises:
            ConfigurationError: It was not given; there is no falling back to the live host.
        """
        stand_in = self.venue.endpoints.stands_in.get(endpoint, endpoint)
        address = self._endpoints.get(endpoint) or self._endpoints.get(stand_in)
        if address is None:
            raise ConfigurationError(
                f"no address for the {endpoint!r} endpoint of {self.venue.name}; give it in endpoints=",
                venue=self.venue.name,
            )
        return address

    def host_of(self, kind: StreamKind, topics: Sequence[Topic]) -> str:
        """Return the address that streams of ``kind`` are dialled at."""
        return self.address(self.venue.build_dial(kind, topics).endpoint)

    async def run(self, operation: Operation[T]) -> T:
        """Hold an operation's conversation with the venue and return its result.

        A request that gets no answer raises inside the operation, which knows what that means.

        Raises:
            RequestError: What the operation made of a refusal, and the other errors of ``exchange``.
        """
        try:
            request = next(operation)
            while True:
                try:
                    answer = await self.exchange(request)
                except BrokerwireError as exc:
                    request = operation.throw(exc)
                else:
                    request = operation.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result
        except BrokerwireError as exc:
            mask_error(exc, self.redact)
            raise
        finally:
            operation.close()

    async def exchange(self, request: Request) -> Response:
        """Send a request within its budget; renew the token once when it is refused.

        Answers that are not a success come back as they are, for the operation to read.

        Raises:
            VenueUnavailableError: No answer.
            AuthenticationError: The token cannot be renewed.
        """
        first: Secret | None = None
        for attempt in range(1, REPEATS + 1):
            try:
                answer, token = await self._send_authorized(request)
            except VenueUnavailableError:
                if not request.is_repeatable or attempt == REPEATS:
                    raise
                await self.clock.sleep(0.2 * 2**attempt)
                continue
            first = first or token
            stale = token if token == first else None  # a renewed token that is refused too is not renewed again
            if answer.is_success or attempt == REPEATS or not await self._may_repeat(request, answer, stale):
                return answer
        raise AssertionError("the loop returns or raises")

    async def _may_repeat(self, request: Request, answer: Response, token: Secret | None) -> bool:
        """Do what lets the next request succeed; tells whether this one may be sent again by itself."""
        error = self.venue.error_from(answer)
        if error.action == "refresh" and token is not None and self.tokens is not None:
            await self.tokens.refresh(token)
            return request.is_repeatable
        if isinstance(error, RateLimitError):
            wait_s = error.retry_after_s or 1.0
            self._limits.hold(request.bucket, wait_s)
            return request.is_repeatable and wait_s <= LONGEST_HOLD_S
        if isinstance(error, VenueUnavailableError) and request.is_repeatable:
            await self.clock.sleep(0.5)
            return True
        return False

    async def _send_authorized(self, request: Request) -> tuple[Response, Secret | None]:
        await self._limits.acquire(request.bucket, request.weight)
        request, token = await self._authorized(request)
        url = self.address(request.endpoint) + request.target
        answer = await self._http.send(request.method, url, headers=request.headers, body=request.body)
        if self.tap is not None:
            self.tap.answered(request.method, url, answer)
        return answer, token

    async def send_plain(self, request: Request) -> Response:
        """Send a request that needs no token, such as one to the token endpoint."""
        url = self.address(request.endpoint) + request.target
        return await self._http.send(request.method, url, headers=request.headers, body=request.body)

    async def access(self) -> Access:
        """Return what a session may say in its stream about who it is, with a good token where there are any.

        Raises:
            AuthenticationError: There is no good token.
            VenueUnavailableError: The token endpoint did not answer.
        """
        token = None if self.tokens is None else await self.tokens.token()
        return Access(credentials=self.credentials, token=token, time_ns=self.clock.time_ns())

    async def _authorized(self, request: Request) -> tuple[Request, Secret | None]:
        token = None
        if request.authorization == "token" and self.tokens is not None:
            token = await self.tokens.token()
        access = Access(credentials=self.credentials, token=token, time_ns=self.clock.time_ns())
        return self.venue.authorize(request, access), token

    async def open(self, kind: StreamKind, topics: Sequence[Topic]) -> FrameTransport:
        """Open the wire for ``topics``, in ``connect_timeout`` at most; a refused token is renewed once.

        Raises:
            BrokerwireError: Its ``action`` says whether trying again makes sense.
        """
        dial = self.venue.build_dial(kind, topics)
        if kind.transport != "poll":  # what is polled spends its budget request by request
            await self._limits.acquire(dial.bucket, dial.weight)
        request, token = await self._authorized(dial)
        try:
            return await self._open_in_time(kind, request, dial)
        except HandshakeRefused as refused:
            error = self._refusal(refused.response, dial)
            if error.action != "refresh" or token is None or self.tokens is None:
                raise error from None
        await self.tokens.refresh(token)
        request, _ = await self._authorized(dial)
        try:
            return await self._open_in_time(kind, request, dial)
        except HandshakeRefused as refused:
            error = self._refusal(refused.response, dial)
            error.action = "stop" if error.action == "refresh" else error.action
            raise error from None

    async def _open_in_time(self, kind: StreamKind, request: Request, dial: Request) -> FrameTransport:
        try:
            async with asyncio.timeout(self.timeouts.connect_s):
                transport = await self._open_wire(kind, request, dial)
        except TimeoutError as exc:
            raise VenueUnavailableError(
                f"{self.venue.name} did not open the {kind.name} stream within {self.timeouts.connect_s:g} s",
                venue=self.venue.name,
            ) from exc
        if self.tap is None or kind.transport == "poll":  # what is polled is heard as answers
            return transport
        return self.tap.tap(transport, self.address(request.endpoint) + request.target)

    def _refusal(self, response: Response, dial: Request) -> BrokerwireError:
        error = self.venue.error_from(response)
        mask_error(error, self.redact)
        if isinstance(error, RateLimitError) and error.retry_after_s:
            self._limits.hold(dial.bucket, error.retry_after_s)
        return error

    async def _open_wire(self, kind: StreamKind, request: Request, dial: Request) -> FrameTransport:
        url = self.address(request.endpoint) + request.target
        if kind.transport == "websocket":
            return await open_websocket(
                self._http,
                url,
                headers=request.headers,
                ping_s=kind.ping_s,
                max_message_bytes=kind.max_message_bytes,
                close_s=self.timeouts.close_s / 2,
            )
        if kind.transport == "http_lines":
            return await open_http_lines(
                self._http,
                url,
                headers=request.headers,
                max_message_bytes=kind.max_message_bytes,
                connect_s=self.timeouts.connect_s,
            )
        first = await self._poll(dial)
        return PollTransport(first, fetch=lambda: self._poll(dial), interval_s=kind.poll_interval_s, clock=self.clock)

    async def _poll(self, dial: Request) -> Response:
        answer = await self.exchange(dial)
        if not answer.is_success:
            error = self.venue.error_from(answer)
            mask_error(error, self.redact)
            raise error
        return answer

    def to(self, venue: Venue) -> "VenueLink":
        """Return a link to another venue over the same sockets, without credentials."""
        return VenueLink(
            venue,
            http=self._http,
            endpoints=venue.endpoints.live,
            credentials=Credentials({}),
            clock=self.clock,
            timeouts=self.timeouts,
            tap=self.tap,
            redact=self.redact,
        )
