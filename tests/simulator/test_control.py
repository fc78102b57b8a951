from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from brokerwire.simulator import Simulator


class Panel:
    """The control endpoint of a running simulator."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self._session = session

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        url = f"{self.simulator.endpoints['rest']}/_control/{path}"
        async with self._session.request(method, url, json=body) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def panel() -> AsyncIterator[Panel]:
    async with Simulator("tradestation", seed=11) as simulator, aiohttp.ClientSession() as session:
        yield Panel(simulator, session)


async def test_state_tells_seed_and_accounts(panel: Panel) -> None:
    status, state = await panel.call("GET", "state")
    assert status == 200
    assert state["seed"] == 11
    assert len(state["accounts"]) == 2


async def test_faults_are_set_and_cleared(panel: Panel) -> None:
    assert await panel.call("POST", "fault", {"script": "close:1008", "times": 1}) == (200, {"faults": ["close"]})
    assert panel.simulator.faults.active("close") is not None
    assert await panel.call("DELETE", "fault?script=close") == (200, {"faults": []})
    await panel.call("POST", "fault", {"script": "mute"})
    assert await panel.call("DELETE", "fault") == (200, {"faults": []})


@pytest.mark.parametrize("body", [{"script": "nonsense"}, {}, {"script": "mute", "times": "x"}, [1]])
async def test_bad_fault_is_refused_with_a_reason(panel: Panel, body: object) -> None:
    status, answer = await panel.call("POST", "fault", body)
    assert status == 400
    assert answer["error"]


async def test_journal_and_drop_answer(panel: Panel) -> None:
    panel.simulator.journal.record("dial", path="/x")
    _, entries = await panel.call("GET", "journal?kind=dial")
    assert entries[0]["detail"] == {"path": "/x"}
    assert await panel.call("POST", "drop") == (200, {"dropped": 0})
