"""What can be set differently from the venue, and what a plan allows."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from brokerwire.simulator.fronts.tradingview.framing import Unit

ANONYMOUS_PLAN = ""

BARS_OF_PLAN: Mapping[str, int] = MappingProxyType(
    {"": 5_000, "pro": 10_000, "pro_plus": 10_000, "pro_premium": 20_000, "ultimate": 40_000}
)
STUDIES_OF_PLAN: Mapping[str, int] = MappingProxyType(
    {"": 2, "pro": 5, "pro_plus": 10, "pro_premium": 25, "ultimate": 50}
)
PLANS_WITH_SECONDS = frozenset({"pro_premium", "ultimate"})


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Switches of the front; 0 switches a limit off.

    ``plan`` is the account's: it decides over bars, studies, seconds and custom resolutions. ``expired_tokens`` says
    what an expired token gets: a refusal, or a connection that delivers heartbeats only. ``heartbeats`` go in messages
    of their own or behind data. ``new_bars`` says which message opens a bar. With ``completions`` "merged" a series
    that is modified while it loads is completed once. ``page_notes`` "silent" never says ``data_completed``.
    ``pine_needs_type`` refuses scripts on sockets that were not opened with ``type=chart``. ``no_value`` is how a study
    says that it has none. ``page_order`` "mixed" lets points of a page change places. ``shift_notes`` says how a client
    is told that indexes moved. With ``final_bars`` "late" a bar changes once more after the next one opened. ``hello``
    "none" leaves the greeting out. With ``texts`` "tricky" descriptions hold what looks like framing, and letters
    beyond ASCII; ``lengths`` says what the lengths of packets count there.
    """

    plan: str = "pro_premium"
    token_life_s: float = 14_400.0
    expired_tokens: Literal["refuse", "heartbeats"] = "refuse"
    heartbeat_s: float = 10.0
    echo_within_s: float = 20.0
    heartbeats: Literal["alone", "behind"] = "alone"
    packets_per_message: int = 0
    connects_per_minute: int = 120
    max_connections: int = 50
    series_per_session: int = 10
    anonymous_series: int = 1
    studies_per_chart: int = 0
    data_bar_limit: int = 6_600
    history_days: int = 12_000
    coin_history_days: int = 4_800
    slow_quote_s: float = 1.0
    new_bars: Literal["timescale_update", "du"] = "timescale_update"
    completions: Literal["each", "merged"] = "each"
    page_notes: Literal["full", "silent"] = "full"
    page_order: Literal["ascending", "mixed"] = "ascending"
    shift_notes: Literal["none", "index_diff", "index_update"] = "none"
    final_bars: Literal["early", "late"] = "early"
    no_value: Literal["null", "NaN", "1e100"] = "null"
    hello: Literal["first", "none"] = "first"
    texts: Literal["plain", "tricky"] = "plain"
    lengths: Unit = "characters"
    pine_needs_type: bool = True
    anonymous_pine: bool = False
    unknown_methods: Literal["refuse", "ignore"] = "refuse"
    sign_in: Literal["open", "captcha", "two_factor"] = "open"
    max_outbox_bytes: int = 256 * 1024 * 1024


def read_settings(values: Mapping[str, Any]) -> Settings:
    """Read the front's settings.

    Raises:
        ValueError: A name is unknown or a value has the wrong type.
    """
    try:
        settings = msgspec.convert(dict(values), Settings)
    except msgspec.ValidationError as exc:
        raise ValueError(f"tradingview settings: {exc}; known are {', '.join(Settings.__struct_fields__)}") from exc
    if settings.plan not in BARS_OF_PLAN:
        raise ValueError(f"tradingview settings: no plan {settings.plan!r}; known are {', '.join(BARS_OF_PLAN)}")
    return settings
