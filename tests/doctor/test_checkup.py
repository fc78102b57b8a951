import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.faults.tls import Authority, TlsDoor

from brokerwire import ConfigurationError
from brokerwire.auth.token_store import FileTokenStore, StoredToken
from brokerwire.client.environment import token_path
from brokerwire.doctor.checkup import Check, check_up
from brokerwire.simulator import Simulator

CANARIES = {
    "TRADESTATION_CLIENT_ID": "canary-client-id-4711",
    "TRADESTATION_CLIENT_SECRET": "canary-client-secret-4711",
    "TRADESTATION_REFRESH_TOKEN": "canary-refresh-token-4711",
}


@pytest.fixture
async def venue() -> AsyncIterator[Simulator]:
    async with Simulator("tradestation", seed=7) as simulator:
        yield simulator


@pytest.fixture
def _logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)


async def checks_of(simulator: Simulator, **endpoints: str) -> dict[str, Check]:
    found = [check async for check in check_up(simulator.venue, "live", endpoints={**simulator.endpoints, **endpoints})]
    said = msgspec.json.encode(found).decode()
    assert not [value for value in CANARIES.values() if value in said]
    assert "sim-" not in said
    return {check.check: check for check in found}


@pytest.mark.usefixtures("_logged_in")
async def test_a_good_login_passes_every_check_and_touches_nothing(venue: Simulator) -> None:
    checks = await checks_of(venue)
    assert {name: check.verdict for name, check in checks.items()} == {
        "versions": "ok",
        "configuration": "ok",
        "token file": "skipped",
        "proxies": "ok",
        "endpoint rest": "ok",
        "endpoint auth": "ok",
        "clock": "ok",
        "credentials": "ok",
    }
    assert "Python 3." in checks["versions"].text
    assert "TRADESTATION_REFRESH_TOKEN" in checks["configuration"].text
    assert checks["endpoint rest"].figures["latency_ms"] > 0
    assert "records" in checks["credentials"].text
    assert venue.journal.count("dial") == venue.journal.count("order") == 0
    assert {entry.detail["method"] for entry in venue.journal.entries("request")} <= {"GET", "POST"}
    stored = await checks_of(venue)
    assert stored["token file"].verdict == "ok"
    assert "mode 0600" in stored["token file"].text


async def test_what_is_missing_is_named_and_nothing_is_asked(venue: Simulator) -> None:
    checks = await checks_of(venue)
    assert checks["configuration"].verdict == "failed"
    assert "missing: TRADESTATION_CLIENT_ID, TRADESTATION_REFRESH_TOKEN" in checks["configuration"].text
    assert checks["credentials"].verdict == "skipped"


@pytest.mark.usefixtures("_logged_in")
async def test_refused_credentials_fail(venue: Simulator) -> None:
    venue.faults.set("reject_auth:401")
    checks = await checks_of(venue)
    assert checks["credentials"].verdict == "failed"
    assert "AuthenticationError" in checks["credentials"].text or "Reauthentication" in checks["credentials"].text
    assert checks["credentials"].advice


@pytest.mark.usefixtures("_logged_in")
async def test_a_token_file_that_others_can_read_fails(venue: Simulator) -> None:
    path = token_path(
        "tradestation", auth_address=venue.endpoints["auth"], client_id=CANARIES["TRADESTATION_CLIENT_ID"]
    )
    FileTokenStore(path).write(StoredToken(given="x", refresh_token="canary-refresh-token-4711"))
    os.chmod(path, 0o644)
    checks = await checks_of(venue)
    assert checks["token file"].verdict == "failed"
    assert "chmod 600" in checks["token file"].text


@pytest.mark.usefixtures("_logged_in")
async def test_an_endpoint_that_is_not_there_fails_and_the_others_are_tried(
    venue: Simulator, unused_tcp_port: int
) -> None:
    checks = await checks_of(venue, rest=f"http://127.0.0.1:{unused_tcp_port}")
    assert checks["endpoint rest"].verdict == "failed"
    assert "could not be reached" in checks["endpoint rest"].text
    assert checks["endpoint auth"].verdict == "ok"


@pytest.mark.usefixtures("_logged_in")
async def test_a_certificate_that_is_not_trusted_fails_with_advice(venue: Simulator, tmp_path: Path) -> None:
    door = TlsDoor(venue.endpoints["rest"], Authority(tmp_path).certify("self_signed"))
    await door.start()
    checks = await checks_of(venue, rest=f"https://127.0.0.1:{door.port}")
    await door.close()
    assert checks["endpoint rest"].verdict == "failed"
    assert "certificate" in checks["endpoint rest"].text
    assert "in its place" in checks["endpoint rest"].advice


@pytest.mark.usefixtures("_logged_in")
async def test_a_venue_that_answers_nothing_useful_fails_with_its_words(venue: Simulator) -> None:
    venue.faults.set("maintenance")
    checks = await checks_of(venue)
    assert "VenueUnavailableError" in checks["credentials"].text
    assert checks["credentials"].verdict == "failed"


async def test_a_proxy_is_named_without_its_password(
    venue: Simulator, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:canary-client-secret-4711@127.0.0.1:{unused_tcp_port}")
    checks = await checks_of(venue)
    assert checks["proxies"].text == f"through 127.0.0.1:{unused_tcp_port}"
    assert checks["endpoint rest"].verdict == "failed"
    monkeypatch.setenv("HTTP_PROXY", "socks5://127.0.0.1:1")
    assert (await checks_of(venue))["proxies"].verdict == "failed"


async def test_a_venue_without_logins_is_checked_as_far_as_it_goes() -> None:
    async with Simulator("binance", seed=7) as simulator:
        checks = await checks_of(simulator)
    assert checks["configuration"].verdict == checks["endpoint stream"].verdict == "ok"
    assert "token file" not in checks


async def test_an_environment_or_endpoint_that_is_none_is_refused() -> None:
    for environment, endpoints in (("offline", {}), ("nowhere", {}), ("live", {"rest": "http://example.com:80"})):
        with pytest.raises(ConfigurationError):
            _ = [check async for check in check_up("tradestation", environment, endpoints=endpoints)]
