import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.orders.events import ACCOUNT, fill, update

from brokerwire.clock import SystemClock
from brokerwire.errors import ConfigurationError
from brokerwire.orders.journal import Journal, journal_path
from brokerwire.orders.ledger import Intent, Ledger

OWNER = "v offline"


def new(path: Path) -> Journal:
    return Journal(path, owner=OWNER, clock=SystemClock())


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = new(tmp_path / "orders.db")
    await journal.open()
    yield journal
    await journal.close()


def writer_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "journal" in thread.name]


async def test_what_is_recorded_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    journal = new(path)
    await journal.open()
    recorded = await journal.record(ACCOUNT, [update(), fill()])
    await journal.close()
    journal = new(path)
    await journal.open()
    assert await journal.events_after(0, [ACCOUNT], 10) == recorded
    assert (await journal.known(ACCOUNT)).orders == [update()]
    await journal.close()
    assert writer_threads() == []


async def test_a_commit_is_durable_when_its_future_is_done(journal: Journal) -> None:
    await journal.record(ACCOUNT, [update()])
    with sqlite3.connect(f"file:{journal.path}?mode=ro", uri=True) as other:
        assert other.execute("SELECT COUNT(*) FROM events").fetchone() == (1,)
    other.close()


async def test_changes_made_while_the_disk_is_at_work_are_committed_together(journal: Journal) -> None:
    begins: list[int] = []

    def count(_ledger: Ledger) -> None:
        begins.append(threading.get_ident())

    waits = [journal.record(ACCOUNT, [update(str(number))]) for number in range(200)]
    journal._submit(count)
    results = await asyncio.gather(*waits)
    assert [result[0].seq for result in results] == list(range(1, 201))
    assert begins != [threading.get_ident()]


async def test_intents_consumers_and_baselines_pass_through(journal: Journal) -> None:
    intent = Intent(client_order_id="mine", action="place", made_ns=1)
    assert await journal.make_intent(intent) is None
    assert await journal.make_intent(intent) == intent
    assert await journal.open_intents() == [intent]
    await journal.settle_intent(Intent(client_order_id="mine", action="place", made_ns=1, outcome="absent"))
    assert (await journal.intent("mine")).outcome == "absent"  # type: ignore[union-attr]  # it was just written
    journal.set_baseline(ACCOUNT)
    assert (await journal.known(ACCOUNT)).has_baseline
    assert (await journal.consumer("a")).is_fresh
    await journal.mark("a", 0)
    assert not (await journal.consumer("a")).is_fresh


async def test_a_second_client_is_refused_and_the_first_goes_on(journal: Journal) -> None:
    second = new(journal.path)
    with pytest.raises(ConfigurationError, match="in use by another client"):
        await second.open()
    await second.close()
    assert not second.is_open
    assert len(await journal.record(ACCOUNT, [update()])) == 1


async def test_a_journal_that_cannot_be_opened_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    path.write_bytes(b"something else")
    path.chmod(0o600)
    journal = new(path)
    with pytest.raises(ConfigurationError, match="not a journal"):
        await journal.open()
    assert writer_threads() == []
    path.unlink()
    await journal.open()
    assert journal.is_open
    await journal.open()
    await journal.close()
    await journal.close()


async def test_whoever_stops_waiting_for_the_file_leaves_nothing_open(tmp_path: Path) -> None:
    journal = new(tmp_path / "orders.db")
    opening = asyncio.create_task(journal.open())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert writer_threads() == []
    await journal.open()
    assert journal.is_open
    await journal.close()


async def test_a_path_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        await new(tmp_path / "file" / "orders.db").open()


async def test_a_failing_disk_fails_the_batch_and_undoes_it(journal: Journal) -> None:
    def broken(_ledger: Ledger) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    assert len(await journal.record(ACCOUNT, [update()])) == 1
    gate = threading.Event()
    busy = journal._submit(lambda _ledger: gate.wait(5))
    lost = [journal.record(ACCOUNT, [fill()]), journal._submit(broken)]
    forgotten = journal.record(ACCOUNT, [fill()])
    forgotten.cancel()
    gate.set()
    assert await busy
    for future in lost:
        with pytest.raises(ConfigurationError, match="disk is full"):
            await future
    assert len(await journal.events_after(0, [ACCOUNT], 10)) == 1


async def test_nothing_is_written_after_close(journal: Journal) -> None:
    waiting = journal.record(ACCOUNT, [update()])
    await journal.close()
    assert len(await waiting) == 1
    with pytest.raises(ConfigurationError, match="closed"):
        await journal.record(ACCOUNT, [update("2")])


async def test_whoever_stops_waiting_harms_nobody(journal: Journal) -> None:
    first, second = journal.record(ACCOUNT, [update("1")]), journal.record(ACCOUNT, [update("2")])
    first.cancel()
    assert len(await second) == 1
    assert len(await journal.events_after(0, [ACCOUNT], 10)) == 2


def test_a_journal_is_named_by_a_path(tmp_path: Path) -> None:
    assert journal_path(str(tmp_path)) == journal_path(tmp_path) == tmp_path
    for wrong in ("", 7, b"bytes"):
        with pytest.raises(ConfigurationError, match="must be the path"):
            journal_path(wrong)  # type: ignore[arg-type]  # on purpose
