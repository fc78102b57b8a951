"""What is fed with bad input, and what must hold then: library errors only, and a state that can be used further."""

import contextlib
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from tests.fuzz.corpus import Conversation, Corpus, Step, Transcript
from tests.fuzz.mutation import Choices, mutated, pick

from brokerwire import BrokerwireError, ProtocolError
from brokerwire.events import Event
from brokerwire.venue import Response, Session, Venue

MOST_REQUESTS = 12
"""An operation that asks further after so many bad answers is given up."""

AFTERWARDS = 40
"""So many good inputs show whether a bad one has changed anything."""

FRAME_ERRORS = (ProtocolError, RecursionError)
"""What a session may raise; the connection makes a protocol error of the parser's recursion error."""

STATUSES = (200, 200, 200, 200, 201, 204, 400, 401, 403, 404, 418, 426, 429, 500, 503, 0)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"retry-after": "1"},
    {"retry-after": "\u00b2"},
    {"retry-after": "-1", "x-ratelimit-reset": "soon"},
    {"retry-after": "1e400", "x-ratelimit-reset": "nan", "x-mbx-used-weight-1m": ""},
)

Heard = list[tuple[Any, ...]]


class Player:
    """Gives a fresh session the inputs of a transcript and writes down what comes out."""

    def __init__(self, venue: Venue, transcript: Transcript) -> None:
        self.session: Session = venue.new_session(transcript.kind, transcript.settings)
        self.heard: Heard = []
        self.now = 0.0
        self._unknown = 0

    def play(self, steps: Iterable[Step]) -> None:
        """Give good inputs; after a bad one that was taken, even they may break the protocol."""
        for name, args in steps:
            self.now = next((each for each in args if isinstance(each, float)), self.now)
            with contextlib.suppress(*FRAME_ERRORS):
                self._keep(getattr(self.session, name)(*args))

    def spoil(self, method: Callable[..., Sequence[Event]], *args: Any) -> bool:
        """Give a bad input; tells whether it was refused."""
        try:
            events = method(*args)
        except FRAME_ERRORS:
            self._keep(())
            return True
        self._keep(events)
        return False

    def end(self) -> None:
        """Let every deadline pass, and the connection end."""
        for later in (0.5, 10.0, 3600.0):
            self._keep(self.session.handle_timeout(self.now + later))
        self._keep(self.session.handle_close(self.now + 3600.0))

    def _keep(self, found: Any) -> None:
        """Write down what an input gave, as a connection takes it: what the session says, then its events."""
        session = self.session
        while session.has_output:
            self.heard += [(repr(signal),) for signal in session.take_signals()]
            frames = session.frames_to_send()
            assert all(isinstance(frame, bytes | str) for frame in frames)
            self.heard += [(bytes(frame),) for frame in frames]
        assert session.deadline is None or math.isfinite(session.deadline)
        assert session.unknown_messages >= self._unknown
        self._unknown = session.unknown_messages
        for event in found if isinstance(found, list | tuple) else ():
            check_record(event)
            self.heard.append((msgspec.json.encode(event), msgspec.json.encode(event.raw)))


def check_record(record: Any) -> None:
    """A record holds no number that is none, shows itself, and parses its message when it is asked."""
    for name in getattr(record, "__struct_fields__", ()):
        value = getattr(record, name)
        assert not isinstance(value, float) or math.isfinite(value), f"{name} is {value} in {record!r}"
    repr(record)
    if isinstance(record, Event):
        record.get("x")
        record.to_dict()


def spoil_session(choices: Choices, corpus: Corpus) -> None:
    """One bad frame, or a bad answer, somewhere in a session: what follows it is delivered as if it had not come."""
    transcript: Transcript = pick(choices, corpus.transcripts)
    opened = next(at for at, (name, _) in enumerate(transcript.steps) if name == "handle_open")
    at = choices.number(opened + 1, len(transcript.steps))
    player = Player(corpus.venue, transcript)
    player.play(transcript.steps[:at])
    fetches = [args for name, args in transcript.steps[:at] if name == "receive_response"]
    session, received_ns = player.session, 1_795_000_000_000_000_000
    if fetches and choices.number(0, 3) == 0:
        key = pick(choices, fetches)[0]
        player.spoil(session.receive_response, key, bad_answer(choices, corpus), player.now)
        was_refused = False  # an answer stands for what was asked: the session may well act on its loss
    else:
        was_refused = player.spoil(session.receive, mutated(choices, transcript.frames), player.now, received_ns)
    player.play(transcript.steps[at : at + AFTERWARDS])
    player.end()
    if was_refused:
        undisturbed = Player(corpus.venue, transcript)
        undisturbed.play(transcript.steps[: at + AFTERWARDS])
        undisturbed.end()
        assert player.heard == undisturbed.heard, "a refused frame has changed what follows it"


def bad_answer(choices: Choices, corpus: Corpus) -> Response:
    """Return an answer that may be like one of the venue's."""
    body = mutated(choices, corpus.bodies)
    return Response(pick(choices, STATUSES), pick(choices, HEADERS), body, 1_795_000_000_000_000_000)


def spoil_operation(choices: Choices, corpus: Corpus) -> None:
    """One bad answer in a conversation, and bad ones to all that it asks then: a record or a library error."""
    conversation: Conversation = pick(choices, corpus.conversations)
    operation = conversation.start()
    at = choices.number(0, max(0, len(conversation.answers) - 1))
    try:
        next(operation)
        for number in range(MOST_REQUESTS):
            operation.send(conversation.answers[number] if number < at else bad_answer(choices, corpus))
    except StopIteration as stop:
        for record in stop.value if isinstance(stop.value, list | tuple) else (stop.value,):
            check_record(record)
    except BrokerwireError as error:
        str(error)
    finally:
        operation.close()


def spoil_words(choices: Choices, corpus: Corpus) -> None:
    """Refusals, close codes and token answers that say anything: an error of the library, made and not raised."""
    venue = corpus.venue
    answer = bad_answer(choices, corpus)
    assert isinstance(venue.error_from(answer), BrokerwireError)
    reason = choices.data(120).decode("utf-8", "replace")
    assert isinstance(venue.close_error(choices.number(0, 70_000), reason), BrokerwireError)
    if venue.tokens is not None:
        with contextlib.suppress(BrokerwireError):
            venue.tokens.parse_grant(answer)


TARGETS = (spoil_session, spoil_operation, spoil_words)
