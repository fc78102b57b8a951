"""What a venue must provide: pure descriptions, pure functions and a sans-I/O session, and no I/O."""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from brokerwire.config import Credentials, Environment, Secret
from brokerwire.errors import BrokerwireError
from brokerwire.events import Event, Gap, Order, Topic
from brokerwire.typedefs import JSON, Frame

T = TypeVar("T")
Transport: TypeAlias = Literal["websocket", "http_lines", "poll"]
Source: TypeAlias = Literal["stream", "derived", "request"]
Authorization: TypeAlias = Literal["none", "token", "signature"]


class Request(Struct, frozen=True, kw_only=True):
    """One HTTP request, or the opening of one stream, without its host.

    ``endpoint`` names the base address (``rest``, ``auth``, ``stream``), ``path`` is already escaped,
    ``query`` keeps its order. ``bucket`` and ``weight`` say which rate budget it spends and how much.
    Only a request that ``is_repeatable`` is ever sent twice.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"] = "GET"
    endpoint: str = "rest"
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    authorization: Authorization = "none"
    bucket: str = ""
    weight: float = 1
    is_repeatable: bool = True

    @property
    def target(self) -> str:
        """Path and query as they go on the wire, percent-encoded, the query in its order."""
        return f"{self.path}?{encode_query(self.query)}" if self.query else self.path

    def json(self) -> JSON:
        """Return the parsed body."""
        return None if self.body is None else msgspec.json.decode(self.body)

    def __repr__(self) -> str:
        return f"Request({self.method} {self.endpoint} {self.path})"  # the rest may hold a key, a token or a signature


def encode_query(query: Sequence[tuple[str, str]]) -> str:
    """Percent-encode a query in its order; spaces become ``%20``."""
    return urlencode(query, quote_via=quote)


class Response(Struct, frozen=True):
    """The answer to a request; header names are lower case."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""
    received_ns: int = 0

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def json(self) -> JSON:
        """Return the parsed body, or None if it is not JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes)"  # it may hold a token


Operation: TypeAlias = Generator[Request, Response, T]
"""A call as a pure conversation: yields requests, is sent responses, returns the result or raises our errors."""


class RateBudget(Struct, frozen=True):
    """At most ``amount`` (requests, or weight) in any ``window_s`` seconds."""

    amount: float
    window_s: float


class StreamKind(Struct, frozen=True, kw_only=True):
    """How one kind of stream of a venue behaves; the figures come from the venue's ``spec``.

    Attributes:
        name: Unique within the venue; streams of one kind may share connections.
        transport: What carries it. ``poll`` repeats a request every ``poll_interval_s``; its answers are the frames.
        max_topics: Topics a connection can carry.
        is_fixed: The topics are part of the address: to change them is to dial again.
        max_streams: The venue's cap on concurrent connections of ``bucket``, None if it states none.
        bucket: Which cap and which dial budget it counts against.
        silence_s: No frame of any sort for this long means that the connection is dead.
        ping_s: We ping this often, where the venue's own heartbeat is missing or too slow.
        hold_s: A consumer may hold back the reading this long: half of what the venue waits for an answer to a ping.
        lifetime_s: The venue ends a connection at this age; it is handed over before.
        max_message_bytes: A larger frame (decompressed) is a protocol error.
        sends_per_s: How many frames a second the venue takes from us on one connection.
        linger_s: A connection that carried a call which is answered on it waits this long for the next one.
        recalls: How many of a topic's newest events a further connection is told of: more than one where only their
            sequence shows what is new.
    """

    name: str
    transport: Transport
    max_topics: int = 1
    is_fixed: bool = False
    max_streams: int | None = None
    bucket: str = ""
    silence_s: float = 15.0
    ping_s: float | None = None
    hold_s: float = 30.0
    lifetime_s: float | None = None
    max_message_bytes: int = 8 * 2**20
    sends_per_s: float = 5.0
    poll_interval_s: float = 5.0
    linger_s: float = 0.0
    recalls: int = 1


class Access(Struct, frozen=True, kw_only=True):
    """What a request may be authorised with: the credentials, the current token, the time."""

    credentials: Credentials
    token: Secret | None
    time_ns: int


class Accepted(Struct, frozen=True):
    """The venue took the subscription of these topics, or took them again after ``Interrupted``."""

    topics: Sequence[Topic]


class Ready(Struct, frozen=True):
    """The first event, the whole snapshot or a synchronised book of the topic is there."""

    topic: Topic


class Refused(Struct, frozen=True):
    """The venue will not serve the topic; only that topic ends."""

    topic: Topic
    error: BrokerwireError


class Interrupted(Struct, frozen=True):
    """Data of the topic is not in step for now; the session is already getting it back (``Accepted`` follows)."""

    topic: Topic
    reason: str


class GapFound(Struct, frozen=True):
    """Events of the topic between the two times were missed; ``filled`` if all of them have been fetched.

    A start of None is when the last delivered event came, an end of None is now.
    """

    topic: Topic
    start_ns: int | None
    end_ns: int | None
    reason: str
    filled: bool = False


class Fetch(Struct, frozen=True):
    """The session needs the result of a request; the shell answers with ``receive_response(key, ...)``."""

    key: Any
    request: Request


class HandOver(Struct, frozen=True):
    """The venue is about to end this connection; open another one now."""

    reason: str


class Failed(Struct, frozen=True):
    """The connection is of no use any more; its error says whether to try again."""

    error: BrokerwireError


class Remark(Struct, frozen=True):
    """Something the user should know; ``topic`` None concerns all of the connection."""

    text: str
    topic: Topic | None = None


class Identify(Struct, frozen=True):
    """The session says in the stream who it is; the shell answers with ``receive_access``, with a good token."""


Signal: TypeAlias = Accepted | Ready | Refused | Interrupted | GapFound | Fetch | HandOver | Failed | Remark | Identify


class Session(Protocol):
    """The protocol state of one connection: inputs are frames, topics and the time; it never awaits.

    After every input the shell looks at ``has_output``; when it is set, it takes the signals, the frames
    to send and the deadline, then delivers the events that the input returned.
    Events may be held back while those before them are fetched, but none that arrived is ever lost.
    """

    has_output: bool
    deadline: float | None
    unknown_messages: int
    """How many well-formed messages were of a kind that is not known, and passed over."""

    def handle_open(self, now: float) -> None:
        """Take note that the connection stands."""
        ...

    def recall(self, topic: Topic, newest: Sequence[Event]) -> bool:
        """Hear, before ``subscribe``, what earlier connections delivered last of a topic, oldest first.

        Tells whether the session will bring what came after it, as far as the venue lets it, and say with ``GapFound``
        how that ended. Where it will not, or makes no use of it, the hole is told when the topic is accepted.
        """
        ...

    def subscribe(self, topics: Sequence[Topic], now: float) -> None:
        """Want these topics from now on; never called twice for one topic in between."""
        ...

    def unsubscribe(self, topics: Sequence[Topic], now: float) -> None:
        """No longer want these topics; their late frames yield no events."""
        ...

    def resubscribe(self, topic: Topic, now: float) -> None:
        """Unsubscribe and subscribe a topic that has gone silent."""
        ...

    def receive(self, frame: Frame, now: float, received_ns: int) -> Sequence[Event]:
        """Take one frame and return its events.

        Raises:
            ProtocolError: The frame breaks the protocol; the connection may go on.
        """
        ...

    def receive_response(self, key: Any, response: Response, now: float) -> Sequence[Event]:
        """Take the answer to a ``Fetch``."""
        ...

    def handle_timeout(self, now: float) -> Sequence[Event]:
        """Take note that ``deadline`` has passed; returns what is not to be held back any longer."""
        ...

    def handle_close(self, now: float) -> Sequence[Event]:
        """Take note that the connection is gone; returns what was still held back."""
        ...

    def take_signals(self) -> list[Signal]:
        """Return what happened since the last call."""
        ...

    def frames_to_send(self) -> list[Frame]:
        """Return what to send since the last call."""
        ...


class IdentifiedSession(Session, Protocol):
    """A session that says in the stream who it is: one that emits ``Identify``."""

    def receive_access(self, access: Access, now: float) -> None:
        """Take the credentials and the token to speak with from now on."""
        ...


class Listen(Struct, frozen=True):
    """A conversation wants to hear these topics, each to its end (``Ready``).

    The shell adds ``;#`` and a number to each variant, so that no two conversations share a topic.
    """

    topics: Sequence[Topic]


class Heard(Struct, frozen=True):
    """What came of the topics of a ``Listen``: their events in order, and the gaps that were told."""

    events: Sequence[Event]
    gaps: Sequence[Gap] = ()


Conversation: TypeAlias = Generator[Listen, Heard, T]
"""A call that is answered on a stream: yields what to listen to, is sent what was heard, returns the result."""


class TokenGrant(Struct, frozen=True):
    """What a token endpoint answers: the access token, its life in seconds, a rotated refresh token or None."""

    access_token: Secret
    expires_in_s: float
    refresh_token: Secret | None = None
    scope: str = ""


class TokenSpec(Struct, frozen=True, kw_only=True):
    """How a venue issues and renews tokens, and logs a human in (authorization code with PKCE).

    ``renewed_with`` names the credentials that renew it, the first one that is there counts; where a venue requires
    none of its credentials and none of these is there, there is no token. ``is_kept`` says that what renews it may be
    kept in the user's token file.
    """

    build_refresh: Callable[[Credentials, Secret], Request]
    build_exchange: Callable[..., Request]
    build_authorize: Callable[..., Request]
    parse_grant: Callable[[Response], TokenGrant]
    redirect_ports: Sequence[int] = (31022, 3000)
    renewed_with: Sequence[str] = ("refresh_token",)
    is_kept: bool = True


class Endpoints(Struct, frozen=True):
    """Base addresses by key for each environment; ``scheme://host[:port]``.

    ``stands_in`` names for a key the one whose address it takes where others are given than the venue's own.
    """

    live: Mapping[str, str]
    paper: Mapping[str, str]
    stands_in: Mapping[str, str] = {}

    def of(self, environment: Environment) -> Mapping[str, str]:
        """Return the addresses of an environment; ``offline`` has none of its own."""
        return {"live": self.live, "paper": self.paper}.get(environment, {})


class OrderRules(Struct, frozen=True):
    """How two states of an order compare at a venue.

    Attributes:
        advances: ``(old, new) -> bool``: whether ``new`` is news; of two states that differ in terms only, each is.
        names_executions: Whether the venue tells executions, each with an id; else they follow from how far its
            orders are executed.
        opened_ns: ``(order) -> int``: when the venue took the order, UTC nanoseconds, None where it does not say.
    """

    advances: Callable[[Order, Order], bool]
    names_executions: bool = True
    opened_ns: Callable[[Order], int | None] = lambda order: order.time_ns


class Venue(Struct, frozen=True, kw_only=True):
    """One venue: facts and pure functions.

    Attributes:
        name: Its name in our API.
        capabilities: Channel or operation name → how it is served. Names are those of the service methods without
            ``stream_`` (``quotes``, ``bars``, ``market_depth``, ``order_updates``...) for streams, and the whole
            name (``get_bars``, ``place_order``) for requests.
        endpoints: Base addresses by environment.
        credentials: Credential name → environment variable.
        required: Credential names without which nothing works (checked before the first use).
        settings: Venue option → default; an unknown option is refused.
        budgets: Rate budgets by bucket name.
        intervals: Our interval names that bars exist in.
        tokens: How tokens are renewed, None where keys are enough.
        build_topic: ``(channel, symbol, variant, settings) -> Topic`` in the venue's own spelling;
            raises InvalidSymbolError or ConfigurationError.
        kind_of: The kind of stream that carries a topic.
        build_dial: ``(kind, topics) -> Request``: what to open.
        reach_back: ``(topic, last event, now in UTC nanoseconds) -> Topic`` to put into the address of a further
            connection, so that its history reaches back to that event; None where addresses carry no history.
        new_session: ``(kind, settings) -> Session``.
        authorize: ``(request, access) -> Request`` with headers or signature added.
        error_from: ``(response) -> error`` for an answer that is not a success, for requests and dials alike.
        close_error: ``(close_code, reason) -> error``; its ``action`` says what to do.
        operations: Request method name → function returning an ``Operation``.
        conversations: Request method name → function returning a ``Conversation``, for what is asked on a stream.
        check_symbols: Asked before subscribing where the venue takes unknown symbols and stays silent: returns the
            symbols, or raises InvalidSymbolError.
        streamed_accounts: The accounts whose orders, positions and balances can be streamed.
        orders: How its orders are compared; None where any difference is news and executions come by name.
    """

    name: str
    capabilities: Mapping[str, Source]
    endpoints: Endpoints
    credentials: Mapping[str, str]
    required: frozenset[str] = frozenset()
    settings: Mapping[str, Any] = {}
    budgets: Mapping[str, RateBudget] = {}
    intervals: frozenset[str] = frozenset()
    tokens: TokenSpec | None = None
    build_topic: Callable[[str, str, str, Mapping[str, Any]], Topic]
    kind_of: Callable[[Topic], StreamKind]
    build_dial: Callable[[StreamKind, Sequence[Topic]], Request]
    new_session: Callable[[StreamKind, Mapping[str, Any]], Session]
    authorize: Callable[[Request, Access], Request]
    error_from: Callable[[Response], BrokerwireError]
    close_error: Callable[[int, str], BrokerwireError]
    operations: Mapping[str, Callable[..., Operation[Any]]]
    conversations: Mapping[str, Callable[..., Conversation[Any]]] = {}
    check_symbols: Callable[[Sequence[str]], Operation[list[str]]] | None = None
    streamed_accounts: Callable[[], Operation[list[str]]] | None = None
    reach_back: Callable[[Topic, Event, int], Topic] | None = None
    orders: OrderRules | None = None
