"""F55: a notebook, whose loop already runs: cells await, a cell runs again, and no slot stays with the first run."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.faults.conftest import IS_FULL

PACKAGES = ("nbclient", "ipykernel")
KERNEL_S = 120
"""A slow machine takes a while to start a kernel, and to import."""

PATCHABLE = """
import asyncio, sys

def fingerprint():
    loop = asyncio.get_running_loop()
    found = [asyncio.run, asyncio.Task, asyncio.Future, asyncio.get_event_loop, asyncio.sleep, asyncio.wait_for]
    names = ("run_until_complete", "run_forever", "_run_once", "call_soon", "create_task")
    return [id(each) for each in found] + [id(getattr(type(loop), name)) for name in names]

before = fingerprint()
modules = set(sys.modules)
"""

STREAM = """
from brokerwire import Client

older = globals().get("client")
events = []
client = Client("tradestation", max_concurrent_streams=1, **GIVEN)
subscription = await client.market_data.stream_quotes("AAPL", events.append)
await asyncio.wait_for(subscription.ready(), 60)
tell(state=subscription.state, slots=len(client.streams), is_another=client is not older)
"""

TELL = """
import json

def tell(**facts):
    print(json.dumps(facts))
"""

USE_BOTH = """
(quote,) = await older.market_data.get_quotes("MSFT")
(fresh,) = await client.market_data.get_quotes("MSFT")
seen = len(events)
async with asyncio.timeout(60):
    while len(events) == seen:
        await asyncio.sleep(0)
tell(older=quote.symbol, newer=fresh.symbol, older_streams=len(older.streams))
"""

CLOSE_OLDER = """
await older.close()
seen = len(events)
async with asyncio.timeout(60):
    while len(events) == seen:
        await asyncio.sleep(0)
tell(older_streams=len(older.streams), state=subscription.state)
"""

CLOSE = """
await client.close()
left = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("brokerwire")]
added = sorted(name for name in set(sys.modules) - modules if "nest" in name)
tell(left=left, is_patched=fingerprint() != before, added=added)
"""

VENUE = """
from brokerwire.simulator import Simulator

venue = Simulator("tradestation", settings={"concurrency": {"streaming-marketdepth": 1}})
await venue.start()
GIVEN = {"endpoints": venue.endpoints, "credentials": venue.credentials, "subscribe_timeout": 5}
"""

AT_THE_CAP = """
from brokerwire import StreamError

older = client
client = Client("tradestation", max_concurrent_streams=1, **GIVEN)
refusal = None
try:
    await client.market_data.stream_market_depth("AAPL", events.append)
except StreamError as exc:
    refusal = str(exc)
tell(refusal=refusal, slots=len(client.streams), state=subscription.state)
await client.close()
client = older
"""

DEPTH = STREAM.replace("stream_quotes", "stream_market_depth")
RUN_AGAIN = "if 'client' in globals():\n    await client.close()\n" + DEPTH

Run = Callable[[str], Any]


def missing() -> list[str]:
    """Return what a notebook needs and is not here."""
    found = []
    for name in PACKAGES:
        try:
            __import__(name)
        except ImportError:
            found.append(name)
    return found


@asynccontextmanager
async def notebook(folder: str) -> AsyncIterator[Run]:
    """Start a kernel; gives what runs a cell in it, and returns what the cell told."""
    from nbclient import NotebookClient
    from nbformat import v4

    book = v4.new_notebook()
    client = NotebookClient(book, timeout=KERNEL_S, startup_timeout=KERNEL_S, resources={"metadata": {"path": folder}})

    async def run(source: str) -> Any:
        book.cells.append(v4.new_code_cell(source))
        cell = await client.async_execute_cell(book.cells[-1], len(book.cells) - 1)
        said = "".join(output.get("text", "") for output in cell["outputs"] if output.get("name") == "stdout")
        errors = "".join(output.get("text", "") for output in cell["outputs"] if output.get("name") == "stderr")
        assert "Traceback" not in errors
        return json.loads(said) if said else None

    async with client.async_setup_kernel():
        for source in (TELL, PATCHABLE):
            await run(source)
        yield run


if IS_FULL:  # it starts processes
    pytestmark = [
        pytest.mark.process,
        pytest.mark.timeout(3 * KERNEL_S),
        pytest.mark.filterwarnings("ignore"),  # those of other people's packages; ours would be in a cell
        pytest.mark.skipif(bool(missing()), reason=f"NOT TESTED: a notebook needs {', '.join(missing())}"),
    ]

    async def test_a_cell_that_runs_again_has_a_slot_and_the_first_client_goes_on(tmp_path: Any) -> None:
        async with notebook(str(tmp_path)) as run:
            await run("GIVEN = {'environment': 'offline'}")
            assert await run(STREAM) == {"state": "live", "slots": 1, "is_another": True}
            assert await run(STREAM) == {"state": "live", "slots": 1, "is_another": True}
            assert await run(USE_BOTH) == {"older": "MSFT", "newer": "MSFT", "older_streams": 1}
            assert await run(CLOSE_OLDER) == {"older_streams": 0, "state": "live"}
            assert await run(CLOSE) == {"left": [], "is_patched": False, "added": []}

    async def test_the_venues_own_slot_comes_back_when_the_first_client_is_closed(tmp_path: Any) -> None:
        async with notebook(str(tmp_path)) as run:
            await run(VENUE)
            assert await run(RUN_AGAIN) == {"state": "live", "slots": 1, "is_another": True}
            told = await run(AT_THE_CAP)
            assert "5 s" in told["refusal"]
            assert (told["slots"], told["state"]) == (0, "live")
            for _ in range(3):
                assert await run(RUN_AGAIN) == {"state": "live", "slots": 1, "is_another": True}
            assert await run(CLOSE) == {"left": [], "is_patched": False, "added": []}
            await run("await venue.close()")
