"""Request weights, connection attempts and inbound messages, counted as the venue counts them."""

from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from brokerwire.simulator.fronts.binance.refusals import Refusal

_MS = 1_000_000
_SECOND_NS = 1_000_000_000
_MINUTE_NS = 60 * _SECOND_NS
_DAY_NS = 86_400 * _SECOND_NS


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What can be set differently from the venue; 0 switches a limit off.

    ``keys`` adds API keys whose signatures are checked: key to secret, or to an Ed25519 public key in PEM.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/limits, read 2026-11-20.
    """

    weight_per_minute: int = 6_000
    raw_per_5_minutes: int = 300_000
    orders_per_10_seconds: int = 50
    orders_per_day: int = 160_000
    ignored_before_ban: int = 10
    ban_s: int = 120
    connects_per_5_minutes: int = 300
    max_streams: int = 1024
    inbound_per_second: int = 5
    max_frame_bytes: int = 4096
    ping_interval_s: float = 20.0
    pong_timeout_s: float = 60.0
    lifetime_s: float = 86_400.0
    max_subscriptions: int = 65_535
    replay_delay_s: float = 3.0
    max_outbox_bytes: int = 256 * 1024 * 1024
    keys: Mapping[str, str] = {}


def read_settings(values: Mapping[str, Any]) -> Settings:
    """Read the front's settings.

    Raises:
        ValueError: A name is unknown or a value has the wrong type.
    """
    try:
        return msgspec.convert(dict(values), Settings)
    except msgspec.ValidationError as exc:
        raise ValueError(f"binance settings: {exc}; known are {', '.join(Settings.__struct_fields__)}") from exc


class WindowCounter:
    """Counts within windows that begin on the clock's boundaries, not sliding ones."""

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._window = -1
        self._count = 0

    def add(self, amount: int, now_ns: int) -> int:
        """Count ``amount`` and return the window's total."""
        self._roll(now_ns)
        self._count += amount
        return self._count

    def count(self, now_ns: int) -> int:
        """Return the total of the window that holds ``now_ns``."""
        self._roll(now_ns)
        return self._count

    def ends_ns(self, now_ns: int) -> int:
        """Return when the present window ends."""
        return (now_ns // self._window_ns + 1) * self._window_ns

    def _roll(self, now_ns: int) -> None:
        window = now_ns // self._window_ns
        if window != self._window:
            self._window, self._count = window, 0


class RequestLimits:
    """The limits on requests from one address, shared by REST and the WebSocket API."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._weight = WindowCounter(_MINUTE_NS)
        self._raw = WindowCounter(5 * _MINUTE_NS)
        self._orders_10s = WindowCounter(10 * _SECOND_NS)
        self._orders_day = WindowCounter(_DAY_NS)
        self._refused_until_ns = 0
        self._ignored = 0
        self._banned_until_ns = 0

    def spend(self, weight: int, now_ns: int) -> None:
        """Count one request of a weight.

        Raises:
            Refusal: 429 when a limit is passed, 418 when the 429s were ignored; both say how long to wait.
        """
        if now_ns < self._banned_until_ns:
            raise self._banned(now_ns)
        used = self._weight.add(weight, now_ns)
        raw = self._raw.add(1, now_ns)
        limits = self._settings
        if 0 < limits.weight_per_minute < used:
            raise self._limited(self._weight.ends_ns(now_ns), now_ns)
        if 0 < limits.raw_per_5_minutes < raw:
            raise self._limited(self._raw.ends_ns(now_ns), now_ns)
        self._ignored = 0

    def give_back(self, weight: int, now_ns: int) -> None:
        """Return weight that a successful order does not cost."""
        self._weight.add(-weight, now_ns)

    def _limited(self, until_ns: int, now_ns: int) -> Refusal:
        if self._refused_until_ns != until_ns:
            self._refused_until_ns, self._ignored = until_ns, 0
        self._ignored += 1
        if 0 < self._settings.ignored_before_ban < self._ignored:
            self._banned_until_ns = now_ns + self._settings.ban_s * _SECOND_NS
            return self._banned(now_ns)
        return too_much_weight(self._settings.weight_per_minute, until_ns, now_ns)

    def _banned(self, now_ns: int) -> Refusal:
        return banned(self._banned_until_ns, now_ns)

    def count_order(self, now_ns: int) -> None:
        """Count one new order.

        Raises:
            Refusal: Too many orders (-1015); such an answer has no ``Retry-After``.
        """
        short = self._orders_10s.add(1, now_ns)
        day = self._orders_day.add(1, now_ns)
        limits = self._settings
        if 0 < limits.orders_per_10_seconds < short:
            raise _too_many_orders(limits.orders_per_10_seconds, "10 SECOND")
        if 0 < limits.orders_per_day < day:
            raise _too_many_orders(limits.orders_per_day, "1 DAY")

    def headers(self, now_ns: int) -> dict[str, str]:
        """Return the headers of every answer."""
        used = str(max(0, self._weight.count(now_ns)))
        return {"x-mbx-used-weight": used, "x-mbx-used-weight-1m": used}

    def order_headers(self, now_ns: int) -> dict[str, str]:
        """Return the headers of an answer to an order."""
        return {
            "x-mbx-order-count-10s": str(self._orders_10s.count(now_ns)),
            "x-mbx-order-count-1d": str(self._orders_day.count(now_ns)),
        }

    def rules(self) -> list[dict[str, Any]]:
        """Return ``rateLimits`` of the exchange information."""
        limits = self._settings
        return [
            _rule("REQUEST_WEIGHT", ("MINUTE", 1), limits.weight_per_minute),
            _rule("ORDERS", ("SECOND", 10), limits.orders_per_10_seconds),
            _rule("ORDERS", ("DAY", 1), limits.orders_per_day),
            _rule("RAW_REQUESTS", ("MINUTE", 5), limits.raw_per_5_minutes),
        ]

    def usage(self, now_ns: int) -> list[dict[str, Any]]:
        """Return ``rateLimits`` of an answer of the WebSocket API."""
        weight = _rule("REQUEST_WEIGHT", ("MINUTE", 1), self._settings.weight_per_minute)
        return [weight | {"count": max(0, self._weight.count(now_ns))}]

    def order_usage(self, now_ns: int) -> list[dict[str, Any]]:
        """Return ``rateLimits`` of an answer to an order over the WebSocket API."""
        limits = self._settings
        short = _rule("ORDERS", ("SECOND", 10), limits.orders_per_10_seconds)
        day = _rule("ORDERS", ("DAY", 1), limits.orders_per_day)
        return [
            short | {"count": self._orders_10s.count(now_ns)},
            day | {"count": self._orders_day.count(now_ns)},
            *self.usage(now_ns),
        ]


def _rule(kind: str, interval: tuple[str, int], limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval[0], "intervalNum": interval[1], "limit": limit}


def too_much_weight(limit: int, until_ns: int, now_ns: int) -> Refusal:
    """Return the 429 of an address that used too much weight."""
    text = (
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API."
    )
    return _retry(-1003, text, status=429, until_ns=until_ns, now_ns=now_ns)


def banned(until_ns: int, now_ns: int) -> Refusal:
    """Return the 418 of a banned address."""
    text = (
        f"Way too much request weight used; IP banned until {until_ns // _MS}. "
        "Please use WebSocket Streams for live updates to avoid bans."
    )
    return _retry(-1003, text, status=418, until_ns=until_ns, now_ns=now_ns)


def _retry(code: int, text: str, *, status: int, until_ns: int, now_ns: int) -> Refusal:
    wait_s = max(1, -(-(until_ns - now_ns) // _SECOND_NS))
    return Refusal(code, text, status=status, headers={"Retry-After": str(wait_s)}, retry_at_ms=until_ns // _MS)


def _too_many_orders(limit: int, per: str) -> Refusal:
    return Refusal(-1015, f"Too many new orders; current limit is {limit} orders per {per}.", status=429)


class SlidingLimit:
    """At most ``limit`` events in any ``window_s`` seconds; 0 allows any number."""

    def __init__(self, limit: int, window_s: float) -> None:
        self._limit = limit
        self._window_s = window_s
        self._times: deque[float] = deque()

    def allows(self, now_s: float) -> bool:
        """Count one event and tell whether it is within the limit."""
        if not self._limit:
            return True
        times = self._times
        while times and now_s - times[0] >= self._window_s:
            times.popleft()
        times.append(now_s)
        return len(times) <= self._limit
