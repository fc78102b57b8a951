import asyncio
import json
import os
import pty
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.faults.tls import Authority, TlsDoor

from brokerwire.doctor.table import ROWS
from brokerwire.simulator import Simulator

CANARIES = {
    "TRADESTATION_CLIENT_ID": "canary-client-id-4711",
    "TRADESTATION_CLIENT_SECRET": "canary-client-secret-4711",
    "TRADESTATION_REFRESH_TOKEN": "canary-refresh-token-4711",
}


def test_chosen_rows_are_judged_one_object_a_line(cli: Any) -> None:
    shown = cli("doctor", "--row", "F05", "--row", "f13", "--venue", "binance")
    assert shown.code == 0
    records = [json.loads(line) for line in shown.lines]
    assert [(record["type"], record["row"], record["venue"], record["verdict"]) for record in records] == [
        ("row", "F05", "binance", "holds"),
        ("row", "F13", "binance", "holds"),
    ]
    assert all(record["seconds"] >= 0 and record["text"] for record in records)
    (stale, *_) = records[0]["figures"]
    assert stale["value"] <= stale["at_most"] == 25
    assert shown.err.startswith("2 of 2 hold; it took ")


def test_offline_is_the_same_as_nothing(cli: Any) -> None:
    shown = cli("doctor", "--row", "F13", "--venue", "binance", "--environment", "offline")
    assert (shown.code, len(shown.lines)) == (0, 1)


def test_the_list_names_every_row_and_runs_none(cli: Any) -> None:
    shown = cli("doctor", "--list")
    assert [json.loads(line)["row"] for line in shown.lines] == [row.id for row in ROWS]
    assert (shown.code, shown.err) == (0, "")


@pytest.mark.parametrize("arguments", [["--row", "F99"], ["--row", "F41", "--venue", "binance"]])
def test_a_row_that_is_not_there_is_one_line_and_exit_code_1(cli: Any, arguments: list[str]) -> None:
    shown = cli("doctor", *arguments)
    assert (shown.code, shown.out) == (1, "")
    assert shown.err.startswith("error: ")


@pytest.mark.parametrize("endpoint", ["rest", "rest=", "=x"])
def test_a_malformed_endpoint_is_wrong_usage(cli: Any, endpoint: str) -> None:
    assert cli("doctor", "-v", "binance", "--endpoint", endpoint).code == 2


def test_a_check_up_needs_a_venue(cli: Any) -> None:
    shown = cli("doctor", "--environment", "live")
    assert shown.code == 1
    assert "name a venue" in shown.err


@pytest.mark.process
async def test_a_login_is_checked_and_no_secret_shows(command: Any) -> None:
    async with Simulator("tradestation", seed=7) as venue:
        endpoints = [word for key, address in venue.endpoints.items() for word in ("--endpoint", f"{key}={address}")]
        arguments = ("doctor", "-v", "tradestation", "-e", "live", *endpoints)
        good = await (await command(*arguments, env={**os.environ, **CANARIES})).end()
        bad = await (await command(*arguments, env={**os.environ, **CANARIES, "TRADESTATION_CLIENT_ID": ""})).end()
    checks = {record["check"]: record for record in map(json.loads, good.lines)}
    assert good.code == 0, good.out
    assert checks["credentials"]["verdict"] == "ok"
    assert bad.code == 1
    assert "missing: TRADESTATION_CLIENT_ID" in bad.out
    assert "canary" not in good.out + good.err + bad.out + bad.err


@pytest.mark.process
async def test_a_trusted_certificate_is_described(command: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with Simulator("binance", seed=7) as venue:
        door = TlsDoor(venue.endpoints["rest"], authority.certify("good"))
        await door.start()
        arguments = [
            word for key in ("rest", "stream") for word in ("--endpoint", f"{key}=https://127.0.0.1:{door.port}")
        ]
        environment = {**os.environ, "SSL_CERT_FILE": str(authority.ca_file)}
        shown = await (await command("doctor", "-v", "binance", "-e", "live", *arguments, env=environment)).end()
        await door.close()
    assert shown.code == 0, shown.out
    assert "TLSv1.3, its certificate is good for 1 more days" in shown.out


@pytest.mark.process
async def test_an_interrupt_ends_it_with_130_and_few_words(command: Any) -> None:
    process = await command("doctor")
    assert json.loads(await process.line())["row"] == "F04"
    process.signal(signal.SIGINT)
    shown = await process.end()
    assert shown.code == 130
    assert "Traceback" not in shown.err


@pytest.mark.process
async def test_a_reader_that_goes_away_ends_it_quietly(command: Any) -> None:
    process = await command("doctor", "--row", "F13", "--row", "F30")
    assert json.loads(await process.line())["row"] == "F13"
    process.process._transport.get_pipe_transport(1).close()
    async with asyncio.timeout(25):
        assert await process.process.wait() == 0
        assert b"rror" not in await process.process.stderr.read()


@pytest.mark.process
async def test_on_a_terminal_there_is_text_and_a_bar(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "brokerwire", "doctor", "--row", "F13"),
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    loop = asyncio.get_running_loop()
    pieces: list[bytes] = []
    ended = asyncio.Event()

    def read() -> None:
        try:
            pieces.append(os.read(ours, 65_536))
        except OSError:  # the other side is closed
            ended.set()

    loop.add_reader(ours, read)
    try:
        async with asyncio.timeout(30):
            await process.wait()
            await ended.wait()
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        process._transport.close()  # type: ignore[attr-defined]  # its pipes are sockets of ours
    text = b"".join(pieces).decode()
    assert process.returncode == 0
    assert "Credentials are refused, tradestation" in text
    assert "forced token refreshes 1 (must be 1)" in " ".join(text.split())
    assert "━" in text
    assert "3 of 3 hold" in text
