"""F51: control characters from the venue or the user: one record is one line, and nothing acts on a terminal."""

import asyncio
import json
import logging
import os
import pty
import sys
import unicodedata
from typing import Any

import pytest
from tests.faults.conftest import IS_FULL, Row
from tests.faults.venues import CASES as VENUE_CASES
from tests.faults.venues import WEBSOCKETS
from tests.faults.waiting import reached

from brokerwire import BrokerwireError
from brokerwire.cli import output

FORGED = "2026-11-20 12:00:00,000 ERROR brokerwire: all positions were closed"
ATTACKS = {
    "lines": f"x\r\n{FORGED}",
    "separators": f"x\u2028{FORGED}\u2029\x85\x0b\x0c",
    "ansi": "x\x1b[2J\x1b]0;owned\x07\x1b[31m",
    "c1": "x\x9b2J\x9d0;owned\x9c",
    "bidi": "x\u202e\u2066dlos\u2069\u200f\u061c",
    "invisible": "x\u200b\u2060\ufeff\U000e0041\x00\x7f\x08",
}
CASES = [pytest.param(text, id=name) for name, text in ATTACKS.items()]
_FORMATTER = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")


def is_harmless(line: str) -> bool:
    return not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in line)


def check_records(row: Row, *, at_least: int = 1) -> None:
    """Every record of ours is one line; a traceback is set in, so that no line of it looks like a record."""
    records = [record for record in row._log.records if record.name.startswith("brokerwire")]
    assert sum(record.levelno >= logging.WARNING for record in records) >= at_least
    for record in records:
        first, *others = _FORMATTER.format(record).split("\n")
        assert is_harmless(first), first
        assert all(line.startswith("  | ") and is_harmless(line) for line in others), others


def check_shown(row: Row) -> None:
    """What the command line would show of all that was heard."""
    for watch in row.watches:
        for status in watch.statuses:
            assert is_harmless(output.describe(status))
            assert is_harmless(output.to_text(status))
            assert is_harmless(output.to_json(status, "venue"))
        for event in watch.events:
            assert is_harmless(output.to_text(event))
            assert is_harmless(line := output.to_json(event, "venue"))
            assert json.loads(line)["symbol"] == event.symbol
        for error, _ in watch.errors:
            assert not isinstance(error, BrokerwireError) or is_harmless(str(error))


@pytest.mark.parametrize(("venue", "symbol"), WEBSOCKETS)
@pytest.mark.parametrize("attack", CASES)
def test_a_close_reason_of_the_venue_stays_on_one_line(row: Row, venue: str, symbol: str, attack: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator), "quotes", symbol)
        await watch.more(5)
        simulator.faults.set("close:4001", reason=attack, times=1)
        await reached(watch, "recovering")
        await reached(watch, "live")
        assert any("4001" in status.reason and "x" in status.reason for status in watch.statuses[1:2])
        check_records(row)
        check_shown(row)

    row(main)


@pytest.mark.parametrize("attack", CASES)
def test_an_error_frame_and_a_refusal_of_the_venue_stay_on_one_line(row: Row, attack: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        watch = await row.watch(client, "quotes", "AAPL")
        await row.watch(client, "order_updates", flows=False)
        simulator.faults.set(f"stream_error:{attack}", times=1)
        await reached(watch, "recovering")
        await reached(watch, "live")
        simulator.faults.set(f"reject_order:{attack}", times=1)
        ticket: dict[str, Any] = {"symbol": "AAPL", "side": "buy", "quantity": 1, "type": "market"}
        with pytest.raises(BrokerwireError) as caught:
            await client.order_execution.place_order(**ticket)
        assert is_harmless(str(caught.value))
        await row.sleep(2)
        check_records(row)
        check_shown(row)

    row(main)


@pytest.mark.parametrize("attack", CASES)
def test_a_packet_that_ends_the_connection_stays_on_one_line(row: Row, attack: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview")
        watch = await row.watch(row.client(simulator), "quotes", "BINANCE:BTCUSDT")
        await watch.more(5)
        simulator.faults.set(f"stream_error:{attack}", times=1)
        await reached(watch, "recovering")
        await reached(watch, "live")
        assert any("x" in status.reason for status in watch.statuses[1:2])
        check_records(row)
        check_shown(row)

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), VENUE_CASES)
@pytest.mark.parametrize("attack", CASES)
def test_what_the_user_hands_in_stays_on_one_line(row: Row, venue: str, symbol: str, attack: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)

        async def fail(_event: Any) -> None:
            raise ValueError(attack)

        watch = await row.watch(client, "quotes", symbol, behave=fail)
        plain = client.market_data.stream_quotes(symbol, fail)
        subscription = await plain
        await watch.more(5)
        await subscription.unsubscribe()
        for wish in (attack, [symbol, attack]):
            error = await row.watch_in_vain(client, "quotes", wish)
            assert is_harmless(str(error))
        calls = [lambda: client.market_data.get_bars(attack), lambda: client.market_data.get_bars(symbol, attack)]
        if venue == "tradestation":
            calls += [lambda: client.brokerage.get_balances(accounts=attack)]
            calls += [lambda: client.order_execution.cancel_order(attack)]
        for call in calls:
            with pytest.raises(BrokerwireError) as caught:
                await call()
            assert is_harmless(str(caught.value))
        check_records(row)
        check_shown(row)

    row(main)


if IS_FULL:  # it starts processes

    @pytest.mark.process
    @pytest.mark.parametrize("attack", CASES)
    @pytest.mark.parametrize("arguments", [["stream", "quotes"], ["stream", "quotes", "AAPL", "--venue"], ["stream"]])
    def test_a_terminal_is_sent_nothing_that_acts_on_it(attack: str, arguments: list[str]) -> None:
        arguments = [*arguments, attack.replace("\x00", "")]
        code, shown = asyncio.run(on_a_terminal(*arguments))
        assert code in {1, 2}
        assert "x" in shown
        for line in shown.replace("\r\n", "\n").split("\n"):
            assert is_harmless(line), line


async def on_a_terminal(*arguments: str) -> tuple[int, str]:
    """Run the command line at a terminal; returns its exit code and what the terminal was sent."""
    ours, theirs = pty.openpty()
    variables = {"NO_COLOR": "1", "TERM": "dumb", "BROKERWIRE_ENVIRONMENT": "offline"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "brokerwire", *arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **variables},
    )
    os.close(theirs)
    shown = await asyncio.to_thread(_read_all, ours)
    return await process.wait(), shown.decode()


def _read_all(descriptor: int) -> bytes:
    parts = []
    try:
        while part := os.read(descriptor, 65_536):
            parts.append(part)
    except OSError:  # the other side has gone
        pass
    finally:
        os.close(descriptor)
    return b"".join(parts)
