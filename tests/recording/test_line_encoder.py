"""Lines hold payloads byte for byte, but for the secrets in them."""

import msgspec

from brokerwire.recording.buffer import Entry
from brokerwire.recording.line_encoder import LineEncoder
from brokerwire.redact import Redactor
from brokerwire.simulator.record_file import RecordLine

CANARY = "canary-4711/+&x"


def decode(lines: bytes) -> list[RecordLine]:
    return [msgspec.json.decode(line, type=RecordLine) for line in lines.splitlines()]


def encoder() -> LineEncoder:
    redactor = Redactor()
    redactor.learn(CANARY)
    return LineEncoder(redactor)


def test_payloads_of_a_batch_are_one_line_byte_for_byte() -> None:
    texts = (b'{"p": "1.10",\t"x":"\xc3\xa9"}', b"")
    for payloads in (texts, (*texts, b"\xff\x00")):
        (line,) = decode(encoder().lines([Entry("received", 5, 3, payloads)]))
        assert line.payloads == payloads
        assert (line.kind, line.time_ns, line.connection) == ("received", 5, 3)


def test_entry_without_payload_is_one_line() -> None:
    opened, lost = decode(encoder().lines([Entry("opened", 5, 3, url="wss://a/b"), Entry("lost", 6, batches=9)]))
    assert (opened.kind, opened.url) == ("opened", "wss://a/b")
    assert (lost.kind, lost.batches) == ("lost", 9)


def test_answer_keeps_method_and_status() -> None:
    (line,) = decode(encoder().lines([Entry("answered", 5, 0, (b"{}",), "https://a/b?c=1", "GET", 404)]))
    assert (line.url, line.method, line.status, line.payloads) == ("https://a/b?c=1", "GET", 404, (b"{}",))


def test_secrets_are_masked_wherever_they_are() -> None:
    entries = [
        Entry("opened", 1, 1, url="wss://a/ws?access_token=never-learned-1&x=1"),
        Entry("sent", 2, 1, (b'{"params":{"apiKey":"never-learned-2","signature":"never-learned-3"}}',)),
        Entry("received", 3, 1, (f'{{"echo":"{CANARY}"}}'.encode(), b'{"a":"never-masked"}')),
        Entry("received", 4, 1, (b"\xff" + CANARY.encode(),)),
        Entry("answered", 5, 0, (b'{"access_token":"never-learned-4"}',), f"https://a/{CANARY}", "GET", 200),
    ]
    lines = decode(encoder().lines(entries))
    everything = b"\n".join(part for line in lines for part in (line.url.encode(), *line.payloads))
    assert b"never-learned" not in everything
    assert CANARY.encode() not in everything
    assert b"never-masked" in everything
    assert lines[3].payloads == (b"\xff***",)
