"""The methods that a client may call, how many parameters each takes, and which packets the server stamps."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_MANY = 100_000

ARITY: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "set_auth_token": (1, 1),
        "set_locale": (2, 2),
        "set_data_quality": (0, 1),
        "set_broker": (0, 1),
        "switch_protocol": (1, 1),
        "request_data_problems": (0, 0),
        "request_studies_metadata": (1, 2),
        "quote_create_session": (1, 2),
        "quote_delete_session": (1, 1),
        "quote_set_fields": (1, _MANY),
        "quote_add_symbols": (1, _MANY),
        "quote_remove_symbols": (1, _MANY),
        "quote_fast_symbols": (1, _MANY),
        "quote_hibernate_all": (1, 1),
        "quote_switch_timezone": (2, 2),
        "quote_list_fields": (1, 1),
        "chart_create_session": (1, 2),
        "chart_delete_session": (1, 1),
        "switch_timezone": (2, 2),
        "resolve_symbol": (3, 3),
        "create_series": (6, 7),
        "modify_series": (6, 7),
        "remove_series": (2, 2),
        "request_more_data": (3, 3),
        "request_more_tickmarks": (3, 3),
        "set_future_tickmarks_mode": (2, 2),
        "get_first_bar_time": (3, 3),
        "create_study": (6, 6),
        "create_child_study": (6, 6),
        "modify_study": (4, 4),
        "remove_study": (2, 2),
        "notify_study": (4, 4),
        "create_pointset": (6, 6),
        "modify_pointset": (4, 4),
        "remove_pointset": (2, 2),
        "replay_create_session": (1, 1),
        "replay_delete_session": (1, 1),
        "replay_add_series": (4, 4),
        "replay_remove_series": (4, 4),
        "replay_reset": (3, 3),
        "replay_step": (3, 3),
        "replay_start": (3, 3),
        "replay_stop": (2, 2),
        "replay_set_resolution": (3, 3),
        "replay_get_depth": (1, _MANY),
    }
)
"""Method → least and most parameters, the session among them."""

STAMPED = frozenset(
    {
        "series_completed",
        "series_error",
        "series_loading",
        "study_completed",
        "study_error",
        "study_loading",
        "symbol_error",
        "symbol_resolved",
        "timescale_update",
    }
)
"""Packets that carry ``t`` and ``t_ms``."""

_SUBSCRIBES = frozenset({"quote_add_symbols", "create_series", "create_study"})
_UNSUBSCRIBES = frozenset(
    {"quote_remove_symbols", "remove_series", "remove_study", "quote_delete_session", "chart_delete_session"}
)


def journal_kind(method: str) -> str:
    """Return under which kind the journal keeps a call."""
    if method in _SUBSCRIBES:
        return "subscribe"
    return "unsubscribe" if method in _UNSUBSCRIBES else "control"


def argument_text(args: list[Any]) -> str:
    """Return parameters as the venue prints them in errors: without quotes, an empty one as nothing."""
    return f"[{', '.join(_one(arg) for arg in args)}]"


def _one(arg: Any) -> str:
    if isinstance(arg, list):
        return argument_text(arg)
    return str(arg)
