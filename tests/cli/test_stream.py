import json
import os
from typing import Any

import pytest

from brokerwire import Gap, Topic
from brokerwire.cli.stream import Sink
from brokerwire.events import Notice, StateChange

OFFLINE = ("-e", "offline")
BINANCE = ("-v", "binance", *OFFLINE)


def test_count_ends_the_stream_after_so_many_events(cli: Any) -> None:
    shown = cli("stream", "quotes", "BTCUSDT", "ETHUSDT", *BINANCE, "--count", "5")
    assert shown.code == 0
    events = [json.loads(line) for line in shown.lines]
    assert len(events) == 5
    assert {event["type"] for event in events} == {"quote"}
    assert {event["symbol"] for event in events} <= {"BTCUSDT", "ETHUSDT"}
    assert any(line.endswith("events, 0 dropped, 0 gapped") for line in shown.err.splitlines())


def test_for_ends_the_stream_after_so_long(cli: Any) -> None:
    shown = cli("stream", "trades", "BTCUSDT", *BINANCE, "--for", "300ms")
    assert shown.code == 0
    assert all(json.loads(line)["type"] == "trade" for line in shown.lines)


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("bars", "AAPL", "--bars-back", "3", "-i", "1"), "bar"),
        (("depth", "AAPL", "--levels", "2"), "depth"),
        (("trades", "AAPL"), "trade"),
        (("quotes", "AAPL"), "quote"),
        (("positions",), "position"),
        (("balances",), "balance"),
    ],
)
def test_every_kind_of_stream_prints_its_events(cli: Any, arguments: tuple[str, ...], kind: str) -> None:
    shown = cli("stream", *arguments, *OFFLINE, "--count", "1", "--for", "20s", "--json")
    assert shown.code == 0
    assert json.loads(shown.lines[0])["type"] == kind


def test_wrong_limits_are_wrong_usage(cli: Any) -> None:
    for limits in (("--count", "0"), ("--for", "soon"), ("--levels", "0")):
        assert cli("stream", "depth", "AAPL", *OFFLINE, *limits).code == 2


def test_losses_are_printed_between_the_events_and_other_statuses_beside_them(capsys: Any) -> None:
    written: list[Any] = []
    sink = Sink(written.append, None)
    gap = Gap(Topic("quote", "A"), 1, 2, "lost")
    sink.on_status(gap)
    sink.on_status(StateChange("live", "stale", "quiet\x1b[31m"))
    sink.on_status(Notice("soon"))
    sink.on_error(ValueError("bad\nthing"), None)
    assert written == [gap]
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 3
    assert "\x1b" not in err
    assert "error: bad\\x0athing" in err


async def test_what_printing_raises_ends_the_command() -> None:
    def write(_record: Any) -> None:
        raise BrokenPipeError

    sink = Sink(write, 5)
    sink.on_event("a")
    assert sink.done.is_set()
    assert isinstance(sink.failure, BrokenPipeError)
    sink.on_event("b")


@pytest.mark.process
async def test_a_person_at_a_terminal_sees_text(command: Any) -> None:
    ours, theirs = os.openpty()
    try:
        stream = await command("stream", "quotes", "BTCUSDT", *BINANCE, "--count", "1", stdout=theirs)
        ended = await stream.end()
        shown = os.read(ours, 65_536).decode()
    finally:
        os.close(theirs)
        os.close(ours)
    assert ended.code == 0
    assert "BTCUSDT" in shown
    assert not shown.startswith("{")


def test_a_stream_that_fails_ends_with_exit_code_1(cli: Any) -> None:
    shown = cli("stream", "quotes", "NOSUCHSYM", *OFFLINE, "--for", "20s")
    assert shown.code == 1
    assert "INVALID SYMBOL" in shown.err.splitlines()[-1]


def test_orders_of_an_idle_account_are_waited_for_in_silence(cli: Any) -> None:
    shown = cli("stream", "orders", *OFFLINE, "--for", "200ms")
    assert (shown.code, shown.out) == (0, "")
    assert "0 events" in shown.err
