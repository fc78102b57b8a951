"""F52: canaries in place of every secret, through every failure: none shows in anything that can be read afterwards."""

import asyncio
import json
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.faults import frames, invariants
from tests.faults.canaries import AWKWARD, belongings, contents, copies, damaged, finds, forms_of, locals_of
from tests.faults.conftest import IS_FULL, Row
from tests.faults.scripted import web_token
from tests.faults.tls import Authority, TlsDoor
from tests.faults.venues import VENUES, options_of
from tests.proxy import Proxy

from brokerwire import BrokerwireError, Client
from brokerwire.doctor.listener import Listener
from brokerwire.recording import Recorder
from brokerwire.simulator import KNOWN_FAULTS, Simulator
from brokerwire.simulator.conditions import KNOWN_WEATHER
from brokerwire.simulator.record_file import read_record_file

CASES = [pytest.param(venue, facts.symbols[0], id=venue) for venue, facts in VENUES.items()]
PUBLIC = ("brokerwire/client", "brokerwire/services", "brokerwire/orders", "brokerwire/auth")
"""Folders whose frames a user's traceback with locals shows first."""

SCRIPTS = {
    "close": ["close:1008", "close:4001"],
    "reject_auth": ["reject_auth:401", "reject_auth:403"],
    "expire_token": ["expire_token:20"],
    "huge_frame": ["huge_frame:9000000"],
    "late_ack": ["late_ack:3"],
    "token_down": [f"token_down:{how}" for how in ("500", "garbage", "error_body", "slow")],
    "refuse": ["refuse:500", "refuse:404"],
    "rate_limit": ["rate_limit:2"],
    "reject_order": ["reject_order:no"],
    "stream_error": ["stream_error:over"],
}
FAULTS = [script for name in KNOWN_FAULTS for script in SCRIPTS.get(name, [name])]
WEATHERS = [f"{name}:20" if name in {"bandwidth", "limit_data"} else name for name in KNOWN_WEATHER]
TICKET: dict[str, Any] = {"side": "buy", "quantity": 1, "type": "limit", "limit_price": "1.5"}


class Trove:
    """All that one row leaves behind that somebody could read."""

    def __init__(self, row: Row, venue: str, folder: Path) -> None:
        self.row = row
        self.venue = venue
        self.folder = folder
        self.secrets = set(AWKWARD[venue].values())
        self.texts: list[str | bytes] = []
        self._known = 0

    def client(self, simulator: Any, **options: Any) -> Client:
        """Return a client with awkward secrets that records, and keeps a journal where orders are placed."""
        number = len(list(self.folder.iterdir()))
        recorder = Recorder(self.folder / f"recording-{number}", flush_s=0.1)
        own: dict[str, Any] = {"credentials": AWKWARD[self.venue], "recorder": recorder}
        if self.venue == "tradestation":
            own["journal"] = self.folder / f"orders-{number}.db"
        return self.row.client(simulator, **{**own, **options})

    async def attempt(self, call: Callable[[], Awaitable[Any]]) -> None:
        """Keep what a call that may fail shows of itself."""
        try:
            self.texts.append(repr(await call()))
        except BrokerwireError as exc:
            self.texts += invariants.shown(exc)
            self.texts += locals_of(exc, within=PUBLIC)

    def look(self, client: Client, *watches: Listener) -> None:
        """Look at everything of a client as it is now, at what it told and at the log."""
        if client.tokens is not None and client.tokens.current is not None:
            self.secrets.add(client.tokens.current.reveal())
        records = self.row._log.records[self._known :]
        self._known += len(records)
        self.texts += map(logging.Formatter().format, records)
        self.texts += [json.dumps(client.health()), *map(repr, belongings(client))]
        for watch in watches:
            self.texts += map(repr, watch.statuses)
            for error, _ in watch.errors:
                if isinstance(error, BrokerwireError):  # what a user's callback raised is handed back as it was
                    self.texts += invariants.shown(error)
            if watch.is_open:
                self.texts += [repr(watch.subscription), repr(watch.subscription.stats)]

    def check(self) -> None:
        """Nothing of it shows a secret, the files included; the token file is the one place where they may be."""
        files = contents(self.folder)
        for path in self.folder.rglob("*.bwrec"):
            lines = read_record_file(path).lines
            assert lines, path
            files += [payload for line in lines for payload in (*line.payloads, line.url.encode())]
        assert len(self.texts) > 10
        found = finds(self.secrets, [*self.texts, *files])
        assert not found, f"I8: {len(found)} secrets show: " + "\n".join(found[:5])


@pytest.fixture
def trove(row: Row, request: pytest.FixtureRequest, tmp_path: Path) -> Trove:
    return Trove(row, request.getfixturevalue("venue"), tmp_path)


def raiser(secrets: Any) -> Callable[[Any], Awaitable[None]]:
    """A user's callback whose error says every secret in every form that is masked."""

    async def fail(_event: Any) -> None:
        try:
            raise KeyError(f"token={[form for secret in secrets for form in forms_of(secret)]}")
        except KeyError as exc:
            raise ValueError(" ".join(secrets)) from exc

    return fail


