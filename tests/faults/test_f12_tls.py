"""F12: a certificate that is not the venue's is fatal before a secret is said; a handshake that is cut is retried."""

import asyncio
import os
import sys
from pathlib import Path

import msgspec
import pytest
from tests.faults.conftest import CANARIES, IS_FULL, Row
from tests.faults.tls import Authority, Kind, OutdatedDoor, TlsDoor
from tests.faults.venues import CASES, VENUES
from tests.faults.waiting import reached

from brokerwire import Client, StreamError
from brokerwire.simulator import Simulator
from brokerwire.simulator.weather import Weather

KINDS: list[Kind] = ["expired", "wrong_host", "self_signed", "other_authority"]
PROGRAM = Path(__file__).with_name("tls_caller.py")


async def encrypt(row: Row, simulator: Simulator, certificate: Path) -> TlsDoor:
    door = TlsDoor(next(iter(simulator.endpoints.values())), certificate)
    await door.start()
    row.owned.append(door)
    return door


def check_nothing_was_said(door: TlsDoor | OutdatedDoor, simulator: Simulator) -> None:
    assert b"".join(door.heard) == b""
    assert simulator.journal.count("request") == simulator.journal.count("dial") == 0


async def try_everything(row: Row, client: Client, symbol: str, words: str) -> None:
    """Every way that would carry a secret fails at once and for good."""
    calls = [lambda: client.market_data.get_quotes([symbol]), lambda: client.market_data.get_bars(symbol)]
    if client.venue == "tradestation":
        ticket = {"symbol": symbol, "side": "buy", "quantity": 1, "type": "market"}
        calls += [client.brokerage.get_balances, lambda: client.order_execution.place_order(**ticket)]
    for call in calls:
        with pytest.raises(StreamError, match=words) as caught:
            await call()
        assert caught.value.action == "stop"
    for method in VENUES[client.venue].methods[:2]:
        began = row.now()
        error = await row.watch_in_vain(client, method, symbol)
        assert error.action == "stop"
        assert words in str(error)
        assert row.now() - began < 2.0


@pytest.mark.parametrize(("venue", "symbol"), CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_is_not_the_venues_is_fatal_and_hears_no_secret(
    row: Row, tmp_path: Path, venue: str, symbol: str, kind: Kind
) -> None:
    async def main(row: Row) -> None:
        authority = Authority(tmp_path)
        simulator = await row.simulator(venue)
        door = await encrypt(row, simulator, authority.certify(kind))
        client = row.client(simulator, weather=door, ca_file=authority.ca_file)
        await try_everything(row, client, symbol, "certificate")
        check_nothing_was_said(door, simulator)

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_an_outdated_protocol_is_fatal_and_hears_no_secret(row: Row, tmp_path: Path, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        authority = Authority(tmp_path)
        simulator = await row.simulator(venue)
        door = OutdatedDoor(authority.certify("good"))
        await door.start()
        row.owned.append(door)
        client = row.client(simulator, weather=door, ca_file=authority.ca_file)
        await try_everything(row, client, symbol, "TLS 1.2")
        check_nothing_was_said(door, simulator)

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_certificate_that_expires_ends_the_stream_at_its_next_dial(
    row: Row, tmp_path: Path, venue: str, symbol: str
) -> None:
    async def main(row: Row) -> None:
        authority = Authority(tmp_path)
        simulator = await row.simulator(venue)
        door = await encrypt(row, simulator, authority.certify("good"))
        client = row.client(simulator, weather=door, ca_file=authority.ca_file)
        watch = await row.watch(client, "quotes", symbol)
        await watch.more(5)
        assert door.heard
        door.change(authority.certify("expired"))
        said = len(door.heard)
        door.drop()
        with pytest.raises(StreamError, match="certificate"):
            await asyncio.wait_for(watch.subscription.wait_closed(), 10)
        assert watch.subscription.state == "failed"
        assert len(door.heard) == said

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
@pytest.mark.parametrize("bad", ["limit_data:40", "reset:40", "limit_data:0"])
def test_a_handshake_that_is_cut_is_tried_again_until_it_succeeds(
    row: Row, tmp_path: Path, venue: str, symbol: str, bad: str
) -> None:
    async def main(row: Row) -> None:
        authority = Authority(tmp_path)
        simulator = await row.simulator(venue)
        door = await encrypt(row, simulator, authority.certify("good"))
        weather = Weather.before(f"https://127.0.0.1:{door.port}", seed=row.seed)
        await weather.start()
        row.weathers.append(weather)
        encrypted = weather.endpoints(door.endpoints(simulator.endpoints))
        client = row.client(simulator, endpoints=encrypted, ca_file=authority.ca_file)
        watch = await row.watch(client, "quotes", symbol)
        await watch.more(5)
        weather.set(bad, direction="down", reach="all")
        said = len(door.heard)
        door.drop()
        await reached(watch, "recovering")
        await row.sleep(20)
        assert weather.accepted >= 4
        assert watch.subscription.is_active
        assert len(door.heard) == said
        weather.clear()
        await reached(watch, "live", within_s=45)
        await watch.more(5)

    row(main)


if IS_FULL:  # it starts processes

    @pytest.mark.process
    @pytest.mark.parametrize("venue", VENUES)
    def test_no_variable_turns_the_verification_off_and_one_adds_trust(row: Row, tmp_path: Path, venue: str) -> None:
        async def main(row: Row) -> None:
            authority = Authority(tmp_path)
            simulator = await row.simulator(venue)
            door = await encrypt(row, simulator, authority.certify("good"))
            settings = {"endpoints": door.endpoints(simulator.endpoints), "credentials": CANARIES[venue]}
            text = msgspec.json.encode({"venue": venue, **settings}).decode()
            tempting = dict.fromkeys(["PYTHONHTTPSVERIFY", "NODE_TLS_REJECT_UNAUTHORIZED", "SSL_VERIFY"], "0")
            bundles = dict.fromkeys(["CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AIOHTTP_CLIENT_SSL"], "")
            assert "certificate" in await say(text, {**tempting, **bundles, "PYTHONDEVMODE": "0"})
            check_nothing_was_said(door, simulator)
            assert await say(text, {"SSL_CERT_FILE": str(authority.ca_file)}) == "answered"

        row.in_real_time(main)


async def say(settings: str, variables: dict[str, str]) -> str:
    """Return what a process says that asks the venue for quotes."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), settings, stdout=asyncio.subprocess.PIPE, env={**os.environ, **variables}
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    return said.decode().strip()
