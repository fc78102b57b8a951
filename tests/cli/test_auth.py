import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from brokerwire.simulator import Simulator

CREDENTIALS = {"TRADESTATION_CLIENT_ID": "canary-client-4711", "TRADESTATION_CLIENT_SECRET": "canary-secret-4711"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def test_status_and_logout_where_nobody_is_logged_in(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    shown = cli("auth", "status")
    assert (shown.code, shown.out) == (0, "not logged in at tradestation; run: brokerwire auth login\n")
    shown = cli("auth", "logout")
    assert shown.code == 0
    assert shown.out.startswith("logged out of tradestation")
    monkeypatch.setenv("TRADESTATION_REFRESH_TOKEN", "canary-refresh-4711")
    shown = cli("auth", "status")
    assert "given by the environment" in shown.out
    assert "canary" not in shown.out + shown.err


def test_a_venue_of_keys_has_no_login(cli: Any) -> None:
    for name in ("login", "status", "logout"):
        shown = cli("auth", name, "-v", "binance", "-e", "offline")
        assert shown.code == 1
        assert "keys are enough" in shown.err


def test_a_login_without_a_client_id_names_the_variable(cli: Any) -> None:
    shown = cli("auth", "login", "--no-browser", "--port", str(free_port()))
    assert shown.code == 1
    assert "TRADESTATION_CLIENT_ID" in shown.err


def test_a_login_at_the_simulator_of_another_process_is_not_offered(cli: Any) -> None:
    shown = cli("auth", "login", "-e", "offline", "--no-browser")
    assert shown.code == 1
    assert len(shown.err.splitlines()) == 1


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator("tradestation", seed=7) as found:
        yield found


LOGIN = """
import sys
import brokerwire.venues.tradestation as folder
from msgspec.structs import replace
from brokerwire.__main__ import main
from brokerwire.venue import Endpoints
addresses = {"rest": sys.argv.pop(1), "auth": sys.argv.pop(1)}
folder.VENUE = replace(folder.VENUE, endpoints=Endpoints(addresses, addresses))
main()
"""
"""The command has no option for addresses: this gives the venue those of a simulator before it runs."""


@pytest.mark.process
async def test_a_login_follows_the_printed_address_and_is_forgotten_again(simulator: Simulator, tmp_path: Any) -> None:
    async def run(*arguments: str, visits: bool = False) -> tuple[int, str, str]:
        import sys

        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            LOGIN,
            simulator.endpoints["rest"],
            simulator.endpoints["auth"],
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=tmp_path,
            env={**os.environ, **CREDENTIALS},
        )
        assert process.stderr is not None
        async with asyncio.timeout(25):
            if visits:
                announced = (await process.stderr.readline()).decode()
                found = re.fullmatch(r"log in here: (\S+)\n", announced)
                assert found is not None
                async with aiohttp.ClientSession() as session, session.get(found[1]) as page:
                    assert "Done." in await page.text()
            out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    port = str(free_port())
    code, out, err = await run("auth", "login", "--no-browser", "--port", port, visits=True)
    assert code == 0
    assert out.startswith("logged in; the token is in ")
    assert "canary" not in out + err
    code, out, _ = await run("auth", "status")
    assert (code, out.split(";")[0]) == (0, "logged in at tradestation")
    code, out, _ = await run("auth", "logout")
    assert (code, out.split(";")[0]) == (0, "logged out of tradestation")
