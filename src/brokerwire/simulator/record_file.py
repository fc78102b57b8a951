"""The file format of our own recordings, and its reader: compressed blocks of JSON lines, each with its checksum."""

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from brokerwire.simulator.recorded import Answered, Connected, Received, Record, Sent

MAGIC = b"BWR1"
HEAD = struct.Struct("<4sIII")
"""Before each block: the magic, the compressed size, the size as read, and the CRC-32 of both sizes and the bytes."""

MAX_BLOCK_BYTES = 512 * 2**20
_SIZES = struct.Struct("<II")


class FileHeader(msgspec.Struct, frozen=True):
    """What the first line of a file says: who recorded what, and which ``filters`` ran before anything was written."""

    run: str
    number: int
    venue: str
    environment: str
    recorder: str
    filters: tuple[str, ...]
    format: int = 1


class RecordLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a block: what came at one moment; payloads are ``texts``, or ``data`` where one is no UTF-8."""

    kind: Literal["header", "opened", "received", "sent", "ended", "answered", "lost"]
    time_ns: int = 0
    connection: int = 0
    url: str = ""
    texts: tuple[str, ...] = ()
    data: tuple[bytes, ...] = ()
    method: str = ""
    status: int = 0
    batches: int = 0
    header: FileHeader | None = None

    @property
    def payloads(self) -> tuple[bytes, ...]:
        """The payloads, byte for byte."""
        return self.data or tuple(text.encode() for text in self.texts)


class RecordFile(msgspec.Struct, frozen=True):
    """What could be read of one file; ``damaged_bytes`` belong to no whole block, as after a sudden end."""

    name: str
    header: FileHeader | None
    lines: tuple[RecordLine, ...]
    damaged_bytes: int


def checksum(packed: bytes, raw_size: int) -> int:
    """Return the checksum of a block."""
    return zlib.crc32(packed, zlib.crc32(_SIZES.pack(len(packed), raw_size)))


def split_blocks(data: bytes) -> tuple[list[tuple[bytes, int]], int]:
    """Return every whole block, compressed, with its size as read, and how many bytes belong to none."""
    blocks: list[tuple[bytes, int]] = []
    position, whole = 0, 0
    while (position := data.find(MAGIC, position)) >= 0:
        block = _block_at(data, position)
        if block is None:
            position += 1
            continue
        blocks.append(block)
        position += HEAD.size + len(block[0])
        whole += HEAD.size + len(block[0])
    return blocks, len(data) - whole


def _block_at(data: bytes, position: int) -> tuple[bytes, int] | None:
    if len(data) - position < HEAD.size:
        return None
    _, packed_size, raw_size, expected = HEAD.unpack_from(data, position)
    start = position + HEAD.size
    if raw_size > MAX_BLOCK_BYTES or packed_size > len(data) - start:
        return None
    packed = data[start : start + packed_size]
    return (packed, raw_size) if checksum(packed, raw_size) == expected else None


def read_record_file(path: Path) -> RecordFile:
    """Read one file up to its last whole block.

    Raises:
        ValueError: The file is none of ours, or the extra ``recording`` is not installed.
    """
    try:
        import zstandard
    except ModuleNotFoundError as exc:
        raise ValueError(f"{path.name}: reading it needs pip install 'brokerwire[recording]'") from exc
    blocks, damaged = split_blocks(path.read_bytes())
    unpack = zstandard.ZstdDecompressor().decompress
    decode = msgspec.json.Decoder(RecordLine).decode
    try:
        lines = [
            decode(line)
            for packed, raw_size in blocks
            for line in unpack(packed, max_output_size=raw_size).splitlines()
        ]
    except (msgspec.MsgspecError, zstandard.ZstdError) as exc:
        raise ValueError(f"{path.name} is not a recording: {exc}") from exc
    return RecordFile(path.name, lines[0].header if lines else None, tuple(lines), damaged)


def by_connection(files: Iterable[RecordFile]) -> list[list[Record]]:
    """Return the records of each connection, over all the files of its run, and behind them the answers.

    Answers are those to reads that succeeded: there is no telling what else a repeated request should be given.
    """
    found: dict[tuple[str, int], list[Record]] = {}
    answers: list[Record] = []
    for file in sorted(files, key=lambda each: each.name):
        run = file.header.run if file.header is not None else file.name
        urls: dict[int, str] = {}
        for line in file.lines:
            if line.kind == "opened":
                urls[line.connection] = line.url
            if line.kind == "answered" and line.method == "GET" and 200 <= line.status < 300:
                answers += [Answered(line.url, line.time_ns, payload) for payload in line.payloads]
            elif records := _records_of(line, urls.get(line.connection, "")):
                found.setdefault((run, line.connection), []).extend(records)
    return [*found.values(), answers]


def _records_of(line: RecordLine, url: str) -> list[Record]:
    if line.kind == "opened":
        return [Connected(url, line.time_ns)]
    if line.kind == "received":
        return [Received(line.time_ns, payload) for payload in line.payloads]
    if line.kind == "sent":
        return [Sent(url, line.time_ns, payload) for payload in line.payloads]
    return []
