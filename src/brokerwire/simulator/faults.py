"""The board of faults: what is wrong with the simulated venue just now, by name."""

import random
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

KNOWN_FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "mute": "streams stay open, control traffic goes on, data stops",
        "half_open": "streams stay open and nothing at all is sent any more",
        "reset_mid_frame": "the connection is reset in the middle of a frame",
        "slow_loris": "answers and frames trickle out a byte at a time",
        "close": "streams end cleanly; on WebSockets with the code given, as in close:1008",
        "reject_auth": "credentials and tokens are refused; the argument is the status, 401 or 403",
        "expire_token": "tokens issued so far have expired; the argument is the life of new ones in seconds",
        "rate_limit": "requests are answered as over the limit; the argument is the wait in seconds",
        "drop_fill": "a fill happens but its stream event is left out",
        "duplicate": "frames are sent twice",
        "reorder": "neighbouring frames change places",
        "gap": "frames are left out",
        "bad_json": "frames are damaged",
        "huge_frame": "a frame of the given number of bytes is sent",
        "late_ack": "acknowledgements come late; the argument is the delay in seconds",
        "stale_slot": "slots of ended streams stay taken; the argument is for how many seconds",
        "unknown_message": "well-formed messages of an unknown type are mixed in",
        "drop_answer": "a request is carried out and its answer lost",
        "refuse": "new connections and requests fail; the argument is the status, 500 by default",
        "silent_accept": "requests are accepted and never answered",
        "goaway": "streams announce that the server is going away, and end",
        "split_chunks": "frames are cut at random places over several chunks",
        "merge_chunks": "several frames come in one chunk",
        "crlf": "lines end in CR LF and blank lines are mixed in",
        "deep_nesting": "a message nested thousands of levels deep is sent",
        "token_down": "the token endpoint fails; the argument is the status, garbage, error_body or slow",
        "reject_order": "orders are rejected; the argument is the reason",
        "late_snapshot": "snapshots are completed late; the argument is the delay in seconds",
        "no_snapshot_end": "the end of a snapshot is never announced",
        "stream_error": "streams send an error frame, whose title is the argument, and end",
        "maintenance": "every request is answered that the service is unavailable",
        "no_heartbeat": "heartbeats are withheld; everything else goes on",
        "packed_heartbeat": "heartbeats come behind data in the same message, never in one of their own",
    }
)

_COMMON_OPTIONS = ("channel", "after", "times", "probability")


class Fault(msgspec.Struct):
    """One fault that is on.

    ``argument`` is what followed the colon; ``channel`` limits it to paths or topics that contain that text; ``after``
    lets so many occasions of each connection pass first; ``times`` ends it after so many occasions; ``probability`` is
    its chance at each occasion. Anything else is in ``options``. ``epoch`` counts the changes of the board.
    """

    script: str
    argument: str = ""
    channel: str = ""
    after: int = 0
    times: int | None = None
    probability: float = 1.0
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    epoch: int = 0

    def number(self, default: float) -> float:
        """Return the argument as a number, or ``default`` when there is none."""
        return float(self.argument) if self.argument else default


class Faults:
    """The faults that are on. Fronts ask ``active`` (is it on?) or ``take`` (does it strike now?)."""

    def __init__(self, scripts: Iterable[str] = (), *, seed: int = 0) -> None:
        self._rng = random.Random(seed)
        self._on: dict[str, Fault] = {}
        self._listeners: list[Callable[[], None]] = []
        self.epoch = 0
        for script in scripts:
            self.set(script)

    def set(self, script: str, **options: Any) -> None:
        """Switch a fault on; ``script`` is a name, or ``name:argument``.

        Options ``channel``, ``after``, ``times``, ``probability`` are understood by every fault.

        Raises:
            ValueError: The name is unknown or an option has the wrong type.
        """
        name, _, argument = script.partition(":")
        if name not in KNOWN_FAULTS:
            raise ValueError(f"unknown fault {name!r}; known are {', '.join(sorted(KNOWN_FAULTS))}")
        common: dict[str, Any] = {key: options.pop(key) for key in _COMMON_OPTIONS if key in options}
        try:
            fault = msgspec.convert(
                {"script": name, "argument": argument, **common, "options": options}, Fault, strict=True
            )
        except msgspec.ValidationError as exc:
            raise ValueError(f"fault {name!r}: {exc}") from exc
        self._check_argument(fault)
        self.epoch += 1
        fault.epoch = self.epoch
        self._on[name] = fault
        self._tell()

    @staticmethod
    def _check_argument(fault: Fault) -> None:
        if fault.script in ("reject_order", "token_down", "stream_error") or not fault.argument:
            return
        try:
            float(fault.argument)
        except ValueError as exc:
            raise ValueError(f"fault {fault.script!r} takes a number, not {fault.argument!r}") from exc

    def clear(self, script: str | None = None) -> None:
        """Switch one fault off, or all."""
        if script is None:
            self._on.clear()
        else:
            self._on.pop(script.partition(":")[0], None)
        self.epoch += 1
        self._tell()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` whenever a fault is switched on or off; returns the function that stops it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()

    def draw(self) -> float:
        """Return a number in [0, 1) from the seeded dice of the faults."""
        return self._rng.random()

    def active(self, script: str, *, channel: str = "") -> Fault | None:
        """Return the fault when it is on for ``channel``."""
        fault = self._on.get(script)
        return fault if fault is not None and fault.channel in channel else None

    def take(self, script: str, *, channel: str = "", seen: int = 0) -> Fault | None:
        """Return the fault when it strikes at this occasion, and count it; ``seen`` occasions have gone before."""
        fault = self.active(script, channel=channel)
        if fault is None or seen < fault.after:
            return None
        if fault.probability < 1.0 and self._rng.random() >= fault.probability:
            return None
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.clear(script)
        return fault

    def names(self) -> list[str]:
        """Return the names of the faults that are on."""
        return sorted(self._on)

    def __bool__(self) -> bool:
        return bool(self._on)
