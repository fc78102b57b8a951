import copy
import inspect
import pickle

import pytest

from brokerwire import errors
from brokerwire.errors import (
    AuthenticationError,
    BrokerwireError,
    ConnectionLostError,
    OrderOutcomeUnknownError,
    RateLimitError,
    StreamLimitError,
    VenueUnavailableError,
)

CLASSES = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, BaseException) and found.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", CLASSES)
def test_everything_is_in_one_tree_and_says_what_to_do(kind: type[BrokerwireError]) -> None:
    error = kind("what happened")
    assert isinstance(error, BrokerwireError)
    assert str(error) == "what happened"
    assert error.action in {"retry", "refresh", "stop"}
    assert error.facts == {}
    assert kind.__doc__


def test_facts_are_attributes_and_what_is_unknown_is_left_out() -> None:
    error = RateLimitError("slow down", venue="v", status=429, retry_after_s=3.0, code=None)
    assert (error.venue, error.status, error.retry_after_s, error.code) == ("v", 429, 3.0, None)
    assert error.facts == {"venue": "v", "status": 429, "retry_after_s": 3.0}
    assert error.close_code is None


def test_the_action_of_one_error_does_not_change_its_kind() -> None:
    assert AuthenticationError("x", action="refresh").action == "refresh"
    assert AuthenticationError("x").action == "stop"
    assert RateLimitError("x").action == VenueUnavailableError("x").action == ConnectionLostError("x").action == "retry"
    assert OrderOutcomeUnknownError("x").action == "stop"


def test_the_cap_is_a_value_error_too() -> None:
    error = StreamLimitError("full", holders=("1 a",))
    assert isinstance(error, ValueError)
    assert error.holders == ("1 a",)
    assert StreamLimitError("full").holders == ()


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_survive_copying_and_pickling(kind: type[BrokerwireError]) -> None:
    error = kind("text", action="refresh", venue="v", status=5)
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301  # our own
        assert type(twin) is kind
        assert (str(twin), twin.action, twin.venue, twin.facts) == ("text", "refresh", "v", {"venue": "v", "status": 5})
