import io
import sys
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from brokerwire import Balance, Gap, Order, Overflow, Quote, StateChange, Topic, Trade
from brokerwire.cli.output import describe, is_worth_a_line, printer, show_records, to_json, to_text
from brokerwire.events import Depth, Level, Notice

TIME_NS = 1_795_000_000_123_456_789


class Terminal(io.StringIO):
    """An output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def quote(symbol: str = "AAPL") -> Quote:
    return Quote("v", symbol, TIME_NS, TIME_NS, bid=1.5, ask=None)


def test_an_event_is_one_json_object_with_its_type() -> None:
    found = msgspec.json.decode(to_json(quote(), "v"))
    assert found["type"] == "quote"
    assert (found["symbol"], found["bid"], found["ask"]) == ("AAPL", 1.5, None)


def test_decimals_keep_their_digits_and_an_order_its_two_types() -> None:
    order = Order("v", "AAPL", None, 1, order_id="1", type="limit", limit_price=Decimal("1.10"))
    found = msgspec.json.decode(to_json(order, "v"))
    assert (found["type"], found["order_type"], found["limit_price"]) == ("order", "limit", "1.10")


def test_losses_carry_venue_symbol_and_times() -> None:
    gap = msgspec.json.decode(to_json(Gap(Topic("bar", "AAPL", "1m"), 1, 2, "lost"), "v"))
    assert gap == {
        "type": "gap",
        "topic": "bar:AAPL:1m",
        "venue": "v",
        "symbol": "AAPL",
        "channel": "bar",
        "start_ns": 1,
        "end_ns": 2,
        "time_ns": 1,
        "received_ns": 2,
        "reason": "lost",
        "filled": False,
    }
    overflow = msgspec.json.decode(to_json(Overflow(None, 3), "v"))
    assert (overflow["type"], overflow["dropped"], overflow["venue"]) == ("overflow", 3, "v")


def test_one_event_is_one_line_of_json_whatever_it_holds() -> None:
    assert "\n" not in to_json(Trade("v", "A\nB", None, 1, 1.0, 2.0, conditions=("x\r\n",)), "v")


def test_text_for_people_shows_what_is_there_and_nothing_else() -> None:
    text = to_text(quote())
    assert "AAPL" in text
    assert "bid" in text
    assert "1.5" in text
    assert "ask" not in text
    assert "11:06:40.123" in text


def test_neither_control_characters_nor_markup_reach_a_terminal() -> None:
    for record in (quote("\x1b[31m[red]A"), Notice("\x1b]0;x\x07[bold]b"), StateChange("live", "stale", "a\nb")):
        text = to_text(record)
        assert not any(ord(char) < 32 for char in text)
    assert "\\[red]" in to_text(quote("[red]A"))


def test_a_book_is_shown_by_its_best_levels() -> None:
    levels = tuple(Level(float(price), 1.0) for price in range(5))
    text = to_text(Depth("v", "A", None, 1, levels, levels))
    assert "[0x1 1x1 2x1]" in text


def test_a_terminal_gets_text_unless_json_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)  # here, because the runner sets its own between the phases of a test
    printer(venue="v", as_json=False)(quote())
    assert "AAPL" in terminal.getvalue()
    assert "{" not in terminal.getvalue()
    printer(venue="v", as_json=True)(quote())
    assert msgspec.json.decode(terminal.getvalue().splitlines()[-1])["symbol"] == "AAPL"


def test_records_are_a_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    show_records([quote(), quote("\x1b[31mB")], venue="v", as_json=False, title="Quotes")
    shown = terminal.getvalue()
    assert "Quotes" in shown
    assert "AAPL" in shown
    assert "\x1b[31m" not in shown
    show_records([], venue="v", as_json=False, title="Nothing")
    assert "Nothing" in terminal.getvalue()


def test_records_are_json_lines_on_a_pipe(capsys: Any) -> None:
    show_records([quote(), quote("B")], venue="v", as_json=False, title="Quotes")
    lines = capsys.readouterr().out.splitlines()
    assert [msgspec.json.decode(line)["symbol"] for line in lines] == ["AAPL", "B"]


def test_only_losses_stand_between_the_events() -> None:
    assert is_worth_a_line(Gap(Topic("a", "b"), 1, 2, ""))
    assert is_worth_a_line(Overflow(None, 1))
    assert not is_worth_a_line(Notice("x"))
    assert not is_worth_a_line(StateChange("live", "stale", ""))


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (StateChange("live", "stale", "silence"), "live -> stale: silence"),
        (Gap(Topic("quote", "AAPL"), 0, 1_500_000_000, "lost"), "gap of 1.5 s in quote:AAPL: lost"),
        (Overflow(Topic("quote", "AAPL"), 7), "7 events of quote:AAPL dropped: the output is too slow"),
        (Notice("a word"), "note: a word"),
    ],
)
def test_a_status_is_one_sentence(status: Any, text: str) -> None:
    assert describe(status) == text


def test_a_table_of_balances_names_a_currency_once(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    balances = [Balance("v", "USD", None, 1, account="A", currency="USD", cash=Decimal("1.50"))]
    show_records(balances, venue="v", as_json=False, title="Balances")
    assert terminal.getvalue().count("USD") == 1
