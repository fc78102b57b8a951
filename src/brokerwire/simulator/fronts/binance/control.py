"""Control messages of the market streams: a message and what is subscribed become a reply and what changes."""

import re
from typing import Any

import msgspec

from brokerwire.simulator.fronts.binance.names import StreamName, parse_name

METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_MAX_ID_LENGTH = 36
_INT64 = 2**63
_JSON_POSITION = re.compile(r"byte (\d+)")


class Subscriptions(msgspec.Struct):
    """What one connection is subscribed to, by name in the order of arrival, and how it wants its payloads."""

    combined: bool
    streams: dict[str, StreamName] = {}
    max_streams: int = 1024


class Outcome(msgspec.Struct, frozen=True):
    """The reply to send, the streams that were added and those that went."""

    reply: bytes
    added: tuple[StreamName, ...] = ()
    removed: tuple[StreamName, ...] = ()


class _ControlError(Exception):
    def __init__(self, code: int, msg: str) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg


def receive(payload: bytes, state: Subscriptions) -> Outcome:
    """Carry out one control message on ``state``.

    Errors have the documented flat shape ``{"code", "msg", "id"}``.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams, read 2026-11-20.
    """
    try:
        message = _parse(payload)
        request_id = _request_id(message)
    except _ControlError as error:
        return Outcome(msgspec.json.encode({"code": error.code, "msg": error.msg}))
    try:
        method = _method(message, payload)
        return _carry_out(method, message, state)
    except _ControlError as error:
        return Outcome(msgspec.json.encode({"code": error.code, "msg": error.msg, "id": request_id}))


def _parse(payload: bytes) -> dict[str, Any]:
    try:
        message = msgspec.json.decode(payload)
    except msgspec.DecodeError as exc:
        line, column = _position(payload, str(exc))
        raise _ControlError(3, f"Invalid JSON: expected value at line {line} column {column}") from exc
    if not isinstance(message, dict):
        raise _ControlError(2, "Invalid request: missing field `method` at line 1 column 1")
    return message


def _position(payload: bytes, text: str) -> tuple[int, int]:
    found = _JSON_POSITION.search(text)
    before = payload[: int(found[1])] if found else payload
    return before.count(b"\n") + 1, len(before) - before.rfind(b"\n")


def _request_id(message: dict[str, Any]) -> int | str | None:
    request_id = message.get("id", False)
    if request_id is None or (isinstance(request_id, str) and len(request_id) <= _MAX_ID_LENGTH):
        return request_id
    if isinstance(request_id, int) and not isinstance(request_id, bool) and -_INT64 <= request_id < _INT64:
        return request_id
    raise _ControlError(2, "Invalid request: request ID must be an unsigned integer")


def _method(message: dict[str, Any], payload: bytes) -> str:
    method = message.get("method")
    if method is None:
        raise _ControlError(2, f"Invalid request: missing field `method` at line 1 column {len(payload)}")
    if method not in METHODS:
        known = ", ".join(f"`{name}`" for name in METHODS)
        name = method if isinstance(method, str) else msgspec.json.encode(method).decode()
        column = payload.find(name.encode()) + len(name) + 1
        text = f"Invalid request: unknown variant `{name}`, expected one of {known} at line 1 column {column}"
        raise _ControlError(2, text)
    return str(method)


def _carry_out(method: str, message: dict[str, Any], state: Subscriptions) -> Outcome:
    params = message.get("params")
    match method:
        case "SUBSCRIBE":
            return _subscribe(message, _names(params), state)
        case "UNSUBSCRIBE":
            return _unsubscribe(message, _names(params), state)
        case "LIST_SUBSCRIPTIONS":
            if params:
                raise _ControlError(2, "Invalid request: too many parameters")
            return _success(message, list(state.streams))
        case "SET_PROPERTY":
            state.combined = _property_value(_property(params, 2))
            return _success(message, None)
        case _:
            _property(params, 1)
            return _success(message, state.combined)


def _names(params: Any) -> list[str]:
    if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
        raise _ControlError(2, "Invalid request: invalid stream")
    return params


def _subscribe(message: dict[str, Any], names: list[str], state: Subscriptions) -> Outcome:
    wanted: dict[str, StreamName] = {}
    for text in names:
        name = parse_name(text)
        if name is None:
            raise _ControlError(2, "Invalid request: invalid stream")
        wanted[text] = name
    added = tuple(name for text, name in wanted.items() if text not in state.streams)
    if len(state.streams) + len(added) > state.max_streams:
        raise _ControlError(2, f"Invalid request: too many streams, at most {state.max_streams} on one connection")
    state.streams.update((name.text, name) for name in added)
    return _success(message, None, added=added)


def _unsubscribe(message: dict[str, Any], names: list[str], state: Subscriptions) -> Outcome:
    gone = (state.streams.pop(text, None) for text in dict.fromkeys(names))
    return _success(message, None, removed=tuple(name for name in gone if name is not None))


def _property(params: Any, expected: int) -> list[Any]:
    if not isinstance(params, list) or not params or not isinstance(params[0], str):
        raise _ControlError(2, "Invalid request: property name must be a string")
    if len(params) > expected:
        raise _ControlError(2, "Invalid request: too many parameters")
    if params[0] != "combined":
        raise _ControlError(0, "Unknown property")
    return params


def _property_value(params: list[Any]) -> bool:
    if len(params) < 2 or not isinstance(params[1], bool):
        raise _ControlError(1, "Invalid value type: expected Boolean")
    return params[1]


def _success(
    message: dict[str, Any],
    result: Any,
    *,
    added: tuple[StreamName, ...] = (),
    removed: tuple[StreamName, ...] = (),
) -> Outcome:
    reply = msgspec.json.encode({"result": result, "id": message["id"]})
    return Outcome(reply, added, removed)
