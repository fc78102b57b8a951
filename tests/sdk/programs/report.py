"""How a program tells the tests what it saw: one JSON line for each step, with what came or why it failed."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

STEP_S = 15.0


def report(step: str, **facts: Any) -> None:
    """Write what a step saw."""
    sys.stdout.write(json.dumps({"step": step, **facts}, default=str) + "\n")
    sys.stdout.flush()


async def attempt(step: str, work: Awaitable[Any], *, tell: Callable[[Any], dict[str, Any]] | None = None) -> Any:
    """Await ``work``, report what ``tell`` makes of its result, and return it; None if it failed."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(STEP_S):
            result = await work
        report(step, **(tell(result) if tell else {"result": result}))
    except Exception as exc:  # noqa: BLE001  # a failed step is a finding and must not end the program
        report(step, error=f"{type(exc).__name__}: {exc} (after {time.perf_counter() - started:.1f} s)")
        return None
    return result


@contextmanager
def step(name: str) -> Iterator[dict[str, Any]]:
    """Report what the block puts into the dict, or its failure."""
    facts: dict[str, Any] = {}
    try:
        yield facts
        report(name, **facts)
    except Exception as exc:  # noqa: BLE001  # as above
        report(name, error=f"{type(exc).__name__}: {exc}")


def told() -> tuple[dict[str, str], dict[str, str]]:
    """Return the endpoints and the credentials that the simulator announced."""
    line = json.loads(sys.argv[1])
    return line["endpoints"], line["credentials"]
