from pathlib import Path

import pytest

from brokerwire.client.environment import (
    credentials_from_environment,
    environment_of,
    proxy_of,
    token_path,
    venue_name,
)
from brokerwire.errors import ConfigurationError


def test_the_venue_that_is_given_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKERWIRE_VENUE", "binance")
    assert venue_name("tradestation") == "tradestation"
    assert venue_name(None) == "binance"


def test_no_venue_at_all_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="BROKERWIRE_VENUE"):
        venue_name(None)


def test_the_environment_is_looked_for_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRADESTATION_ENVIRONMENT", raising=False)
    assert environment_of(None, "tradestation") == "live"
    monkeypatch.setenv("TRADESTATION_ENVIRONMENT", "Simulation")
    assert environment_of(None, "tradestation") == "paper"
    monkeypatch.setenv("BROKERWIRE_ENVIRONMENT", "offline")
    assert environment_of(None, "tradestation") == "offline"
    assert environment_of("Live", "tradestation") == "live"


@pytest.mark.parametrize(
    ("text", "expected"),
    [(" LIVE ", "live"), ("Production", "live"), ("SIM", "paper"), ("testnet", "paper"), ("Offline", "offline")],
)
def test_environments_have_other_names(text: str, expected: str) -> None:
    assert environment_of(text, "binance") == expected


def test_an_unknown_environment_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="live, paper, offline"):
        environment_of("prod-eu", "binance")


def test_only_credentials_that_are_set_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", " k \n")
    monkeypatch.setenv("THE_EMPTY", "  ")
    monkeypatch.delenv("THE_MISSING", raising=False)
    variables = {"key": "THE_KEY", "empty": "THE_EMPTY", "missing": "THE_MISSING"}
    assert credentials_from_environment(variables) == {"key": "k"}


ADDRESSES = ["https://api.example.com", "wss://stream.example.com:9443", "http://127.0.0.1:80", "ws://127.0.0.2:80"]


def test_no_proxy_is_used_unless_named() -> None:
    assert [proxy_of(address) for address in ADDRESSES] == [None] * 4


def test_each_scheme_has_its_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://secure:1")
    monkeypatch.setenv("http_proxy", "http://plain:1")
    secure, plain = "http://secure:1", "http://plain:1"
    assert [proxy_of(address) for address in ADDRESSES] == [secure, secure, plain, plain]


def test_one_proxy_may_serve_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://all:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,.example.com")
    assert [proxy_of(address) for address in ADDRESSES] == [None, None, None, "http://all:1"]
    monkeypatch.setenv("NO_PROXY", "*")
    assert [proxy_of(address) for address in ADDRESSES] == [None] * 4


def test_a_proxy_of_another_kind_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:canary@host:1")
    with pytest.raises(ConfigurationError, match="not supported") as caught:
        proxy_of(ADDRESSES[0])
    assert "canary" not in str(caught.value)


def test_each_login_has_a_token_file_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BROKERWIRE_TOKEN_DIR", str(tmp_path))
    one = token_path("tradestation", auth_address="https://a", client_id="canary")
    assert one.parent == tmp_path
    assert one == token_path("tradestation", auth_address="https://a", client_id="canary")
    assert one != token_path("tradestation", auth_address="https://b", client_id="canary")
    assert one != token_path("tradestation", auth_address="https://a", client_id="other")
    assert "canary" not in str(one)


def test_the_token_file_lives_in_the_users_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BROKERWIRE_TOKEN_DIR")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert token_path("x", auth_address="", client_id="").parent == tmp_path / "brokerwire" / "tokens"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert token_path("x", auth_address="", client_id="").parent == tmp_path / ".config" / "brokerwire" / "tokens"
