import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from brokerwire.cli.running import INTERRUPTED, TERMINATED, Ended, load_environment, run
from brokerwire.errors import ConfigurationError


def test_the_result_of_a_command_is_returned() -> None:
    async def main() -> int:
        await asyncio.sleep(0)
        return 5

    assert run(main) == 5


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, TERMINATED), (signal.SIGINT, INTERRUPTED)])
def test_a_signal_cancels_the_command_and_sets_the_exit_code(number: signal.Signals, code: int) -> None:
    cleaned: list[str] = []

    async def main() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("up")

    with pytest.raises(Ended) as ended:
        run(main)
    assert ended.value.exit_code == code
    assert cleaned == ["up"]


SLOW_TO_LEAVE = """
import asyncio, time
from brokerwire.cli.running import run

async def main():
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 30)
    print("done", flush=True)

run(main)
"""


@pytest.mark.process
async def test_an_interrupt_while_the_loop_is_taken_down_ends_at_once_and_without_a_word() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SLOW_TO_LEAVE), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        assert await process.stdout.readline() == b"done\n"
        ending = asyncio.create_task(process.communicate())
        while process.returncode is None:  # the first may come before the loop is on its way
            process.send_signal(signal.SIGINT)
            await asyncio.wait({ending}, timeout=0.1)
        _, errors = await ending
    assert (process.returncode, errors) == (INTERRUPTED, b"")


def test_a_command_that_cancels_itself_is_not_taken_for_a_signal() -> None:
    async def main() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run(main)


def test_dotenv_of_this_directory_is_read_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    load_environment()
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("BW_TEST_SET", "before")
    monkeypatch.setenv("BW_TEST_NEW", "x")
    monkeypatch.delenv("BW_TEST_NEW")
    (tmp_path / ".env").write_text("# comment\nBW_TEST_SET=after\nexport BW_TEST_NEW='a b'\n\n")
    load_environment()
    assert os.environ["BW_TEST_SET"] == "before"
    assert os.environ["BW_TEST_NEW"] == "a b"
    assert capsys.readouterr().err == "using .env of this directory\n"
    monkeypatch.delenv("BW_TEST_NEW")


def test_a_malformed_dotenv_names_the_line_and_not_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("GOOD=1\n= canary\n")
    with pytest.raises(ConfigurationError, match="line 2") as caught:
        load_environment()
    assert "canary" not in str(caught.value)
    assert "GOOD" not in os.environ


def test_a_dotenv_above_this_directory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("BW_TEST_ABOVE=1\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    load_environment()
    assert "BW_TEST_ABOVE" not in os.environ


def test_a_malformed_dotenv_is_one_line_and_exit_code_1(cli: Any, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BINANCE_API_KEY='unclosed canary\n")
    shown = cli("stream", "quotes", "BTCUSDT", "-v", "binance", "-e", "offline", "--count", "1")
    assert (shown.code, shown.out) == (1, "")
    assert shown.err == "error: .env, line 1: not of the form NAME=value\n"


def test_without_the_extra_loop_the_usual_one_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)

    async def main() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert run(main).startswith("asyncio")
