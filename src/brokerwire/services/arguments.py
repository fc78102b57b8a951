"""Checks and normalises what users pass to the services; pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict, cast, get_args

from brokerwire.config import OVERFLOW_POLICIES
from brokerwire.config import Overflow as OverflowPolicy
from brokerwire.errors import ConfigurationError
from brokerwire.events import OrderSide, OrderType, Status
from brokerwire.streaming.delivery import DeliveryOptions
from brokerwire.typedefs import Callback, ErrorCallback

_MINUTES_AS_HOURS = {60: "1h", 120: "2h", 240: "4h", 360: "6h", 480: "8h", 720: "12h", 1440: "1d"}
_UNITS = ("s", "m", "h", "d", "w", "M")


def normalise_symbols(symbols: str | Sequence[str]) -> list[str]:
    """Return the symbols as a list without repetitions, in order.

    Raises:
        ConfigurationError: There is none, or one is not a non-empty string.
    """
    if not isinstance(symbols, str | Iterable):
        raise ConfigurationError(f"give a symbol or a list of symbols, not {symbols!r}")
    given = [symbols] if isinstance(symbols, str) else list(symbols)
    for symbol in given:
        if not isinstance(symbol, str) or not symbol.strip():
            raise ConfigurationError(f"a symbol must be a non-empty string, not {symbol!r}")
    if not given:
        raise ConfigurationError("give at least one symbol")
    return list(dict.fromkeys(symbol.strip() for symbol in given))


def listed(accounts: str | Sequence[str] | None) -> list[str] | None:
    """Return accounts as a list; None stays None."""
    return [accounts] if isinstance(accounts, str) else None if accounts is None else list(accounts)


def normalise_interval(interval: str | int) -> str:
    """Return an interval in our spelling; digits alone are minutes, ``M`` is a month, ``1D`` and ``1W`` work too.

    Raises:
        ConfigurationError: It is not an interval.
    """
    text = str(interval).strip()
    text = f"1{text}" if text in {"D", "W", "M"} else text
    number, unit = (text, "m") if text.isdigit() else (text[:-1], text[-1:])
    unit = unit if unit == "M" else unit.lower()
    if not number.isascii() or not number.isdigit() or int(number) == 0 or unit not in _UNITS:
        raise ConfigurationError(
            f"{interval!r} is not an interval; write a number and its unit, one of {' '.join(_UNITS)} (M is a month), "
            "for example 5m, 1h or 1d"
        )
    if unit == "m":
        return _MINUTES_AS_HOURS.get(int(number), f"{int(number)}m")
    return f"{int(number)}{unit}"


def check_choice(name: str, value: str, choices: Sequence[str]) -> str:
    """Return ``value``.

    Raises:
        ConfigurationError: It is not one of ``choices``.
    """
    if value not in choices:
        raise ConfigurationError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    return value


def check_count(name: str, count: int, least: int = 1) -> int:
    """Return ``count``.

    Raises:
        ConfigurationError: It is no whole number, or under ``least``.
    """
    if not isinstance(count, int) or isinstance(count, bool) or count < least:
        raise ConfigurationError(f"{name} must be a whole number from {least}, not {count!r}")
    return count


def check_limit(limit: int | None) -> int | None:
    """Return ``limit``; None is as many as there are, or as the venue gives.

    Raises:
        ConfigurationError: It is no whole number, or under 1.
    """
    return None if limit is None else check_count("limit", limit)


def check_order(side: str, order_type: str) -> None:
    """Check the closed sets of an order.

    Raises:
        ConfigurationError: ``side`` or ``order_type`` is none of ours.
    """
    check_choice("side", side, get_args(OrderSide))
    check_choice("type", order_type, get_args(OrderType))


class DeliveryKeywords(TypedDict, total=False):
    """The options that every ``stream_*`` method takes.

    ``error_callback(exception, event_or_none)`` hears what callbacks raise and what is refused later;
    ``status_callback(status)`` hears state changes, gaps, overflows and notices, in their place between the events;
    ``raw`` hands over the venue's parsed JSON instead of events; ``max_pending`` bounds what waits;
    ``overflow`` says what happens then: ``coalesce``, ``drop_oldest``, ``drop_newest``, ``fail`` or ``block``.
    """

    error_callback: ErrorCallback | None
    status_callback: Callback[Status] | None
    raw: bool
    max_pending: int
    overflow: OverflowPolicy


_NEWEST_IS_ENOUGH = frozenset({"quote", "balance", "position", "option_quote"})
_NEVER_DROPPED = frozenset({"order"})


def delivery_options(channel: str, delivery: DeliveryKeywords, *, callback_timeout_s: float | None) -> DeliveryOptions:
    """Return the delivery options of a subscription, with the channel's default overflow policy.

    Raises:
        ConfigurationError: An option is unknown, the policy is none or would drop orders, ``max_pending`` is under 1.
    """
    unknown = [name for name in delivery if name not in DeliveryKeywords.__annotations__]
    if unknown:
        raise ConfigurationError(
            f"unknown option {unknown[0]!r}; there are: {', '.join(DeliveryKeywords.__annotations__)}"
        )
    policy = delivery.get("overflow") or _default_policy(channel)
    allowed = ("fail", "block") if channel in _NEVER_DROPPED else OVERFLOW_POLICIES
    check_choice("overflow", policy, allowed)
    max_pending = check_count("max_pending", delivery.get("max_pending", 10_000))
    return DeliveryOptions(
        error_callback=delivery.get("error_callback"),
        status_callback=delivery.get("status_callback"),
        raw=delivery.get("raw", False),
        max_pending=max_pending,
        overflow=policy,
        callback_timeout_s=callback_timeout_s,
    )


def _default_policy(channel: str) -> OverflowPolicy:
    if channel in _NEVER_DROPPED:
        return "fail"
    return "coalesce" if channel in _NEWEST_IS_ENOUGH else "drop_oldest"


def split_delivery(keywords: Mapping[str, Any]) -> tuple[DeliveryKeywords, dict[str, Any]]:
    """Part the delivery options from the venue's own parameters."""
    names = DeliveryKeywords.__annotations__
    delivery = {name: value for name, value in keywords.items() if name in names}
    return cast(DeliveryKeywords, delivery), {name: v for name, v in keywords.items() if name not in names}


def variant_of(parameters: Mapping[str, Any]) -> str:
    """Write venue parameters as one sorted string, ``a=1&b=2``; those that are None are left out."""
    return "&".join(f"{name}={_plain(value)}" for name, value in sorted(parameters.items()) if value is not None)


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
