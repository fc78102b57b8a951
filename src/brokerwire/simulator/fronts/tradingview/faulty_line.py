"""What happens to a client's packets on the way to the wire: usually nothing, else the faults that are on."""

from typing import Any

from brokerwire.simulator.faults import Fault, Faults
from brokerwire.simulator.fronts.tradingview.framing import Unit, pack, pack_message
from brokerwire.simulator.fronts.tradingview.line import GOING_AWAY, NORMAL, Line

_HUGE_CHARACTERS = 2_000_000
_NESTING = 100_000
_LATE_S = 2.0
_GOAWAY_S = 2.0
_COMPLETIONS = frozenset({"quote_completed", "series_completed", "study_completed"})
_BYTE_INTERVAL_S = 1.0


class FaultyLine:
    """Puts packets on a line as the faults say.

    Topics are ``quote/<EX:SYM>``, ``bars/<EX:SYM>/<resolution>`` and ``study/<EX:SYM>/<study id>``; ``channel`` limits
    a fault to topics that contain it, the option ``stream`` to one topic. A fault with ``times`` or ``probability``
    strikes as these say; without them ``gap``, ``bad_json``, ``huge_frame``, ``deep_nesting`` and those that end a
    connection strike each connection once, and the others last while they are on. ``mute`` understands
    ``heals="reconnect"`` (connections made after it began are heard) and ``heals="resubscribe"`` (topics asked for
    after it began are). ``close`` takes a ``reason``.
    """

    def __init__(self, faults: Faults, line: Line, unit: Unit = "characters") -> None:
        self._unit: Unit = unit
        self._faults = faults
        self._line = line
        self._seen = 0
        self._struck: dict[str, Fault] = {}
        self._held: dict[str, str] = {}
        self._mute_at_start = faults.active("mute")
        self._mute_when_asked: dict[str, Fault | None] = {}

    def asked_for(self, topic: str) -> None:
        """Take note that the client asks for a topic, anew perhaps."""
        self._mute_when_asked[topic] = self._faults.active("mute")

    def offer(self, topic: str, method: str, params: list[Any], stamp_ms: int | None = None) -> None:
        """Send one data packet of a topic."""
        packet = pack_message(method, params, stamp_ms, unit=self._unit)
        if not self._faults and not self._held:
            self._line.put(packet)
            return
        self._apply_moods()
        self._seen += 1
        if self._is_muted(topic) or self._ends_within(topic, packet) or self._once("gap", topic):
            return
        self._mix_in(topic)
        self._put(topic, self._damaged(topic, packet))

    def answer(self, topic: str, method: str, params: list[Any], stamp_ms: int | None = None) -> None:
        """Send one packet that answers a request; ``late_ack`` delays it, data faults leave it alone."""
        packet = pack_message(method, params, stamp_ms, unit=self._unit)
        if not self._faults:
            self._line.put(packet)
            return
        self._apply_moods()
        if self._is_lost(topic, method):
            return
        late = self._faults.take("late_ack", channel=topic, seen=self._seen)
        if late is None and method in _COMPLETIONS:
            late = self._take("late_snapshot", topic)
        if late is None:
            self._line.put(packet)
        else:
            self._line.call_later(late.number(_LATE_S), self._line.put, packet)

    def _is_lost(self, topic: str, method: str) -> bool:
        if method in _COMPLETIONS and self._take("no_snapshot_end", topic):
            return True
        return self._take("drop_answer", topic) is not None

    def poll(self) -> None:
        """Look for faults that need no packet to strike."""
        self._apply_moods()
        if self._faults:
            self._ends_by_itself("")

    def _put(self, topic: str, packet: str) -> None:
        held = self._held.pop(topic, None)
        if held is None and self._take("reorder", topic):
            self._held[topic] = packet
            return
        self._line.put(packet)
        if self._take("duplicate", topic):
            self._line.put(packet)
        if held is not None:
            self._line.put(held)

    def _apply_moods(self) -> None:
        slow = self._faults.active("slow_loris")
        self._line.trickle(0.0 if slow is None else slow.number(_BYTE_INTERVAL_S))
        self._line.hold_heartbeats(held=self._faults.active("no_heartbeat") is not None)
        self._line.pack_heartbeats(behind=self._faults.active("packed_heartbeat") is not None)

    def _is_muted(self, topic: str) -> bool:
        fault = self._active("mute", topic)
        if fault is None or self._seen <= fault.after:
            return False
        if fault.options.get("heals") == "resubscribe" and fault is self._mute_when_asked.get(topic):
            return False
        return fault.options.get("heals") != "reconnect" or fault is not self._mute_at_start

    def _ends_within(self, topic: str, packet: str) -> bool:
        if self._once("reset_mid_frame", topic):
            self._line.reset_within(packet)
            return True
        return self._ends_by_itself(topic)

    def _ends_by_itself(self, topic: str) -> bool:
        if self._once("half_open", topic):
            self._line.fall_silent()
            return True
        if close := self._once("close", topic):
            self._line.finish(int(close.number(1000)), str(close.options.get("reason", "")))
            return True
        if error := self._once("stream_error", topic):
            self._line.put(pack_message("protocol_error", [error.argument or "wrong data"]))
            self._line.finish(NORMAL)
            return True
        if goaway := self._once("goaway", topic):
            self._line.call_later(goaway.number(_GOAWAY_S), self._line.finish, GOING_AWAY)
        return False

    def _mix_in(self, topic: str) -> None:
        if self._take("unknown_message", topic):
            self._line.put(pack_message("unheard_of", ["xs_simulated", {"topic": topic}]))
        if huge := self._once("huge_frame", topic):
            self._line.put_message(_huge(int(huge.number(_HUGE_CHARACTERS))))
        if deep := self._once("deep_nesting", topic):
            depth = int(deep.number(_NESTING))
            self._line.put(pack("[" * depth + "]" * depth))

    def _damaged(self, topic: str, packet: str) -> str:
        if not self._once("bad_json", topic):
            return packet
        payload = packet.split("~m~", 2)[2]
        return pack(payload[: max(1, len(payload) * 2 // 3)])

    def _take(self, script: str, topic: str) -> Fault | None:
        if self._active(script, topic) is None:
            return None
        return self._faults.take(script, channel=topic, seen=max(0, self._seen - 1))

    def _active(self, script: str, topic: str) -> Fault | None:
        fault = self._faults.active(script, channel=topic)
        return fault if fault is not None and fault.options.get("stream", topic) == topic else None

    def _once(self, script: str, topic: str) -> Fault | None:
        fault = self._active(script, topic)
        if fault is None:
            return None
        is_bounded = fault.times is not None or fault.probability < 1.0
        if not is_bounded and self._struck.get(script) is fault:
            return None
        struck = self._take(script, topic)
        if struck is not None:
            self._struck[script] = struck
        return struck


def _huge(size: int) -> str:
    """Return one message of about ``size`` characters: many well-formed packets of a method that nobody knows."""
    packet = pack_message("unheard_of", ["xs_simulated", {"x": "x" * 1000}])
    return packet * max(1, size // len(packet))
