from typing import Any

import pytest

from brokerwire.simulator import Simulator

A = "SIM2510014M"
READS = [
    "/v3/brokerage/accounts",
    f"/v3/brokerage/accounts/{A}/balances",
    f"/v3/brokerage/accounts/{A}/bodbalances",
    f"/v3/brokerage/accounts/{A}/historicalorders",
    f"/v3/brokerage/accounts/{A}/historicalorders/1",
    f"/v3/brokerage/accounts/{A}/orders",
    f"/v3/brokerage/accounts/{A}/orders/1",
    f"/v3/brokerage/accounts/{A}/positions",
    "/v3/marketdata/barcharts/AAPL",
    "/v3/marketdata/quotes/AAPL",
    "/v3/marketdata/symbols/AAPL",
    "/v3/marketdata/symbollists/cryptopairs/symbolnames",
    "/v3/marketdata/options/expirations/AAPL",
    "/v3/marketdata/options/strikes/AAPL",
    "/v3/marketdata/options/spreadtypes",
    "/v3/orderexecution/activationtriggers",
    "/v3/orderexecution/routes",
    "/v2/data/symbols/suggest/A",
    "/v2/data/symbols/search/N=A",
]
STREAMS = [
    f"/v3/brokerage/stream/accounts/{A}/orders",
    f"/v3/brokerage/stream/accounts/{A}/orders/1",
    f"/v3/brokerage/stream/accounts/{A}/positions",
    "/v3/marketdata/stream/quotes/AAPL",
    "/v3/marketdata/stream/barcharts/AAPL",
    "/v3/marketdata/stream/marketdepth/quotes/AAPL",
    "/v3/marketdata/stream/marketdepth/aggregates/AAPL",
    "/v3/marketdata/stream/options/chains/AAPL",
    "/v2/stream/tickbars/AAPL/1/1",
]
WRITES = [
    ("POST", "/v3/orderexecution/orderconfirm"),
    ("POST", "/v3/orderexecution/ordergroupconfirm"),
    ("POST", "/v3/orderexecution/ordergroups"),
    ("POST", "/v3/orderexecution/orders"),
    ("PUT", "/v3/orderexecution/orders/1"),
    ("DELETE", "/v3/orderexecution/orders/1"),
    ("POST", "/v3/marketdata/options/riskreward"),
]


async def test_every_read_of_the_specification_is_answered(wire: Any) -> None:
    for path in READS:
        status, body = await wire.call("GET", path)
        assert status == 200 or body["Message"] == "The since parameter is required.", path


async def test_every_stream_of_the_specification_is_opened(wire: Any) -> None:
    for path in STREAMS:
        async with wire.stream(path) as lines:
            assert lines.status == 200, path


async def test_every_write_of_the_specification_refuses_an_empty_body(wire: Any) -> None:
    for method, path in WRITES:
        status, body = await wire.call(method, path, {})
        assert (status, body["Error"]) == (400, "BadRequest"), path


async def test_unknown_path_and_method_are_json_errors(wire: Any) -> None:
    status, body = await wire.call("GET", "/v3/nothing")
    assert (status, body["Error"]) == (404, "NotFound")
    status, body = await wire.call("PATCH", "/v3/orderexecution/orders")
    assert status == 405


def test_rest_and_sign_in_share_a_port() -> None:
    front = Simulator("tradestation", seed=1)._front
    (rest_scheme, rest), (auth_scheme, auth) = front.apps["rest"], front.apps["auth"]
    assert rest is auth
    assert rest_scheme == auth_scheme == "http"
    assert set(front.credentials) == {"client_id", "client_secret", "refresh_token"}


def test_unknown_setting_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="unknown settings"):
        Simulator("tradestation", settings={"nonsense": 1})
