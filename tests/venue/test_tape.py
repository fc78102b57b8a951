from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerwire.events import Trade
from brokerwire.venue.tape import Tape, continue_tape, without


def ticks(text: str, *, received_ns: int = 1) -> list[Trade]:
    """Return a tick for each letter: the letter is its content, capitals are a second later than small ones."""
    return [Trade("v", "X", 1 + letter.isupper(), received_ns, float(ord(letter.lower())), 1.0) for letter in text]


def letters(events: Sequence[Trade]) -> str:
    return "".join(chr(int(event.price)) for event in events)


@pytest.mark.parametrize(
    ("history", "told", "new", "is_certain"),
    [
        ("abc", "xabc", "", True),
        ("abc", "xab", "c", True),
        ("abc", "xa", "bc", True),
        ("aaa", "aaaa", "", True),
        ("aaa", "baa", "a", False),
        ("ABC", "xyz", "abc", False),
        ("", "xyz", "", False),
    ],
)
def test_the_history_is_laid_onto_the_end_of_what_was_told(
    history: str, told: str, new: str, *, is_certain: bool
) -> None:
    found, certain = continue_tape(ticks(history, received_ns=2), ticks(told))
    assert (letters(found), certain) == (new, is_certain)


def test_without_an_overlap_what_is_older_or_was_told_is_left_out() -> None:
    found, certain = continue_tape(ticks("qAbC"), ticks("xCA"))
    assert (letters(found), certain) == ("", False)


def test_a_history_in_any_order_is_read_by_its_times() -> None:
    tape = Tape()
    assert not tape.has_rows
    for row in ticks("Dab"):
        tape.add(row)
    assert tape.has_rows
    found, certain = tape.beyond(ticks("xa"))
    assert (letters([event for event in found if isinstance(event, Trade)]), certain) == ("bd", True)


def test_of_equal_events_as_many_are_left_out_as_there_are_others() -> None:
    assert letters(without(ticks("abaca", received_ns=5), ticks("aac"))) == "ba"


@given(st.text(alphabet="ab", max_size=30), st.integers(0, 30), st.integers(1, 10))
def test_nothing_is_told_twice_and_what_is_called_certain_is_all(tape: str, heard: int, shown: int) -> None:
    told, missed = tape[:heard], tape[heard:]
    if not told:
        return
    found, certain = continue_tape(ticks(tape[-shown:]), ticks(told))
    rest = iter(missed)  # of equal events some may be taken for told ones where it is not certain
    assert all(letter in rest for letter in letters(found)) or len(missed) > shown
    if certain and len(set(tape)) == len(tape):
        assert letters(found) == missed
