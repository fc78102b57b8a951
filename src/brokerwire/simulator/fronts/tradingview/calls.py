"""Method calls of charts and replays, each led to what carries it out."""

from typing import Any

from brokerwire.simulator.fronts.tradingview.chart_session import ChartSession
from brokerwire.simulator.fronts.tradingview.replay_session import ReplaySession


def apply_chart(session: ChartSession, method: str, args: list[Any]) -> None:
    """Carry out a call of a chart session.

    Raises:
        CriticalError: The client broke the protocol.
    """
    match method:
        case "resolve_symbol":
            session.resolve_symbol(*args)
        case "create_series":
            session.create_series(args)
        case "modify_series":
            session.modify_series(args)
        case "remove_series":
            session.remove_series(*args)
        case "request_more_data":
            session.request_more(*args)
        case "request_more_tickmarks":
            session.request_tickmarks(*args)
        case "get_first_bar_time":
            session.first_bar_time(*args)
        case "switch_timezone":
            session.switch_timezone(*args)
        case _:
            _apply_study(session, method, args)


def _apply_study(session: ChartSession, method: str, args: list[Any]) -> None:
    match method:
        case "create_study" | "create_child_study":
            session.create_study(args)
        case "modify_study":
            session.modify_study(*args)
        case "remove_study":
            session.remove_study(*args)


def apply_replay(session: ReplaySession, method: str, args: list[Any], *, days: int) -> None:
    """Carry out a call of a replay session; there are so many days to replay."""
    match method:
        case "replay_add_series":
            session.add_series(*args)
        case "replay_remove_series":
            session.remove_series(str(args[0]))
        case "replay_reset":
            session.reset(float(args[1]))
        case "replay_step":
            session.step(str(args[0]), int(args[1]))
        case "replay_start":
            session.start(str(args[0]), float(args[1]))
        case "replay_stop":
            session.stop(str(args[0]))
        case "replay_set_resolution":
            session.set_resolution(str(args[0]), args[1])
        case _:
            session.tell_depth(days)
