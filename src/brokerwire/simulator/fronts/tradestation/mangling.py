"""Damage to the frames of one stream: what the faults make of each line before it is written."""

from typing import Any

from brokerwire.simulator.faults import Fault, Faults
from brokerwire.simulator.fronts.tradestation.answers import encode

_HUGE_BYTES = 20 * 1024 * 1024
_DEPTH = 100_000


class Mangler:
    """Turns each data frame of one connection into the lines that are really sent."""

    def __init__(self, faults: Faults, channel: str) -> None:
        self._faults = faults
        self._channel = channel
        self._held: bytes | None = None
        self.seen = 0

    def _take(self, script: str) -> Fault | None:
        return self._faults.take(script, channel=self._channel, seen=self.seen)

    def lines(self, line: bytes) -> list[bytes]:
        """Return what becomes of one line (without its end): nothing, itself, or several lines."""
        self.seen += 1
        if not self._faults:
            return self._with_held([line])
        found: list[bytes] = []
        if self._take("unknown_message") is not None:
            found.append(encode({"MessageKind": "Mystery", "Payload": {"Number": self.seen}}))
        if (fault := self._take("huge_frame")) is not None:
            found.append(encode({"Symbol": "X", "Padding": "x" * int(fault.number(_HUGE_BYTES))}))
        if self._take("deep_nesting") is not None:
            found.append(b'{"Symbol":' + b"[" * _DEPTH + b"]" * _DEPTH + b"}")
        if self._take("gap") is not None:
            return found
        if self._take("bad_json") is not None:
            return [*found, self._damaged(line)]
        found.append(line)
        if self._take("duplicate") is not None:
            found.append(line)
        if self._held is None and self._take("reorder") is not None:
            self._held = found.pop()
            return found
        return self._with_held(found)

    def _with_held(self, found: list[bytes]) -> list[bytes]:
        if self._held is not None:
            found = [*found, self._held]
            self._held = None
        return found

    def _damaged(self, line: bytes) -> bytes:
        cut = max(1, int(len(line) * self._faults.draw()))
        kinds: tuple[bytes, ...] = (
            line[:cut],
            line[:cut] + b"\xff\xc3" + line[cut:],
            line[:-1] + b',"Last":NaN}',
            b"\xef\xbb\xbf" + line,
            b"<html>" + line,
            line.replace(b'":"', b'":', 1),
        )
        return kinds[int(self._faults.draw() * len(kinds))]


def heartbeat(number: int, moment: str) -> dict[str, Any]:
    """Return a heartbeat frame; ``number`` counts them on this connection."""
    return {"Heartbeat": number, "Timestamp": moment}
