import copy
import json
import logging
import pickle
import traceback
from collections.abc import Mapping

import msgspec
import pytest

from brokerwire.config import (
    Credentials,
    Network,
    Secret,
    check_endpoint,
    check_proxy,
    check_seconds,
    is_loopback,
)
from brokerwire.errors import ConfigurationError
from brokerwire.redact import MASK

CANARY = "canary-4711"


def test_a_secret_shows_only_when_revealed(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(CANARY)
    logging.getLogger("x").warning("%s %r", secret, [secret])
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>20}", str([secret]), str({"a": secret}), caplog.text]
    assert CANARY not in "".join(shown)
    assert secret.reveal() == CANARY
    assert str(secret) == MASK


def test_a_secret_does_not_travel() -> None:
    secret = Secret(CANARY)
    for travel in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, msgspec.json.encode):
        with pytest.raises(TypeError) as caught:
            travel(secret)
        assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_secrets_are_equal_by_value_and_false_when_empty() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")
    assert not hasattr(Secret("a"), "__dict__")


def test_credentials_name_what_they_hold_and_nothing_more() -> None:
    credentials = Credentials({"api_key": CANARY, "api_secret": Secret(CANARY), "empty": ""})
    assert isinstance(credentials, Mapping)
    assert repr(credentials) == "Credentials(api_key, api_secret)"
    assert (len(credentials), list(credentials)) == (2, ["api_key", "api_secret"])
    assert credentials["api_key"] == Secret(CANARY)
    assert "empty" not in credentials
    with pytest.raises(ConfigurationError, match="v needs empty: set IT"):
        credentials.require("empty", venue="v", hint="set IT")
    assert credentials.require("api_key", venue="v", hint="") == Secret(CANARY)
    with pytest.raises(ConfigurationError, match="api_key must be text"):
        Credentials({"api_key": 5})  # type: ignore[dict-item]  # the mistake under test


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_this_machine_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "example.com", "127.0.0.1.example.com", "localhost.example.com", "10.0.0.1"])
def test_other_machines_are_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com/", "https://api.example.com"),
        ("wss://stream.example.com:9443", "wss://stream.example.com:9443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("ws://[::1]:80", "ws://[::1]:80"),
        ("ws://LOCALHOST:80", "ws://LOCALHOST:80"),
    ],
)
def test_addresses_without_a_path_pass(address: str, expected: str) -> None:
    assert check_endpoint("rest", address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        "example.com",
        "//example.com",
        "ftp://example.com",
        "https://",
        "https://example.com/path",
        "https://example.com?q=1",
        "https://example.com#f",
        "https://user:canary@example.com",
        "http://example.com",
        "ws://127.0.0.1.example.com",
        "https://example.com:99999",
        "https://example.com:port",
        "https://[::1",
    ],
)
def test_what_is_no_base_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="'rest'") as caught:
        check_endpoint("rest", address)
    assert "canary" not in str(caught.value)


def test_a_proxy_is_an_http_address() -> None:
    assert check_proxy("http://user:pw@127.0.0.1:3128") == "http://user:pw@127.0.0.1:3128"
    assert check_proxy("127.0.0.1:3128") == "http://127.0.0.1:3128"
    for wrong in ("socks5://127.0.0.1:1", "http://", "http://canary@:1", "http://canary:x@h:port"):
        with pytest.raises(ConfigurationError, match="proxy") as caught:
            check_proxy(wrong)
        assert "canary" not in str(caught.value)


def test_the_proxy_of_an_address_is_its_own_unless_there_is_one_for_all() -> None:
    proxies = {"http://a": "http://p"}
    assert Network().proxy_for("http://a") is None
    assert Network(proxy_of=proxies.get).proxy_for("http://a") == "http://p"
    assert Network(proxy="http://q", proxy_of=proxies.get).proxy_for("http://a") == "http://q"
    assert "canary" not in repr(Network(proxy="http://u:canary@h", ca_file="x"))


def test_seconds_are_numbers_over_0() -> None:
    assert check_seconds("t", 1.5) == 1.5
    for wrong in (0, -1, "5", True, None, float("nan")):
        with pytest.raises(ConfigurationError, match="t must be"):
            check_seconds("t", wrong)  # type: ignore[arg-type]  # the mistake under test
