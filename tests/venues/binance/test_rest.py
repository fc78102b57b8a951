import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from brokerwire.errors import (
    AuthenticationError,
    BrokerwireError,
    InvalidSymbolError,
    ProtocolError,
    RateLimitError,
    RequestError,
    VenueUnavailableError,
)
from brokerwire.venue import Operation, Request, Response
from brokerwire.venues.binance import rest

Answer = Callable[[Request], Any]


def run(operation: Operation[Any], answer: Answer) -> tuple[Any, list[Request]]:
    """Hold an operation's conversation; ``answer`` returns JSON, or a response."""
    asked: list[Request] = []
    try:
        request = next(operation)
        while True:
            asked.append(request)
            found = answer(request)
            is_whole = isinstance(found, Response)
            request = operation.send(found if is_whole else Response(200, {}, json.dumps(found).encode(), 10**18))
    except StopIteration as stop:
        return stop.value, asked


def refusal(status: int, code: int | None = None, **headers: str) -> Response:
    body = {} if code is None else {"code": code, "msg": "text\x1b[31m"}
    return Response(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode()
    )


@pytest.mark.parametrize(
    ("response", "kind", "action"),
    [
        (refusal(400, -1121), InvalidSymbolError, "stop"),
        (refusal(400, -1102), RequestError, "stop"),
        (refusal(401, -2015), AuthenticationError, "stop"),
        (refusal(429, -1003, retry_after="7"), RateLimitError, "retry"),
        (refusal(418, -1003, retry_after="7"), RateLimitError, "retry"),
        (refusal(503), VenueUnavailableError, "retry"),
        (Response(502, {}, b"<html>"), VenueUnavailableError, "retry"),
        (Response(403, {}, b"<html>"), RequestError, "stop"),
    ],
)
def test_a_refusal_becomes_the_error_that_says_what_to_do(
    response: Response, kind: type[BrokerwireError], action: str
) -> None:
    error = rest.error_from(response)
    assert type(error) is kind
    assert (error.action, error.status) == (action, response.status)
    assert "\x1b" not in str(error)
    if kind is RateLimitError:
        assert error.retry_after_s == 7


def rows(request: Request) -> list[list[Any]]:
    """A minute bar for each minute that a klines request asks for."""
    query = dict(request.query)
    count, step = int(query["limit"]), 60_000
    if "startTime" in query:
        first = -(-int(query["startTime"]) // step) * step
        last = min(first + (count - 1) * step, int(query.get("endTime", 10**15)))
    else:
        last = int(query.get("endTime", 10**12 // step * step + step - 1)) // step * step
        first = last - (count - 1) * step
    return [
        [moment, "1", "2", "0.5", "1.5", "10", moment + step - 1, "15", 3, "0", "0", "0"]
        for moment in range(first, last + 1, step)
    ]


def test_the_newest_bars_are_paged_backwards() -> None:
    bars, asked = run(rest.get_bars("BTCUSDT", "1m", limit=2500), rows)
    times = [bar.open_time_ns for bar in bars]
    assert len(times) == 2500
    assert times == sorted(set(times))
    assert len(asked) == 3


def test_bars_of_a_range_are_paged_forwards_and_end_before_the_end() -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    bars, asked = run(rest.get_bars("BTCUSDT", "1m", start=start, end=end), rows)
    assert len(bars) == 1440
    assert (bars[0].open_time_ns, bars[-1].open_time_ns) == (
        int(start.timestamp() * 1e9),
        int(end.timestamp() * 1e9) - 60 * 10**9,
    )
    assert len(asked) == 2
    first_ten, _ = run(rest.get_bars("BTCUSDT", "1m", start=start, end=end, limit=10), rows)
    assert first_ten == bars[:10]


def exchange(known: set[str]) -> Answer:
    def answer(request: Request) -> Any:
        query = dict(request.query)
        wanted = json.loads(query["symbols"]) if "symbols" in query else [query["symbol"]]
        if not set(wanted) <= known:
            return refusal(400, -1121)
        return {"symbols": [{"symbol": name} for name in wanted]}

    return answer


def test_unknown_symbols_are_found_one_by_one_and_named() -> None:
    with pytest.raises(InvalidSymbolError) as caught:
        run(rest.check_symbols(["BTCUSDT", "NOSUCH"]), exchange({"BTCUSDT"}))
    assert caught.value.symbol == "NOSUCH"
    found, asked = run(rest.check_symbols(["BTCUSDT"]), exchange({"BTCUSDT"}))
    assert (found, len(asked)) == (["BTCUSDT"], 1)
    with pytest.raises(VenueUnavailableError):
        run(rest.check_symbols(["BTCUSDT"]), lambda _request: refusal(503))


def test_a_close_code_says_whether_to_dial_again() -> None:
    assert rest.close_error(1006, "").action == "retry"
    assert rest.close_error(1008, "too fast").retry_after_s == 5
    assert rest.close_error(1003, "").action == "stop"
    assert "\x1b" not in str(rest.close_error(1000, "x\x1b[31m"))


OPERATIONS = {
    "get_symbol_details": lambda: rest.get_symbol_details(["BTCUSDT"]),
    "search_symbols": lambda: rest.search_symbols("BTC"),
    "check_symbols": lambda: rest.check_symbols(["BTCUSDT"]),
    "get_quotes": lambda: rest.get_quotes(["BTCUSDT"]),
    "get_trades": lambda: rest.get_trades("BTCUSDT"),
    "get_bars": lambda: rest.get_bars("BTCUSDT", "1m", limit=2),
    "get_bars since": lambda: rest.get_bars("BTCUSDT", "1m", start=datetime(2026, 1, 1, tzinfo=UTC)),
    "get_market_depth": lambda: rest.get_market_depth("BTCUSDT"),
}
MISSHAPEN = [
    *(
        b"",
        b"null",
        b"7",
        b"[7]",
        b"[[]]",
        b"{}",
        b'{"symbols":7}',
        b'{"symbols":[7]}',
        b"[null]",
        b"\xff",
        b"[" * 200_000,
    )
]


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("body", MISSHAPEN, ids=lambda body: repr(body[:20]))
def test_an_answer_of_another_shape_breaks_the_protocol(name: str, body: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        run(OPERATIONS[name](), lambda _request: Response(200, {}, body))
    assert caught.value.venue == "binance"


def test_a_bar_with_a_number_that_is_none_is_refused() -> None:
    row = [1, "NaN", "1", "1", "1", "1", 2, "1", 1]
    with pytest.raises(ProtocolError):
        run(rest.get_bars("BTCUSDT", "1m", limit=2), lambda _request: [row])


@pytest.mark.parametrize("body", [b'{"code":[1],"msg":7}', b'{"code":{"a":1}}', b'{"code":"x"}', b"[]", b"[" * 200_000])
def test_a_refusal_of_another_shape_is_still_a_refusal(body: bytes) -> None:
    error = rest.error_from(Response(400, {"retry-after": "\u00b2"}, body))
    assert type(error) is RequestError
    assert error.status == 400
