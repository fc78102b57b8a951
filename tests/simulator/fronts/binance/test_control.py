"""Control messages change the subscriptions and are answered with the documented shapes."""

import msgspec
import pytest

from brokerwire.simulator.fronts.binance.control import Subscriptions, receive


def ask(state, **message):
    return msgspec.json.decode(receive(msgspec.json.encode(message), state).reply)


@pytest.fixture
def state():
    return Subscriptions(combined=True)


def test_subscribe_adds_and_list_tells_in_order(state):
    outcome = receive(b'{"method":"SUBSCRIBE","params":["b@trade","a@depth@100ms"],"id":11}', state)
    assert outcome.reply == b'{"result":null,"id":11}'
    assert [name.text for name in outcome.added] == ["b@trade", "a@depth@100ms"]
    assert ask(state, method="LIST_SUBSCRIPTIONS", id=13) == {"result": ["b@trade", "a@depth@100ms"], "id": 13}


def test_subscribing_again_adds_nothing(state):
    ask(state, method="SUBSCRIBE", params=["a@trade"], id=1)
    assert receive(b'{"method":"SUBSCRIBE","params":["a@trade","a@trade"],"id":2}', state).added == ()


def test_unsubscribe_removes_what_was_there(state):
    ask(state, method="SUBSCRIBE", params=["a@trade"], id=1)
    outcome = receive(b'{"method":"UNSUBSCRIBE","params":["a@trade","b@trade"],"id":"x-1"}', state)
    assert outcome.reply == b'{"result":null,"id":"x-1"}'
    assert [name.text for name in outcome.removed] == ["a@trade"]
    assert state.streams == {}


def test_combined_is_a_property_that_can_be_set_and_read(state):
    assert ask(state, method="SET_PROPERTY", params=["combined", False], id=None) == {"result": None, "id": None}
    assert ask(state, method="GET_PROPERTY", params=["combined"], id=15) == {"result": False, "id": 15}


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        ({"method": "SET_PROPERTY", "params": ["colour", True], "id": 1}, 0, "Unknown property"),
        ({"method": "SET_PROPERTY", "params": ["combined", 1], "id": 1}, 1, "expected Boolean"),
        ({"method": "SET_PROPERTY", "params": ["combined"], "id": 1}, 1, "expected Boolean"),
        ({"method": "GET_PROPERTY", "params": [1], "id": 1}, 2, "must be a string"),
        ({"method": "GET_PROPERTY", "id": 1}, 2, "must be a string"),
        ({"method": "GET_PROPERTY", "params": ["combined", 1], "id": 1}, 2, "too many parameters"),
        ({"method": "LIST_SUBSCRIPTIONS", "params": ["a"], "id": 1}, 2, "too many parameters"),
        ({"method": "DANCE", "id": 1}, 2, "unknown variant `DANCE`"),
        ({"method": 5, "id": 1}, 2, "unknown variant `5`"),
        ({"id": 1}, 2, "missing field `method`"),
        ({"method": "SUBSCRIBE", "params": ["nonsense"], "id": 1}, 2, "invalid stream"),
        ({"method": "SUBSCRIBE", "params": "a@trade", "id": 1}, 2, "invalid stream"),
    ],
)
def test_mistakes_have_the_documented_codes_and_echo_the_id(state, message, code, text):
    reply = ask(state, **message)
    assert (reply["code"], reply["id"]) == (code, 1)
    assert text in reply["msg"]


@pytest.mark.parametrize("request_id", [True, 1.5, "x" * 37, 2**63, []])
def test_id_of_another_kind_is_refused_without_an_id(state, request_id):
    reply = ask(state, method="LIST_SUBSCRIPTIONS", id=request_id)
    assert reply == {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"}


def test_missing_id_is_refused(state):
    assert ask(state, method="LIST_SUBSCRIPTIONS")["code"] == 2


def test_invalid_json_is_told_with_its_place(state):
    reply = msgspec.json.decode(receive(b'{"method"\n: nope}', state).reply)
    assert reply["code"] == 3
    assert "line 2 column" in reply["msg"]
    assert msgspec.json.decode(receive(b"[1]", state).reply)["code"] == 2


def test_more_than_the_most_streams_are_refused_and_nothing_is_subscribed():
    state = Subscriptions(combined=True, max_streams=2)
    reply = ask(state, method="SUBSCRIBE", params=["a@trade", "b@trade", "c@trade"], id=1)
    assert reply["code"] == 2
    assert state.streams == {}
