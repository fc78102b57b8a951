"""The reader of recorded sessions: lines of a recording become records, a folder becomes a Recording."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

_TIME = rb"(\d+(?:\.\d+)?)"
_CONNECTED = re.compile(rb"(wss?://\S*) <-> " + _TIME)
_SENT = re.compile(rb"(wss?://\S*) <- " + _TIME + rb": (.*)", re.DOTALL)
_ANSWERED = re.compile(rb"(https?://\S*) -> " + _TIME + rb": (.*)", re.DOTALL)
_RECEIVED = re.compile(_TIME + rb": (.*)", re.DOTALL)
SUFFIX = ".bwrec"
"""The name of a file that our recorder wrote ends with this."""

_CONFIGURATION = b"configuration: "
_NUMBERED = re.compile(r".*\.\d+")


class Connected(msgspec.Struct, frozen=True):
    """A connection was made; ``time_ns`` is the recorder's UTC time."""

    url: str
    time_ns: int


class Sent(msgspec.Struct, frozen=True):
    """The recorded client sent ``payload`` on the connection to ``url``."""

    url: str
    time_ns: int
    payload: bytes


class Received(msgspec.Struct, frozen=True):
    """A frame arrived on the connection last made in this file; ``payload`` is byte for byte the venue's."""

    time_ns: int
    payload: bytes


class Answered(msgspec.Struct, frozen=True):
    """A request to ``url`` was answered with ``payload``."""

    url: str
    time_ns: int
    payload: bytes

    @property
    def path(self) -> str:
        """The path of the request, without host and query."""
        return unquote(urlsplit(self.url).path)

    def parameter(self, name: str) -> str | None:
        """Return the first value of a query parameter, or None."""
        values = parse_qs(urlsplit(self.url).query).get(name)
        return values[0] if values else None


class Configured(msgspec.Struct, frozen=True):
    """What the recorded client was configured with."""

    payload: bytes


Record: TypeAlias = Connected | Sent | Received | Answered | Configured


class RecordedFrame(msgspec.Struct, frozen=True):
    """One received frame, with the URL of the connection it came on."""

    url: str
    time_ns: int
    payload: bytes


class Recording(msgspec.Struct, frozen=True):
    """A recorded session: frames of all its files in order of time, REST answers, configurations, connections."""

    frames: tuple[RecordedFrame, ...]
    answers: tuple[Answered, ...]
    sent: tuple[Sent, ...] = ()
    configurations: tuple[bytes, ...] = ()
    connections: tuple[Connected, ...] = ()


class RecordingError(ValueError):
    """A line of a recording is not a record; ``file`` and ``line`` say where."""

    def __init__(self, file: str, line: int, text: bytes) -> None:
        super().__init__(f"{file}:{line} is not a record of a recording: {text[:80]!r}")
        self.file = file
        self.line = line


def parse_line(line: bytes) -> Record | None:
    """Parse one line; None for an empty one.

    Raises:
        ValueError: The line has none of the known forms.
    """
    line = line.rstrip(b"\r\n")
    if not line.strip():
        return None
    if line.startswith(_CONFIGURATION):
        return Configured(line[len(_CONFIGURATION) :])
    record = _parse_received(line) if line[:1].isdigit() else _parse_addressed(line)
    if record is None:
        raise ValueError(f"not a record: {line[:80]!r}")
    return record


def _parse_received(line: bytes) -> Record | None:
    match = _RECEIVED.fullmatch(line)
    return Received(_nanoseconds(match[1]), match[2]) if match else None


def _parse_addressed(line: bytes) -> Record | None:
    if match := _CONNECTED.fullmatch(line):
        return Connected(match[1].decode(), _nanoseconds(match[2]))
    if match := _SENT.fullmatch(line):
        return Sent(match[1].decode(), _nanoseconds(match[2]), match[3])
    if match := _ANSWERED.fullmatch(line):
        return Answered(match[1].decode(), _nanoseconds(match[2]), match[3])
    return None


def _nanoseconds(text: bytes) -> int:
    return int(Decimal(text.decode()) * 1_000_000_000)


def parse_lines(lines: Iterable[bytes], *, file: str = "recording") -> Iterator[Record]:
    """Parse the lines of one file, passing over empty ones.

    Raises:
        RecordingError: A line has none of the known forms.
    """
    for number, line in enumerate(lines, start=1):
        try:
            record = parse_line(line)
        except ValueError as exc:
            raise RecordingError(file, number, line) from exc
        if record is not None:
            yield record


def read_recording(folder: Path) -> Recording:
    """Read every file of a folder that our recorder wrote, every ``*.ws.*`` and ``*.http.*``, and the numbered ones.

    The numbered ones hold REST answers and configuration. What a sudden end left half written is passed over.

    Raises:
        FileNotFoundError: The folder does not exist or holds no recording.
        RecordingError: A line of a file is not a record.
        ValueError: A file of the recorder's kind cannot be read; the text says why.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no such folder of recordings: {folder}")
    files = sorted(path for path in folder.iterdir() if path.is_file())
    texts = [list(_read_file(path)) for path in files if _is_recorded(path.name)]
    blocks = _read_block_files([path for path in files if path.suffix == SUFFIX])
    if not texts and not blocks:
        raise FileNotFoundError(f"no *{SUFFIX}, *.ws.* or *.http.* file in {folder}")
    return assemble([*texts, *blocks])


def _read_block_files(paths: list[Path]) -> list[list[Record]]:
    """Read what our recorder wrote, which needs one package more than the rest of the simulator."""
    from brokerwire.simulator.record_file import by_connection, read_record_file

    return by_connection(map(read_record_file, paths)) if paths else []


def _is_recorded(name: str) -> bool:
    return ".ws." in name or ".http." in name or _NUMBERED.fullmatch(name) is not None


def _read_file(path: Path) -> Iterator[Record]:
    return parse_lines(path.read_bytes().split(b"\n"), file=path.name)


def assemble(files: Iterable[Iterable[Record]]) -> Recording:
    """Merge the records of several files: frames in order of time, those of one moment in order of the files."""
    frames: list[RecordedFrame] = []
    answers: list[Answered] = []
    sent: list[Sent] = []
    configurations: list[bytes] = []
    connections: list[Connected] = []
    for records in files:
        url = ""
        for record in records:
            match record:
                case Connected():
                    url = record.url
                    connections.append(record)
                case Received():
                    frames.append(RecordedFrame(url, record.time_ns, record.payload))
                case Answered():
                    answers.append(record)
                case Sent():
                    sent.append(record)
                case _:
                    configurations.append(record.payload)
    return Recording(
        tuple(sorted(frames, key=lambda frame: frame.time_ns)),
        tuple(sorted(answers, key=lambda answer: answer.time_ns)),
        tuple(sent),
        tuple(configurations),
        tuple(connections),
    )
