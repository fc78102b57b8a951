"""What a venue's sessions and operations really hear: written down while a client uses its simulator."""

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import msgspec

from brokerwire import BrokerwireError, Client
from brokerwire.simulator import Simulator
from brokerwire.testing.virtual_time import VirtualClock, VirtualTimeLoop
from brokerwire.venue import Operation, Response, Session, StreamKind, Venue
from brokerwire.venues import load_venue, venue_names

SYMBOLS = ("AAPL", "BTCUSDT", "NASDAQ:AAPL", "BTC/USD", "BTC-USD")
"""The first that a venue knows is asked for."""

INPUTS = frozenset(
    {
        *("handle_open", "recall", "subscribe", "unsubscribe", "resubscribe", "receive", "receive_response"),
        *("handle_timeout", "handle_close"),
    }
)
LISTEN_S = 20.0
MOST_STEPS = 200

Step = tuple[str, tuple[Any, ...]]


class Transcript(msgspec.Struct):
    """Everything that one session was told, in order."""

    kind: StreamKind
    settings: dict[str, Any]
    steps: list[Step]

    @property
    def frames(self) -> list[bytes]:
        """The frames that it heard."""
        return [bytes(args[0]) for name, args in self.steps if name == "receive"]


class Conversation(msgspec.Struct):
    """One call of an operation and the answers that it was given."""

    name: str
    start: Callable[[], Operation[Any]]
    answers: list[Response]


class Corpus(msgspec.Struct):
    """What was heard of one venue, and how often something was asked that it refused."""

    venue: Venue
    transcripts: list[Transcript]
    conversations: list[Conversation]
    refused: dict[str, str]

    @property
    def frames(self) -> list[bytes]:
        """Every frame of every session."""
        return [frame for transcript in self.transcripts for frame in transcript.frames]

    @property
    def bodies(self) -> list[bytes]:
        """The body of every answer."""
        return [answer.body for conversation in self.conversations for answer in conversation.answers]


class Overheard:
    """A session whose inputs are written down."""

    def __init__(self, session: Session, transcript: Transcript) -> None:
        self._session = session
        self._steps = transcript.steps

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._session, name)
        return partial(self._note, name, found) if name in INPUTS else found

    def _note(self, name: str, method: Callable[..., Any], *args: Any) -> Any:
        if len(self._steps) < MOST_STEPS:
            self._steps.append((name, args))
        return method(*args)


def overhear(corpus: Corpus) -> Venue:
    """Return the venue with its sessions and operations written down."""
    venue = corpus.venue

    def new_session(kind: StreamKind, settings: Any) -> Any:
        transcript = Transcript(kind, dict(settings), [])
        corpus.transcripts.append(transcript)
        return Overheard(venue.new_session(kind, settings), transcript)

    def noted(name: str, operation: Callable[..., Operation[Any]], *args: Any, **kwargs: Any) -> Operation[Any]:
        conversation = Conversation(name, partial(operation, *args, **kwargs), [])
        corpus.conversations.append(conversation)
        return _pass_on(operation(*args, **kwargs), conversation)

    named = {"check_symbols": venue.check_symbols, "streamed_accounts": venue.streamed_accounts}
    return msgspec.structs.replace(
        venue,
        new_session=new_session,
        operations={name: partial(noted, name, found) for name, found in venue.operations.items()},
        **{name: partial(noted, name, found) for name, found in named.items() if found is not None},
    )


def _pass_on(operation: Operation[Any], conversation: Conversation) -> Operation[Any]:
    try:
        request = next(operation)
        while True:
            try:
                answer = yield request
            except BrokerwireError as exc:
                request = operation.throw(exc)
            else:
                conversation.answers.append(answer)
                request = operation.send(answer)
    except StopIteration as stop:
        return stop.value


def streams_of(symbol: str) -> dict[str, tuple[Any, ...]]:
    """Return what each ``stream_`` method is called with."""
    return {
        **dict.fromkeys(("quotes", "trades", "time_and_sales", "market_depth", "statuses", "news"), (symbol,)),
        "bars": (symbol, "1m"),
        "option_chain": (symbol,),
        "option_quotes": (f"{symbol} 261218C250",),
        "studies": (symbol, "1m", "RSI"),
        **dict.fromkeys(("order_updates", "position_changes", "balance_changes"), ()),
    }


