import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from brokerwire import Client, Secret
from brokerwire.auth.token_store import FileTokenStore
from brokerwire.client.login import RedirectListener, parse_redirect
from brokerwire.errors import AuthenticationError, ConfigurationError, UnsupportedError
from brokerwire.simulator import Simulator

pytestmark = pytest.mark.usefixtures("nothing_left")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def mode_of(place: str) -> int | None:
    path = Path(place)
    return path.stat().st_mode & 0o777 if path.exists() else None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GET /?code=a%20b&state=s HTTP/1.1\r\n", {"code": "a b", "state": "s"}),
        ("GET /?code=1&code=2 HTTP/1.1\r\n", {"code": "1"}),
        ("GET / HTTP/1.1\r\n", {}),
        ("POST /?code=1 HTTP/1.1\r\n", {}),
        ("GET /?code=1\r\n", {}),
        ("\x16\x03\x01", {}),
        ("", {}),
    ],
)
def test_the_code_is_read_from_the_request_line_alone(line: str, expected: dict[str, str]) -> None:
    assert parse_redirect(line) == expected


async def visit(port: int, query: str) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/{query}") as answer,
    ):
        return await answer.text()


async def test_the_listener_returns_the_code_and_thanks_the_browser() -> None:
    port = free_port()
    async with RedirectListener(port, state="mine") as listener:
        assert listener.redirect_uri == f"http://localhost:{port}"
        assert "Nothing to do here" in await visit(port, "favicon.ico")
        assert "Done." in await visit(port, "?code=the-code&state=mine")
        assert await listener.code(5) == "the-code"


@pytest.mark.parametrize(
    "query", ["?code=evil&state=theirs", "?code=evil", "?error=access_denied", "?code=evil&state=%C3%A4"]
)
async def test_an_answer_to_another_login_ends_nothing(query: str) -> None:
    port = free_port()
    async with RedirectListener(port, state="mine") as listener:
        assert "Nothing to do here" in await visit(port, query)
        await visit(port, "?code=the-code&state=mine")
        assert await listener.code(5) == "the-code"


async def test_a_refused_consent_says_why_without_control_characters() -> None:
    port = free_port()
    async with RedirectListener(port, state="mine") as listener:
        await visit(port, "?error=access_denied&error_description=no%1b%5b31m%0Away&state=mine")
        with pytest.raises(AuthenticationError, match="refused: no") as caught:
            await listener.code(5)
        assert "\x1b" not in str(caught.value)
        assert "\n" not in str(caught.value)


async def test_nobody_coming_back_is_said_in_time() -> None:
    async with RedirectListener(free_port(), state="mine") as listener:
        with pytest.raises(AuthenticationError, match="nobody logged in"):
            await listener.code(0.01)


async def test_a_port_in_use_names_the_way_out() -> None:
    port = free_port()
    async with RedirectListener(port, state="mine"):
        with pytest.raises(ConfigurationError, match="--port"):
            async with RedirectListener(port, state="mine"):
                pytest.fail("two listeners share a port")


async def test_browsers_that_connect_and_say_nothing_do_not_hold_the_login_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    port = free_port()
    async with asyncio.timeout(5):
        async with RedirectListener(port, state="mine") as listener:
            _, silent = await asyncio.open_connection("127.0.0.1", port)
            _, rude = await asyncio.open_connection("127.0.0.1", port)
            rude.write(b"GET /" + b"x" * 200_000)
            await visit(port, "?code=the-code&state=mine")
            assert await listener.code(5) == "the-code"
        left = asyncio.all_tasks() - {asyncio.current_task()}
    for writer in (silent, rude):
        writer.close()
    assert not left
    assert caplog.text == ""


# The whole login


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator("tradestation", seed=7, settings={"rotate_refresh_tokens": True}) as found:
        yield found


def client_of(simulator: Simulator) -> Client:
    credentials = {name: value for name, value in simulator.credentials.items() if name != "refresh_token"}
    return Client("tradestation", endpoints=simulator.endpoints, credentials=credentials)


class Browser:
    """Follows the address of the login page, as a human's browser would."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self._visits: list[asyncio.Task[None]] = []

    def __call__(self, address: str) -> None:
        self.addresses.append(address)
        self._visits.append(asyncio.create_task(self._visit(address)))

    async def _visit(self, address: str) -> None:
        async with aiohttp.ClientSession() as session, session.get(address) as page:
            assert page.status == 200
            assert "Done." in await page.text()

    async def close(self) -> None:
        await asyncio.gather(*self._visits)


async def test_a_login_is_kept_and_serves_the_next_client(simulator: Simulator) -> None:
    port = free_port()
    browser = Browser()
    async with client_of(simulator) as client:
        assert client.login_status().startswith("not logged in")
        async with asyncio.timeout(10):
            place = await client.log_in(browser, port=port)
        await browser.close()
        assert client.login_status() == f"logged in at tradestation; the token is in {place}"
    query = parse_qs(urlsplit(browser.addresses[0]).query)
    assert query["redirect_uri"] == [f"http://localhost:{port}"]
    assert query["code_challenge_method"] == ["S256"]
    assert mode_of(place) == 0o600
    async with client_of(simulator) as client:
        assert len(await client.brokerage.get_accounts()) > 0
        assert client.log_out() == f"logged out of tradestation; {place} is gone"
        assert mode_of(place) is None


async def test_without_a_login_the_first_call_says_how(simulator: Simulator) -> None:
    async with client_of(simulator) as client:
        with pytest.raises(ConfigurationError, match=r"TRADESTATION_REFRESH_TOKEN.*brokerwire auth login"):
            await client.brokerage.get_accounts()


async def test_a_given_refresh_token_counts_as_a_login(simulator: Simulator) -> None:
    client = Client("tradestation", endpoints=simulator.endpoints, credentials=dict(simulator.credentials))
    async with client:
        assert "is given" in client.login_status()


async def test_a_login_made_while_a_token_is_given_wins_over_it(simulator: Simulator) -> None:
    client = Client("tradestation", endpoints=simulator.endpoints, credentials=dict(simulator.credentials))
    async with client:
        browser = Browser()
        place = await client.log_in(browser, port=free_port())
        await browser.close()
        kept = FileTokenStore(Path(place)).read()
        assert kept is not None
        await client.brokerage.get_accounts()
        assert client.tokens is not None
        assert client.tokens.current == Secret(kept.access_token)


async def test_a_refused_login_keeps_nothing() -> None:
    async with Simulator("tradestation", seed=7, settings={"refuses_consent": True}) as simulator:
        browser = Browser()

        def visit_without_thanks(address: str) -> None:
            task = asyncio.create_task(browser._visit(address))
            browser._visits.append(task)

        async with client_of(simulator) as client:
            with pytest.raises(AuthenticationError, match="refused"):
                await client.log_in(visit_without_thanks, port=free_port())
            await asyncio.gather(*browser._visits, return_exceptions=True)
            assert client.login_status().startswith("not logged in")


async def test_a_venue_of_keys_has_no_login() -> None:
    async with Client("binance", environment="offline") as client:
        for call in (client.login_status, client.log_out):
            with pytest.raises(UnsupportedError, match="keys are enough"):
                call()
        with pytest.raises(UnsupportedError, match="keys are enough"):
            await client.log_in(print)
