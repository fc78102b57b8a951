from pathlib import Path
from typing import Any

import pytest

OPENAPI = Path("/work/shared/venues/tradestation-openapi.json")


async def test_unknown_path_and_method_are_json_errors(wire: Any) -> None:
    status, body = await wire.call("GET", "/v3/nothing")
    assert (status, body["Error"]) == (404, "NotFound")
    status, body = await wire.call("PATCH", "/v3/orderexecution/orders")
    assert status == 405


def test_rest_and_sign_in_share_a_port() -> None:
    from brokerwire.simulator import Simulator

    front = Simulator("tradestation", seed=1)._front
    (rest_scheme, rest), (auth_scheme, auth) = front.apps["rest"], front.apps["auth"]
    assert rest is auth
    assert rest_scheme == auth_scheme == "http"
    assert set(front.credentials) == {"client_id", "client_secret", "refresh_token"}


def test_unknown_setting_is_a_value_error() -> None:
    from brokerwire.simulator import Simulator

    with pytest.raises(ValueError, match="unknown settings"):
        Simulator("tradestation", settings={"nonsense": 1})