def join_writers() -> None:
    """Wait, in real time, for the recorders' threads: their disk knows nothing of virtual time."""
    for thread in threading.enumerate():
        if "record" in thread.name:
            thread.join(10)


async def ask_everything(trove: Trove, client: Client, symbol: str) -> None:
    """Requests of each service, and orders where they are placed."""
    await trove.attempt(lambda: client.market_data.get_quotes([symbol]))
    await trove.attempt(lambda: client.market_data.get_bars(symbol, limit=3))
    if trove.venue == "tradestation":
        await trove.attempt(client.brokerage.get_balances)
        await trove.attempt(lambda: client.order_execution.place_order(symbol=symbol, **TICKET))
        await trove.attempt(lambda: client.order_execution.cancel_order("4711"))


async def end(trove: Trove, client: Client, *watches: Listener) -> None:
    """Close a client, look at what is left of it, and let the row forget it."""
    trove.look(client, *watches)
    await client.close()
    await asyncio.to_thread(join_writers)
    trove.look(client, *watches)
    trove.row.clients.remove(client)
    for watch in watches:
        trove.row.watches.remove(watch)


async def suffer(trove: Trove, symbol: str, simulator: Simulator, break_it: Callable[[], Any], **options: Any) -> None:
    """One failure, met by streams, by callbacks that raise, by requests and by a further dial."""
    row, client = trove.row, trove.client(simulator, subscribe_timeout=3, **options)
    quotes = await row.watch(client, "quotes", symbol, flows=False)
    other, raising = VENUES[trove.venue].methods[1:]
    await trove.attempt(
        lambda: row.watch(client, raising, symbol, flows=False, behave=raiser(trove.secrets), **options_of(raising))
    )
    trades = row.watches[-1]
    await quotes.more(2)
    break_it()
    await row.sleep(1)
    simulator.connections.drop()
    await ask_everything(trove, client, symbol)
    await trove.attempt(lambda: getattr(client.market_data, f"stream_{other}")([symbol], callback=id))
    await row.sleep(10)
    trove.look(client, quotes, trades)
    simulator.faults.clear()
    await end(trove, client, quotes, trades)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
