"""What the TradeStation tests share: recorded lines, and a driver for requests."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brokerwire.venue import Request, Response

FRAMES = Path(__file__).parent / "frames"


@pytest.fixture
def lines() -> Callable[[str], list[bytes]]:
    """The lines of a file of frames."""
    return lambda name: (FRAMES / name).read_bytes().splitlines()


@pytest.fixture
def drive() -> Callable[..., tuple[Any, list[Request]]]:
    """Run an operation against answers: bodies, or whole responses; returns its result and its requests."""

    def run(operation: Generator[Request, Response, Any], *answers: Any) -> tuple[Any, list[Request]]:
        requests = [next(operation)]
        for answer in answers:
            response = answer if isinstance(answer, Response) else Response(200, {}, msgspec.json.encode(answer), 9)
            try:
                requests.append(operation.send(response))
            except StopIteration as end:
                return end.value, requests
        raise AssertionError(f"more requests than answers: {requests[-1]}")

    return run
