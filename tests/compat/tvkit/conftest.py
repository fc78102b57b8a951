"""A TradingView of the simulator's, found by the environment variable alone, as a user of the guides would have it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
WITHIN_S = 20.0


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKERWIRE_ENVIRONMENT", "offline")


async def first(items: AsyncIterator[T], count: int) -> list[T]:
    """Return the first items of an iterator, and close it."""
    found: list[T] = []
    async with asyncio.timeout(WITHIN_S):
        async for item in items:
            found.append(item)
            if len(found) == count:
                break
    await close(items)
    return found


async def close(items: Any) -> None:
    """Close a generator as its end would."""
    if hasattr(items, "aclose"):
        await items.aclose()
