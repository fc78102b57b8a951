"""Makes the lines of a block from what was heard, with every secret removed."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from brokerwire.recording.buffer import Entry
from brokerwire.redact import Redactor
from brokerwire.simulator.record_file import RecordLine

FILTERS = ("no headers", "no request bodies", "no logins", "learned secrets", "token-like values")
"""What the header of a file says about the removal of secrets."""


class LineEncoder:
    """Turns entries into JSON lines; looks for secrets in all of them at once, and closer only where there is one."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._encode = msgspec.json.Encoder().encode

    def lines(self, entries: Sequence[Entry]) -> bytes:
        """Return the lines of ``entries``, each with its line end."""
        everything = b"\n".join(part for entry in entries for part in (entry.url.encode(), *entry.payloads))
        is_suspect = self._redactor.may_mask(everything.decode(errors="replace"))
        encoded = [self._encode(line) for entry in entries for line in self._lines_of(entry, is_suspect=is_suspect)]
        return b"\n".join([*encoded, b""])

    def _lines_of(self, entry: Entry, *, is_suspect: bool) -> Iterator[RecordLine]:
        url = self._redactor(entry.url) if is_suspect else entry.url
        for text, data in map(self._clean, entry.payloads) if is_suspect else _texts(entry.payloads):
            yield RecordLine(
                entry.kind,
                entry.time_ns,
                entry.connection,
                url=url,
                text=text,
                data=data,
                method=entry.method,
                status=entry.status,
            )
        if not entry.payloads:
            yield RecordLine(entry.kind, entry.time_ns, entry.connection, url=url, batches=entry.batches)

    def _clean(self, payload: bytes) -> tuple[str | None, bytes | None]:
        try:
            return self._redactor(payload.decode()), None
        except UnicodeDecodeError:  # as one character a byte, which a mask does not disturb
            return None, self._redactor(payload.decode("latin-1")).encode("latin-1")


def _texts(payloads: Iterable[bytes]) -> Iterator[tuple[str | None, bytes | None]]:
    for payload in payloads:
        try:
            yield payload.decode(), None
        except UnicodeDecodeError:
            yield None, payload
