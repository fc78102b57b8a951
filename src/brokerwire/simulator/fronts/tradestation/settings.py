"""What can be set about the front."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from brokerwire.simulator.replay import START_DELAY_S


class FrontSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Switches of the TradeStation front; the defaults are what the venue's SIM environment does.

    ``stream_expiry`` says what becomes of a stream whose token expires: nothing (the token is checked at the opening
    only), a clean end, or an error frame and the end. ``limit_scale`` multiplies every request quota;
    ``limit_window`` chooses between rolling replenishment and windows that start with the first request.
    ``concurrency`` overrides the caps on open streams by resource; a client that lets ``max_pending`` lines of a stream
    pile up is cut off; ``failures_in`` names the list that a failed order
    appears in: the specification has it in ``Errors``, production in ``Orders``. A
    recording starts ``replay_delay_s`` after the last subscription.
    """

    token_life_s: float = 1200.0
    rotate_refresh_tokens: bool = False
    refuses_consent: bool = False
    heartbeat_s: float = 5.0
    snapshot_delay_s: float = 0.0
    goaway_grace_s: float = 1.0
    stream_expiry: Literal["ignore", "end", "error"] = "ignore"
    limit_scale: float = 1.0
    limit_window: Literal["rolling", "fixed"] = "rolling"
    concurrency: dict[str, int] = msgspec.field(default_factory=dict)
    cancel_delay_s: float = 0.25
    replace_delay_s: float = 0.15
    closed_time_delay_s: float = 0.1
    failures_in: Literal["Orders", "Errors"] = "Orders"
    tickbar_timeout_s: float = 0.0
    max_pending: int = 100_000
    rate: int = 1
    replay_delay_s: float = START_DELAY_S


def read_settings(settings: Mapping[str, Any]) -> FrontSettings:
    """Return the front's settings.

    Raises:
        ValueError: A setting is unknown or has the wrong type.
    """
    unknown = settings.keys() - set(FrontSettings.__struct_fields__)
    if unknown:
        raise ValueError(f"unknown settings {', '.join(sorted(unknown))}; known are {FrontSettings.__struct_fields__}")
    try:
        return msgspec.convert(dict(settings), FrontSettings, strict=False)
    except msgspec.ValidationError as exc:
        raise ValueError(f"settings: {exc}") from exc
