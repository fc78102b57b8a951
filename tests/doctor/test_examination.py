import asyncio
import logging
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from brokerwire.doctor.examination import examine
from brokerwire.doctor.finding import Figure, Finding, Missed, Row, Scenario, Verdict
from brokerwire.doctor.ward import Ward

QUIET = Finding("nothing was done", ())


def judged(scenario: Scenario, *, is_virtual: bool = True) -> Verdict:
    return examine(Row(id="F00", title="A try", scenario=scenario, is_virtual=is_virtual), "binance")


def test_a_row_whose_figures_keep_their_bounds_holds() -> None:
    async def fine(ward: Ward) -> Finding:
        listener = await ward.listen(ward.client(await ward.simulator()), "quotes", ward.symbol)
        await listener.more(5)
        return Finding("quotes were heard", (Figure(name="quotes", value=5.00049, at_least=5),))

    verdict = judged(fine)
    assert (verdict.verdict, verdict.broken) == ("holds", ())
    assert verdict.figures[0].value == 5.0
    assert verdict.text == "quotes were heard: quotes 5.0 (at least 5)"


@pytest.mark.parametrize("is_virtual", [True, False])
def test_a_figure_out_of_bounds_breaks_the_row(is_virtual: bool) -> None:
    async def off(_ward: Ward) -> Finding:
        return Finding("it was slow", (Figure(name="took", value=9, unit="s", at_most=5),))

    verdict = judged(off, is_virtual=is_virtual)
    assert verdict.broken == ("took 9 s (allowed 5)",)


@pytest.mark.parametrize(
    ("error", "text"), [(Missed("waited in vain"), "waited in vain"), (KeyError("x"), "KeyError: 'x'")]
)
def test_what_a_scenario_raises_breaks_the_row(error: Exception, text: str) -> None:
    async def fails(ward: Ward) -> Finding:
        await ward.listen(ward.client(await ward.simulator()), "quotes", ward.symbol)
        raise error

    assert judged(fails).broken == (text,)


def test_a_scenario_that_never_ends_is_given_up() -> None:
    async def waits(_ward: Ward) -> Finding:
        await asyncio.sleep(10**9)
        return QUIET

    assert judged(waits).broken == ("it took too long and was given up",)


def test_a_task_that_is_left_breaks_the_row() -> None:
    kept: list[asyncio.Task[Any]] = []

    async def careless(_ward: Ward) -> Finding:
        kept.append(asyncio.create_task(asyncio.sleep(100), name="left by a test"))
        return QUIET

    assert judged(careless).broken == ("I7: tasks are left: ['left by a test']",)


def test_a_socket_that_is_left_breaks_the_row() -> None:
    kept: list[socket.socket] = []

    async def careless(_ward: Ward) -> Finding:
        kept.append(socket.socket())
        return QUIET

    verdict = judged(careless)
    kept[0].close()
    assert verdict.broken == ("I7: sockets are left",)


def test_a_failure_that_nobody_retrieved_breaks_the_row() -> None:
    async def fail() -> None:
        raise ValueError("nobody asks")

    async def careless(_ward: Ward) -> Finding:
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        return QUIET

    assert judged(careless).broken == ("I7: Task exception was never retrieved",)


def test_a_secret_in_the_log_breaks_the_row() -> None:
    async def tells(_ward: Ward) -> Finding:
        logging.getLogger("brokerwire").warning("the key is canary-api-key-7-4711")
        return QUIET

    assert judged(tells).broken == ("I8: a secret shows in the log, a status or an error",)


def test_nothing_of_it_reaches_the_users_tokens_or_log(caplog: pytest.LogCaptureFixture) -> None:
    folder = Path(os.environ["BROKERWIRE_TOKEN_DIR"])
    verdict = examine(Row(id="F00", title="A login", scenario=login, venues=("tradestation",)), "tradestation")
    assert verdict.holds, verdict.text
    assert list(folder.iterdir()) == []
    assert caplog.records == []


def test_the_users_proxy_environment_and_credentials_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "socks5://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("BROKERWIRE_ENVIRONMENT", "live")
    monkeypatch.setenv("TRADESTATION_REFRESH_TOKEN", "the-users-own")
    verdict = examine(Row(id="F00", title="A login", scenario=login, venues=("tradestation",)), "tradestation")
    assert verdict.holds, verdict.text


async def login(ward: Ward) -> Finding:
    await ward.client(await ward.simulator()).market_data.get_quotes("AAPL")
    return QUIET