def requests_of(symbol: str) -> dict[str, Callable[[Any], Any]]:
    """Return how each method that is not one of a stream is called."""
    since = dt.date(2026, 11, 1)
    order = {"symbol": symbol, "side": "buy", "quantity": 1, "type": "limit", "limit_price": "1.5"}
    legs = [f"{symbol} 261218C250", f"{symbol} 261218C260*-1"]
    plain = ("get_quotes", "get_snapshots", "get_market_depth", "get_symbol_details", "validate_symbols")
    dated = ("get_historical_orders", "get_activities")
    ready: dict[str, Callable[[Any], Any]] = {
        **{name: (lambda method: method(symbol)) for name in (*plain, "get_quote_history")},
        **{name: (lambda method: method(symbol)) for name in ("get_option_expirations", "get_option_strikes")},
        **{name: (lambda method: method(since=since)) for name in dated},
        **{name: (lambda method: method(symbol, limit=3)) for name in ("get_bars", "get_trades")},
        "get_study": lambda method: method(symbol, "1m", "RSI"),
        "search_symbols": lambda method: method(symbol[:3]),
        "search_studies": lambda method: method("RSI"),
        "get_study_details": lambda method: method("STD;RSI"),
        "get_option_risk_reward": lambda method: method(spread_price="1.5", legs=legs),
        **{name: (lambda method: method(**order)) for name in ("place_order", "confirm_order")},
        **{
            name: (lambda method: method("oco", [order, order]))
            for name in ("place_group_order", "confirm_group_order")
        },
        "cancel_order": lambda method: method("4711"),
        "replace_order": lambda method: method("4711", quantity=2),
    }
    return ready


@cache
def corpus_of(name: str) -> Corpus:
    """Return what is heard of a venue, in virtual time."""
    corpus = Corpus(load_venue(name), [], [], {})
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(_listen(corpus))
    return corpus


async def _listen(corpus: Corpus) -> None:
    clock = VirtualClock()
    async with Simulator(corpus.venue.name, seed=7, clock=clock) as simulator:
        endpoints, credentials = simulator.endpoints, simulator.credentials
        async with Client(
            corpus.venue.name,
            endpoints=endpoints,
            credentials=credentials,
            clock=clock,
            max_concurrent_streams=60,
            subscribe_timeout=5,
        ) as client:
            client.streams.link.venue = overhear(corpus)
            symbol = await _known(client)
            await _use(client, corpus, symbol)
            await asyncio.sleep(LISTEN_S)
            simulator.connections.drop()
            await asyncio.sleep(LISTEN_S)


async def _known(client: Client) -> str:
    for symbol in SYMBOLS:
        try:
            await client.market_data.stream_quotes(symbol, id)
        except BrokerwireError:
            continue
        return symbol
    raise AssertionError(f"{client.venue} knows none of {SYMBOLS}")


async def _use(client: Client, corpus: Corpus, symbol: str) -> None:
    """Open every stream and make every request that the venue has."""
    streams, requests = streams_of(symbol), requests_of(symbol)
    for capability in corpus.venue.capabilities:
        is_stream = _method(client, f"stream_{capability}") is not None
        method = _method(client, f"stream_{capability}" if is_stream else capability)
        try:
            if is_stream:
                await method(*streams[capability], callback=id)
            else:
                await requests.get(capability, lambda call: call())(method)
        except BrokerwireError as exc:
            corpus.refused[capability] = f"{type(exc).__name__}: {exc}"


def _method(client: Client, name: str) -> Any:
    services: Sequence[Any] = (client.market_data, client.order_execution, client.brokerage)
    return next((found for service in services if (found := getattr(service, name, None)) is not None), None)


def venues() -> list[str]:
    """Return the venues that can be listened to."""
    from brokerwire.simulator.server import known_venues

    return [name for name in venue_names() if name in known_venues()]
