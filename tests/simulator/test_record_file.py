"""Blocks are read up to the last whole one, whatever follows or lies between."""

import sys
from pathlib import Path

import msgspec
import pytest
import zstandard

from brokerwire.simulator.record_file import (
    HEAD,
    MAGIC,
    FileHeader,
    RecordLine,
    by_connection,
    checksum,
    read_record_file,
    split_blocks,
)
from brokerwire.simulator.recorded import Answered, Connected, Received, Sent, assemble, read_recording

HEADER = RecordLine("header", header=FileHeader("run", 1, "binance", "live", "brokerwire/0", ("filters",)))


def block(*lines: RecordLine) -> bytes:
    raw = b"\n".join(map(msgspec.json.encode, lines)) + b"\n"
    packed = zstandard.ZstdCompressor().compress(raw)
    return HEAD.pack(MAGIC, len(packed), len(raw), checksum(packed, len(raw))) + packed


def received(number: int, connection: int = 1) -> RecordLine:
    return RecordLine("received", number, connection, texts=(f"{{{number}}}",))


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / f"{name}.bwrec"
    path.write_bytes(data)
    return path


def test_header_and_lines_come_back(tmp_path: Path) -> None:
    file = read_record_file(write(tmp_path, "a", block(HEADER) + block(received(1), received(2))))
    assert file.header == HEADER.header
    assert file.lines == (HEADER, received(1), received(2))
    assert file.damaged_bytes == 0


def test_torn_tail_is_found_wherever_it_is_torn_and_all_blocks_before_it_are_read() -> None:
    whole, last = block(HEADER) + block(received(1)), block(received(2))
    for cut in range(len(last)):
        blocks, damaged = split_blocks(whole + last[:cut])
        assert (len(blocks), damaged) == (2, cut)
    assert split_blocks(whole + last)[1] == 0


def test_damage_between_blocks_costs_one_block() -> None:
    first, second, third = block(received(1)), bytearray(block(received(2))), block(received(3))
    second[len(second) // 2] ^= 1
    blocks, damaged = split_blocks(first + bytes(second) + third)
    assert (len(blocks), damaged) == (2, len(second))


def test_size_that_nobody_would_write_is_damage() -> None:
    packed = b"x"
    head = HEAD.pack(MAGIC, 1, 2**31, checksum(packed, 2**31))
    assert split_blocks(head + packed) == ([], len(head) + 1)


def test_empty_file_has_no_header(tmp_path: Path) -> None:
    file = read_record_file(write(tmp_path, "a", b""))
    assert (file.header, file.lines, file.damaged_bytes) == (None, (), 0)


def test_whole_block_of_something_else_is_refused_with_the_name_of_the_file(tmp_path: Path) -> None:
    packed = zstandard.ZstdCompressor().compress(b"hello\n")
    data = HEAD.pack(MAGIC, len(packed), 6, checksum(packed, 6)) + packed
    with pytest.raises(ValueError, match=r"a\.bwrec is not a recording"):
        read_record_file(write(tmp_path, "a", data))


def test_payloads_are_texts_or_bytes() -> None:
    assert RecordLine("received", texts=("é", "")).payloads == (b"\xc3\xa9", b"")
    assert RecordLine("received", data=(b"\xff",)).payloads == (b"\xff",)
    assert RecordLine("received").payloads == ()


def test_connections_are_told_apart_and_followed_over_the_files_of_their_run(tmp_path: Path) -> None:
    opened = [RecordLine("opened", 0, 1, url="wss://a"), RecordLine("opened", 0, 2, url="wss://b")]
    answered = RecordLine("answered", 4, url="https://c/d?symbol=E", texts=("{}",), method="GET", status=200)
    sent = RecordLine("sent", 3, 2, texts=("hi",))
    end = RecordLine("ended", 9, 1)
    write(tmp_path, "a", block(HEADER) + block(*opened, received(1, 1), received(2, 2), sent, answered))
    write(tmp_path, "b", block(HEADER) + block(opened[0], received(5, 1), end))
    files = [read_record_file(path) for path in sorted(tmp_path.iterdir())]
    first, second, answers = by_connection(files)
    assert first == [
        Connected("wss://a", 0),
        Received(1, b"{1}"),
        Connected("wss://a", 0),
        Received(5, b"{5}"),
    ]
    assert second == [Connected("wss://b", 0), Received(2, b"{2}"), Sent("wss://b", 3, b"hi")]
    assert answers == [Answered("https://c/d?symbol=E", 4, b"{}")]
    recording = read_recording(tmp_path)
    assert recording == assemble([first, second, answers])
    assert [(frame.url, frame.time_ns) for frame in recording.frames] == [
        ("wss://a", 1),
        ("wss://b", 2),
        ("wss://a", 5),
    ]


def test_file_of_another_run_has_connections_of_its_own(tmp_path: Path) -> None:
    other = msgspec.structs.replace(HEADER, header=FileHeader("other", 1, "binance", "live", "x", ()))
    first = block(HEADER) + block(RecordLine("opened", 0, 1, url="wss://a"), received(1))
    second = block(other) + block(RecordLine("opened", 0, 1, url="wss://b"), received(2))
    write(tmp_path, "a", first)
    write(tmp_path, "b", second)
    assert [frame.url for frame in read_recording(tmp_path).frames] == ["wss://a", "wss://b"]


def test_what_is_missing_to_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "a", block(HEADER))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(ValueError, match=r"brokerwire\[recording\]"):
        read_record_file(path)
