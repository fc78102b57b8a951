import logging
from typing import Any

import pytest

from brokerwire.compat.tv_scraper.envelope import PartlyDone, enveloped
from brokerwire.errors import StreamError


class Answers:
    @enveloped
    def get(self, what: Any, size: int = 3, more: str | None = None) -> Any:
        """Say it."""
        if isinstance(what, BaseException):
            raise what
        return what


def test_an_answer_has_its_data_and_what_it_was_asked() -> None:
    assert Answers().get(7) == {"status": "success", "data": 7, "metadata": {"what": 7, "size": 3}, "error": None}
    assert Answers().get(what=7, more="x")["metadata"] == {"what": 7, "size": 3, "more": "x"}
    assert Answers.get.__doc__ == "Say it."


@pytest.mark.parametrize("failure", [StreamError("mine"), ValueError("mine")])
def test_a_failure_is_told_and_not_raised(failure: Exception) -> None:
    answer = Answers().get(failure)
    assert (answer["status"], answer["data"], answer["error"]) == ("failed", None, "mine")


def test_what_is_done_in_part_keeps_its_data() -> None:
    answer = Answers().get(PartlyDone("half", [1]))
    assert (answer["status"], answer["data"], answer["error"]) == ("failed", [1], "half")


def test_a_fault_of_ours_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = Answers().get(KeyError("mine"))
    assert answer["error"] == "Unexpected error: KeyError('mine')"
    assert "get failed" in caplog.text


def test_an_interrupt_and_a_wrong_call_are_raised() -> None:
    with pytest.raises(KeyboardInterrupt):
        Answers().get(KeyboardInterrupt())
    with pytest.raises(TypeError, match="colour"):
        Answers().get(1, colour="red")  # type: ignore[call-arg]  # what is tested