@pytest.mark.parametrize("part", range(4))
def test_every_fault_keeps_every_secret(row: Row, venue: str, symbol: str, part: int, trove: Trove) -> None:
    async def main(row: Row) -> None:
        row.loop().set_debug(IS_FULL and part == 1)
        row.allows_violations = True
        for script in FAULTS[part::4]:
            simulator = await row.simulator(venue)
            await suffer(trove, symbol, simulator, lambda place=simulator, script=script: place.faults.set(script))  # type: ignore[misc]  # bound early
            row.simulators.remove(simulator)
            await simulator.close()
        trove.check()

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_every_weather_keeps_every_secret(row: Row, venue: str, symbol: str, trove: Trove) -> None:
    async def main(row: Row) -> None:
        row.allows_violations = True
        for script in WEATHERS:
            simulator = await row.simulator(venue)
            weather = await row.weather(simulator)
            given = {"endpoints": weather.endpoints(simulator.endpoints)}
            await suffer(trove, symbol, simulator, lambda sky=weather, script=script: sky.set(script), **given)  # type: ignore[misc]  # bound early
            row.weathers.remove(weather)
            row.simulators.remove(simulator)
            await weather.close()
            await simulator.close()
        trove.check()

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
@pytest.mark.parametrize("kind", ["expired", "self_signed", "wrong_host"])
def test_every_bad_certificate_keeps_every_secret(
    row: Row, venue: str, symbol: str, kind: Any, trove: Trove, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("authority")

    async def main(row: Row) -> None:
        authority = Authority(folder)
        simulator = await row.simulator(venue)
        door = TlsDoor(next(iter(simulator.endpoints.values())), authority.certify(kind))
        await door.start()
        row.owned.append(door)
        client = trove.client(simulator, endpoints=door.endpoints(simulator.endpoints), ca_file=authority.ca_file)
        await ask_everything(trove, client, symbol)
        await trove.attempt(lambda: client.market_data.stream_quotes([symbol], id))
        await end(trove, client)
        trove.check()

    row(main)


class Mirror:
    """A venue that repeats every secret, in each form, in whatever it says."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.status = 400
        self.words = " ".join(form for secret in AWKWARD[venue].values() for form in forms_of(secret))
        self.endpoints: dict[str, str] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.endpoints = {key: f"{scheme}://{host}:{port}" for key, scheme in VENUES[self.venue].schemes.items()}

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/oauth/token" and self.status != 401:
            return web.json_response({"access_token": "canary-access-token-4711", "expires_in": 86_400})
        if request.path == "/api/v3/exchangeInfo" and self.status == 200:
            names = json.loads(request.query.get("symbols", "[]"))
            return web.json_response({"symbols": [{"symbol": name} for name in names]})
        if request.path == "/" and self.status not in {401, 403}:
            return web.Response(text=f'<p>{self.words}</p>{{"auth_token":"{web_token()}"}}', content_type="text/html")
        if "Upgrade" in request.headers and self.status == 200:
            return await self._talk(request)
        said = {**dict.fromkeys(("Error", "Message", "error_description", "msg"), self.words), "code": -1}
        frame = damaged(self.words) + b"\n" if self.status == 200 else b""
        return web.Response(
            body=frame + json.dumps(said).encode() + b"\n" + frame,
            status=self.status,
            headers={"X-Said": self.words},
            content_type="application/json",
        )

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        wish = (await socket.receive()).data
        if self.venue == "tradingview":
            return await self._talk_of_charts(socket)
        await socket.send_json({"result": None, "id": json.loads(wish)["id"]})
        await socket.send_bytes(damaged(self.words))
        await socket.send_str(damaged(self.words).decode())
        await socket.send_json({"e": self.words, "stream": self.words, "data": {"e": self.words}})
        await socket.close(code=4001, message=self.words[:100].encode())
        return socket

    async def _talk_of_charts(self, socket: web.WebSocketResponse) -> web.StreamResponse:
        quote = [frames.TRADINGVIEW_QUOTES, {"n": frames.SYMBOLS[self.venue], "s": "error", "errmsg": self.words}]
        said = [
            damaged(self.words),
            *(
                json.dumps({"m": method, "p": arguments}).encode()
                for method, arguments in (
                    (self.words, [self.words]),
                    ("qsd", quote),
                    ("critical_error", ["cs_000000000002", self.words, self.words]),
                    ("critical_error", [self.words, self.words]),
                    ("protocol_error", [self.words]),
                )
            ),
        ]
        for message in said:
            await socket.send_bytes(frames.wrap(self.venue, message))
        await socket.close(code=4001, message=self.words[:100].encode())
        return socket


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_venue_that_repeats_every_secret_is_not_repeated(row: Row, venue: str, symbol: str, trove: Trove) -> None:
    async def main(row: Row) -> None:
        mirror = Mirror(venue)
        await mirror.start()
        row.owned.append(mirror)
        trove.secrets.add("canary-access-token-4711")
        for status in (200, 400, 401, 403, 404, 409, 429, 500, 503):
            mirror.status = status
            client = trove.client(mirror, subscribe_timeout=5)
            watch = Listener(client, flows=False)
            row.watches.append(watch)
            await trove.attempt(lambda watch=watch: watch.open("quotes", symbol))  # type: ignore[misc]  # bound early
            await ask_everything(trove, client, symbol)
            await row.sleep(5)
            await end(trove, client, watch)
        trove.check()

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_nothing_that_can_be_copied_or_written_carries_a_secret(
    row: Row, venue: str, symbol: str, trove: Trove
) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = trove.client(simulator)
        watch = await row.watch(client, "quotes", symbol)
        await watch.more(2)
        trove.look(client, watch)
        written = [copied for found in belongings(client) for copied in copies(found)]
        assert len(written) > 100
        trove.texts += written
        await end(trove, client, watch)
        trove.check()

    row(main)


COMMANDS = {
    "quotes": ["stream", "quotes", "SYMBOL", "--for", "3s"],
    "record": ["record", "quotes", "SYMBOL", "--for", "3s"],
    "orders": ["orders", "list"],
    "account": ["account"],
    "status": ["auth", "status"],
    "venues": ["venues"],
    "wrong": ["stream", "quotes"],
}


if IS_FULL:  # it starts processes

    @pytest.mark.process
    @pytest.mark.parametrize(
        ("venue", "answer"),
        [
            ("tradestation", "407 Proxy Authentication Required"),
            ("binance", "502 Bad Gateway"),
            ("tradingview", "502 Bad Gateway"),
        ],
    )
    async def test_the_command_line_shows_no_secret_of_its_environment(venue: str, answer: str, tmp_path: Path) -> None:
        secrets = {f"{venue}_{name}".upper(): value for name, value in AWKWARD[venue].items()}
        password = "canary-proxy-password-4711"
        async with Proxy() as proxy:  # live, but no further than to this proxy
            proxy.status = answer.encode()
            variables = {
                **os.environ,
                **secrets,
                "HTTPS_PROXY": proxy.url.replace("http://", f"http://canary-user:{password}@"),
                "BROKERWIRE_VENUE": venue,
                "BROKERWIRE_ENVIRONMENT": "live",
                "BROKERWIRE_TOKEN_DIR": str(tmp_path / "tokens"),
                "PYTHONASYNCIODEBUG": "1",
            }
            symbol = VENUES[venue].symbols[0]
            commands = [[symbol if word == "SYMBOL" else word for word in words] for words in COMMANDS.values()]
            shown = await asyncio.gather(*(say(variables, tmp_path, *words) for words in commands))
            assert proxy.asked
        assert all(text.strip() for text in shown), shown
        assert finds([*secrets.values(), password], [*shown, *contents(tmp_path)]) == []


async def say(variables: dict[str, str], folder: Path, *words: str) -> str:
    """Return all that a command writes to its output and its errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-X", "dev", "-m", "brokerwire", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=variables,
        cwd=folder,
    )
    shown, _ = await asyncio.wait_for(process.communicate(), 50)
    return shown.decode()
