import asyncio
import signal
import time
from typing import Any

import pytest

from brokerwire import __version__


def test_help_names_every_command(cli: Any) -> None:
    shown = cli("--help")
    assert shown.code == 0
    for name in ("stream", "orders", "account", "auth", "venues", "simulate", "bench"):
        assert name in shown.out


def test_the_version_is_printed(cli: Any) -> None:
    shown = cli("--version")
    assert (shown.code, shown.out) == (0, f"brokerwire {__version__}\n")


@pytest.mark.parametrize("arguments", [("nonsense",), ("stream", "quotes"), ("stream", "quotes", "A", "--nonsense")])
def test_wrong_usage_exits_with_2_and_says_how(cli: Any, arguments: tuple[str, ...]) -> None:
    shown = cli(*arguments)
    assert shown.code == 2
    assert "Usage" in shown.err
    assert shown.out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("stream", "quotes", "NOSUCHCOIN", "-v", "binance", "-e", "offline"), "NOSUCHCOIN"),
        (("stream", "quotes", "A", "-v", "nowhere"), "there is no venue 'nowhere'"),
        (("stream", "quotes", "A", "-e", "nowhere"), "environment 'nowhere' is unknown"),
        (("account", "-v", "binance", "-e", "offline"), "does not offer get_accounts"),
        (("account", "-v", "tradestation", "-e", "live"), "set TRADESTATION_CLIENT_ID"),
        (("simulate", "--venue", "nowhere"), "no simulator for venue 'nowhere'"),
        (("simulate", "--fault", "nonsense"), "unknown fault"),
        (("orders", "place", "buy", "many", "AAPL", "-e", "offline"), "many"),
    ],
)
def test_an_error_is_one_line_and_exit_code_1(cli: Any, arguments: tuple[str, ...], message: str) -> None:
    shown = cli(*arguments)
    assert shown.code == 1
    assert shown.out == ""
    errors = shown.err.splitlines()
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert message in errors[0]


def test_control_characters_in_an_error_do_not_reach_the_terminal(cli: Any) -> None:
    shown = cli("stream", "quotes", "\x1b[31mA\r\nerror: forged", "-v", "binance", "-e", "offline")
    assert shown.code == 1
    assert "\x1b" not in shown.err
    assert len(shown.err.splitlines()) == 1


@pytest.mark.process
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_ends_a_stream_within_a_second_and_without_a_traceback(
    command: Any, number: signal.Signals, code: int
) -> None:
    stream = await command("stream", "quotes", "BTCUSDT", "-v", "binance", "-e", "offline")
    await stream.line()
    started = time.monotonic()
    stream.signal(number)
    ended = await stream.end()
    assert ended.code == code
    assert "Traceback" not in ended.err
    assert time.monotonic() - started < 5  # one second for us, the others for a busy machine


@pytest.mark.process
async def test_two_interrupts_end_it_all_the_same(command: Any) -> None:
    stream = await command("stream", "quotes", "AAPL", "-e", "offline")
    await stream.line()
    stream.signal(signal.SIGINT)
    await asyncio.sleep(0)
    stream.signal(signal.SIGINT)
    ended = await stream.end()
    assert ended.code in {130, -signal.SIGINT}
    assert ended.err.count("Traceback") <= 1


@pytest.mark.process
async def test_a_reader_that_goes_away_ends_the_stream_quietly(command: Any) -> None:
    stream = await command("stream", "quotes", "BTCUSDT", "-v", "binance", "-e", "offline")
    await stream.line()
    stream.process._transport.get_pipe_transport(1).close()
    async with asyncio.timeout(20):
        code = await stream.process.wait()
    assert stream.process.stderr is not None
    err = (await stream.process.stderr.read()).decode()
    assert code == 0
    assert "Traceback" not in err
    assert "BrokenPipe" not in err
