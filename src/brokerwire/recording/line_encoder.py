"""Makes the lines of a block from what was heard, with every secret removed."""

from collections.abc import Sequence

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
        """Return a line for each entry, with its line end."""
        texts = [_texts_of(entry) for entry in entries]
        words = (word for entry, found in zip(entries, texts, strict=True) for word in (entry.url, *(found or ())))
        is_suspect = None in texts or self._redactor.may_mask("\n".join(words))
        make = self._clean_line if is_suspect else _line
        encoded = [self._encode(make(entry, found)) for entry, found in zip(entries, texts, strict=True)]
        return b"\n".join([*encoded, b""])

    def _clean_line(self, entry: Entry, texts: tuple[str, ...] | None) -> RecordLine:
        entry = msgspec.structs.replace(
            entry, url=self._redactor(entry.url), payloads=tuple(map(self._clean, entry.payloads))
        )
        return _line(entry, None if texts is None else tuple(payload.decode() for payload in entry.payloads))

    def _clean(self, payload: bytes) -> bytes:
        try:
            return self._redactor(payload.decode()).encode()
        except UnicodeDecodeError:  # as one character a byte, which a mask does not disturb
            return self._redactor(payload.decode("latin-1")).encode("latin-1")


def _texts_of(entry: Entry) -> tuple[str, ...] | None:
    """Return the payloads as text, or None where one of them is none."""
    try:
        return tuple([payload.decode() for payload in entry.payloads])
    except UnicodeDecodeError:
        return None


def _line(entry: Entry, texts: tuple[str, ...] | None) -> RecordLine:
    return RecordLine(
        entry.kind,
        entry.time_ns,
        entry.connection,
        url=entry.url,
        texts=texts or (),
        data=entry.payloads if texts is None else (),
        method=entry.method,
        status=entry.status,
        batches=entry.batches,
    )
