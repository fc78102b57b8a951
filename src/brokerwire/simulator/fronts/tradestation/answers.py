"""How the venue writes things: numbers as strings, UTC times to the second, JSON bodies and error bodies."""

from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web

from brokerwire.simulator.sessions import utc

_STATUS_OF = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "TooManyRequests": 429,
    "InternalServerError": 500,
    "NotImplemented": 501,
    "ServiceUnavailable": 503,
    "GatewayTimeout": 504,
}
TITLES = {status: title for title, status in _STATUS_OF.items()}


class ApiError(Exception):
    """A request is refused with a v3 error body; ``title`` decides the HTTP status."""

    def __init__(self, title: str, message: str) -> None:
        super().__init__(message)
        self.title = title
        self.message = message

    def response(self) -> web.Response:
        """Return the refusal as the venue writes it."""
        return error_response(_STATUS_OF[self.title], self.title, self.message)


def number(value: Decimal | int | float) -> str:
    """Return a plain decimal string without trailing zeros."""
    if isinstance(value, float):
        value = Decimal(repr(round(value, 10)))
    text = f"{Decimal(value):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def rounded(value: Decimal, places: int) -> str:
    """Return a plain decimal string of at most ``places`` decimals."""
    return number(round(value, places))


def moment(time_ns: int) -> str:
    """Return a UTC time to the second."""
    return f"{utc(time_ns):%Y-%m-%dT%H:%M:%SZ}"


def encode(value: Any) -> bytes:
    """Return compact JSON."""
    return msgspec.json.encode(value)


def json_response(value: Any, *, status: int = 200) -> web.Response:
    """Return a JSON answer."""
    return web.Response(body=encode(value), status=status, content_type="application/json", charset="utf-8")


def error_response(status: int, title: str, message: str) -> web.Response:
    """Return a v3 error body."""
    return json_response({"Error": title, "Message": message}, status=status)


def comma_list(text: str, *, limit: int, what: str) -> list[str]:
    """Split a path segment at commas.

    Raises:
        ApiError: It holds nothing, or more than ``limit`` entries.
    """
    found = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise ApiError("BadRequest", f"No {what} given.")
    if len(found) > limit:
        raise ApiError("BadRequest", f"Too many {what}: at most {limit} are allowed.")
    return found


def whole_number(request: web.Request, name: str, default: int, *, low: int, high: int) -> int:
    """Return a query parameter as an integer, its name in any case.

    Raises:
        ApiError: It is no integer between ``low`` and ``high``.
    """
    text = parameter(request, name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        raise ApiError("BadRequest", f"{name} must be a whole number.") from None
    if not low <= value <= high:
        raise ApiError("BadRequest", f"{name} must be between {low} and {high}.")
    return value


def parameter(request: web.Request, name: str) -> str | None:
    """Return a query parameter, its name in any case, or None when it is absent or empty."""
    for key, value in request.query.items():
        if key.lower() == name.lower():
            return value or None
    return None


def truth(request: web.Request, name: str, default: str) -> bool:
    """Return a query parameter as a truth value.

    Raises:
        ApiError: It is neither true nor false.
    """
    text = (parameter(request, name) or default).lower()
    if text not in ("true", "false"):
        raise ApiError("BadRequest", f"{name} must be true or false.")
    return text == "true"
