"""How Binance says no: error codes, texts and the HTTP status they travel with."""

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """A request is refused; the REST and WebSocket fronts put it on the wire each in its own shape.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/errors, read 2026-11-20.
    """

    def __init__(
        self,
        code: int,
        msg: str,
        *,
        status: int = 400,
        headers: Mapping[str, str] | None = None,
        retry_at_ms: int = 0,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {msg}")
        self.code = code
        self.msg = msg
        self.status = status
        self.headers = dict(headers or {})
        self.retry_at_ms = retry_at_ms
        self.data = data

    @property
    def body(self) -> dict[str, Any]:
        """The REST error body."""
        found: dict[str, Any] = {"code": self.code, "msg": self.msg}
        return found if self.data is None else {**found, "data": self.data}


SYMBOL_RANGE = r"^[\w\-._&&[^a-z]]{1,50}$"
SYMBOLS_RANGE = r'^\[("[\w\-._&&[^a-z]]{1,50}"(,"[\w\-._&&[^a-z]]{1,50}"){0,}){0,1}\]$'
NUMBER_RANGE = "^[0-9]{1,20}$"
DECIMAL_RANGE = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"


def missing(name: str) -> Refusal:
    return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def one_missing(first: str, second: str) -> Refusal:
    return Refusal(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def illegal(name: str, legal: str) -> Refusal:
    return Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def too_many(expected: int, received: int) -> Refusal:
    return Refusal(-1101, f"Too many parameters; expected '{expected}' and received '{received}'.")


def duplicated(name: str) -> Refusal:
    return Refusal(-1101, f"Duplicate values for parameter '{name}'.")


def unread(read: int, sent: int) -> Refusal:
    return Refusal(-1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.")


def empty(name: str) -> Refusal:
    return Refusal(-1105, f"Parameter '{name}' was empty.")


def not_required(name: str) -> Refusal:
    return Refusal(-1106, f"Parameter '{name}' sent when not required.")


def too_precise(name: str) -> Refusal:
    return Refusal(-1111, f"Parameter '{name}' has too much precision.")


def bad_combination() -> Refusal:
    return Refusal(-1128, "Combination of optional parameters invalid.")


def invalid_data(name: str) -> Refusal:
    return Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")


def invalid_interval() -> Refusal:
    return Refusal(-1120, "Invalid interval.")


def invalid_symbol() -> Refusal:
    return Refusal(-1121, "Invalid symbol.")


def unauthorized() -> Refusal:
    return Refusal(-2015, "Invalid API-key, IP, or permissions for action.", status=401)


def bad_key_format() -> Refusal:
    return Refusal(-2014, "API-key format invalid.", status=401)


def bad_signature() -> Refusal:
    return Refusal(-1022, "Signature for this request is not valid.")


def outside_window() -> Refusal:
    return Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def ahead_of_server() -> Refusal:
    return Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def order_refused(text: str) -> Refusal:
    return Refusal(-2010, text)


def cancel_refused(text: str = "Unknown order sent.") -> Refusal:
    return Refusal(-2011, text)


def no_such_order() -> Refusal:
    return Refusal(-2013, "Order does not exist.")


def filter_failed(name: str) -> Refusal:
    return Refusal(-1013, f"Filter failure: {name}")


def outcome_unknown(status: int = 504) -> Refusal:
    text = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
    return Refusal(-1007, text, status=status)
