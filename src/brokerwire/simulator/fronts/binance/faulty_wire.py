"""What happens to a connection's frames on the way to the wire: usually nothing, else the faults that are on."""

from collections.abc import Callable

import msgspec

from brokerwire.simulator.faults import Fault, Faults
from brokerwire.simulator.fronts.binance import framing
from brokerwire.simulator.fronts.binance.connection import GOING_AWAY, Connection

_HUGE_BYTES = 20_000_000
_NESTING = 100_000
_LATE_S = 2.0
_GOAWAY_S = 2.0
_BYTE_INTERVAL_S = 1.0


class FaultyWire:
    """Puts frames on a connection as the faults say.

    A fault with ``times`` or ``probability`` strikes as these say. Without them ``gap``, ``bad_json``, ``huge_frame``,
    ``deep_nesting`` and the ones that end a connection strike each connection once; the others last while they are on.
    The option ``stream`` limits a fault to one stream by its whole name, as ``channel`` does by a part of it.
    ``mute`` understands ``heals="resubscribe"`` (a stream subscribed again is heard again) and ``heals="reconnect"``
    (connections made after the fault began are heard).
    """

    def __init__(self, faults: Faults, connection: Connection, *, shutdown: Callable[[], bytes]) -> None:
        self._faults = faults
        self._connection = connection
        self._shutdown = shutdown
        self._seen = 0
        self._struck: dict[str, Fault] = {}
        self._held: dict[str, bytes] = {}
        self._known: set[str] = set()
        self._healed: dict[str, Fault | None] = {}
        self._mute_at_start = faults.active("mute")

    def offer(self, stream: str, wire: bytes) -> None:
        """Send one data frame of a stream."""
        if not self._faults and not self._held:
            self._connection.put(wire)
            return
        self._apply_slowness()
        self._seen += 1
        if self._is_muted(stream) or self._ends_within(stream, wire) or self._once("gap", stream):
            return
        self._mix_in(stream)
        self._put(stream, self._damaged(stream, wire))

    def _put(self, stream: str, wire: bytes) -> None:
        held = self._held.pop(stream, None)
        if held is None and self._take("reorder", stream):
            self._held[stream] = wire
            return
        self._connection.put(wire)
        if self._take("duplicate", stream):
            self._connection.put(wire)
        if held is not None:
            self._connection.put(held)

    def reply(self, payload: bytes) -> None:
        """Send the reply to a control message or request."""
        self._apply_slowness()
        late = self._faults.take("late_ack", seen=self._seen)
        if late is None:
            self._connection.put_text(payload)
        else:
            self._connection.call_later(late.number(_LATE_S), self._connection.put_text, payload)

    def resubscribed(self, stream: str) -> None:
        """A stream was subscribed; under some faults subscribing it once more makes it heard again."""
        if stream in self._known:
            self._healed[stream] = self._faults.active("mute")
        self._known.add(stream)

    def unsubscribed(self, stream: str) -> None:
        """A stream is not wanted any more."""
        self._held.pop(stream, None)

    def poll(self) -> None:
        """Look for faults that need no frame to strike."""
        self._apply_slowness()
        if self._faults:
            self._ends_by_itself("")

    def _apply_slowness(self) -> None:
        slow = self._faults.active("slow_loris")
        self._connection.trickle(0.0 if slow is None else slow.number(_BYTE_INTERVAL_S))

    def _is_muted(self, stream: str) -> bool:
        fault = self._active("mute", stream)
        if fault is None or self._seen <= fault.after:
            return False
        match fault.options.get("heals"):
            case "resubscribe":
                return self._healed.get(stream) is not fault
            case "reconnect":
                return fault is not self._mute_at_start
            case _:
                return True

    def _ends_within(self, stream: str, wire: bytes) -> bool:
        if self._once("reset_mid_frame", stream):
            self._connection.reset_within(wire)
            return True
        return self._ends_by_itself(stream)

    def _ends_by_itself(self, stream: str) -> bool:
        if self._once("half_open", stream):
            self._connection.fall_silent()
            return True
        if close := self._once("close", stream):
            self._connection.finish(int(close.number(1000)), str(close.options.get("reason", "")))
            return True
        if goaway := self._once("goaway", stream):
            self._connection.put(self._shutdown())
            self._connection.call_later(goaway.number(_GOAWAY_S), self._connection.finish, GOING_AWAY, "")
        return False

    def _mix_in(self, stream: str) -> None:
        if self._take("unknown_message", stream):
            self._connection.put_text(_unknown(stream))
        if huge := self._once("huge_frame", stream):
            self._connection.put_text(_huge(stream, int(huge.number(_HUGE_BYTES))))
        if deep := self._once("deep_nesting", stream):
            depth = int(deep.number(_NESTING))
            self._connection.put_text(b"[" * depth + b"]" * depth)

    def _damaged(self, stream: str, wire: bytes) -> bytes:
        if not self._once("bad_json", stream):
            return wire
        payload = framing.payload_of(wire)
        return framing.text_frame(payload[: max(1, len(payload) * 2 // 3)])

    def _take(self, script: str, stream: str) -> Fault | None:
        if self._active(script, stream) is None:
            return None
        return self._faults.take(script, channel=stream, seen=max(0, self._seen - 1))

    def _active(self, script: str, stream: str) -> Fault | None:
        fault = self._faults.active(script, channel=stream)
        return fault if fault is not None and fault.options.get("stream", stream) == stream else None

    def _once(self, script: str, stream: str) -> Fault | None:
        fault = self._active(script, stream)
        if fault is None:
            return None
        is_bounded = fault.times is not None or fault.probability < 1.0
        if not is_bounded and self._struck.get(script) is fault:
            return None
        struck = self._take(script, stream)
        if struck is not None:
            self._struck[script] = struck
        return struck


def _unknown(stream: str) -> bytes:
    event = {"e": "unheardOf", "E": 0, "s": stream.partition("@")[0].upper()}
    return msgspec.json.encode({"stream": f"{stream.partition('@')[0]}@unheardOf", "data": event})


def _huge(stream: str, size: int) -> bytes:
    head = b'{"stream":"' + stream.encode() + b'","data":{"e":"huge","x":"'
    return head + b"x" * max(0, size - len(head) - 3) + b'"}}'
