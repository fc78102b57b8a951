"""Runs rows, one after the other, each in an event loop of its own, and turns what was found into verdicts."""

import asyncio
import gc
import logging
import time

from msgspec.structs import replace

from brokerwire.clock import SystemClock
from brokerwire.doctor.finding import Finding, Missed, Row, Verdict
from brokerwire.doctor.interruption import Interruption
from brokerwire.doctor.surroundings import KeptLog, kept_log, private_place
from brokerwire.doctor.ward import Ward
from brokerwire.redact import escape
from brokerwire.testing.virtual_time import VirtualClock, VirtualTimeLoop

MOST_REAL_S = 120.0
"""Real seconds after which a row is given up, in real time; in virtual time it is a week."""

_WEEK_S = 7 * 86_400.0


def examine(row: Row, venue: str, *, seed: int = 7, interruption: Interruption | None = None) -> Verdict:
    """Drive one row on one venue's wire; whatever goes wrong is in the verdict.

    Raises:
        asyncio.CancelledError: The interruption came.
    """
    began = time.perf_counter()
    with private_place(), kept_log() as log:
        ward = Ward(venue, seed=seed, clock=VirtualClock() if row.is_virtual else SystemClock(), log=log)
        finding, broken = _run(row, ward, interruption or Interruption()), tuple(ward.broken)
        gc.collect()  # only now does a task whose exception nobody retrieved say so
        broken = (*broken, *_failures_of(log))
    return Verdict(
        row=row.id,
        venue=venue,
        title=row.title,
        verdict="broken" if broken else "holds",
        seconds=round(time.perf_counter() - began, 2),
        text=escape("; ".join(broken) if broken else str(finding)),
        figures=tuple(replace(figure, value=round(figure.value, 3)) for figure in finding.figures),
        broken=tuple(map(escape, broken)),
    )


def _run(row: Row, ward: Ward, interruption: Interruption) -> Finding:
    async def main() -> Finding:
        interruption.cancels(asyncio.current_task())
        return await _play(row, ward)

    try:
        with asyncio.Runner(loop_factory=VirtualTimeLoop if row.is_virtual else asyncio.SelectorEventLoop) as runner:
            return runner.run(main())
    finally:
        interruption.cancels(None)


async def _play(row: Row, ward: Ward) -> Finding:
    finding = Finding(row.title, ())
    ward.admit()
    try:
        async with asyncio.timeout(_WEEK_S if row.is_virtual else MOST_REAL_S):
            finding = await row.scenario(ward)
            ward.broken += [str(figure) for figure in finding.figures if not figure.holds]
            await ward.discharge()
    except Missed as missed:
        ward.broken.append(str(missed))
    except TimeoutError:
        ward.broken.append("it took too long and was given up")
    except Exception as exc:  # noqa: BLE001  # the top of an examination: whatever it is, it is a verdict, and the next row is due
        ward.broken.append(f"{type(exc).__name__}: {exc}")
    finally:
        await ward.leave()
    return finding


def _failures_of(log: KeptLog) -> list[str]:
    """Return what the loop reports as failed and nobody's."""
    records = [record for record in log.records if record.name == "asyncio" and record.levelno >= logging.ERROR]
    return [f"I7: {record.getMessage().splitlines()[0]}" for record in records]
