import asyncio

import pytest

from brokerwire.simulator.journal import Journal


def test_entries_are_found_by_kind_and_detail() -> None:
    journal = Journal(lambda: 7)
    journal.record("request", path="/a")
    journal.record("request", path="/b")
    journal.record("dial")
    assert [e.detail["path"] for e in journal.entries("request")] == ["/a", "/b"]
    assert journal.count("request", path="/b") == 1
    assert journal.entries()[0].time_ns == 7
    journal.clear()
    assert journal.count() == 0


async def test_wait_ends_when_enough_has_happened() -> None:
    journal = Journal(lambda: 0)
    journal.record("dial")
    waiting = asyncio.create_task(journal.wait_for("dial", count=2, timeout_s=5))
    await asyncio.sleep(0)
    journal.record("request")
    journal.record("dial")
    journal.record("dial")
    await waiting
    await journal.wait_for("dial")


async def test_wait_gives_up() -> None:
    journal = Journal(lambda: 0)
    with pytest.raises(TimeoutError):
        await journal.wait_for("dial", timeout_s=0.01)
