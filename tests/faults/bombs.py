"""What only the tests blow up with: bombs at the edge of the limits, and answers to requests that are bombs."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from aiohttp import web
from tests.faults.conftest import repeats
from tests.faults.venues import VENUES

from brokerwire.doctor.bombs import BOMBS, MIB, Bomb

LIMIT_BYTES = 8 * MIB
CHART_LIMIT_BYTES = 16 * MIB
BOMB_BYTES = repeats(128, 512) * MIB


def _oversize(limit: int) -> Bomb:
    """Return the head of a frame that is one byte too long."""
    return Bomb(lambda _size: iter([b"\x81\x7f" + (limit + 1).to_bytes(8, "big") + b"9"]))


def _fragments(limit: int) -> Bomb:
    """Return fragments that are a little too long together, and then silence, so that a close frame is heard."""
    return Bomb(lambda _size: BOMBS["binance"]["fragments"].pieces(limit))


def _small_fragments(size: int) -> Iterator[bytes]:
    """Fragments of a hundred bytes without end."""
    yield b"\x01\x019"
    yield from ((b"\x00\x64" + b"9" * 100) * 1000 for _ in range(size // 100_000))


KINDS: Mapping[str, Bomb] = MappingProxyType(
    {
        "oversize": _oversize(LIMIT_BYTES),
        "oversize chart": _oversize(CHART_LIMIT_BYTES),
        "endless": BOMBS["binance"]["frame"],
        "fragments": _fragments(LIMIT_BYTES),
        "fragments of a chart": _fragments(CHART_LIMIT_BYTES),
        "small_fragments": Bomb(_small_fragments),
        "deflate": BOMBS["binance"]["deflate"],
        **BOMBS["tradestation"],
    }
)


class BombAnswers:
    """Answers every request with a bomb, or with ``path`` "token" the one for a token.

    Attributes:
        sent_bytes: How much of the bomb the client let in.
    """

    def __init__(self, venue: str, bomb: Bomb, *, path: str) -> None:
        self.venue = venue
        self.sent_bytes = 0
        self.endpoints: dict[str, str] = {}
        self._bomb = bomb
        self._path = path
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/oauth/token", self._token)
        app.router.add_get("/{path:.*}", self._blow_up)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.endpoints = {key: f"{scheme}://{host}:{port}" for key, scheme in VENUES[self.venue].schemes.items()}

    async def close(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _token(self, request: web.Request) -> web.StreamResponse:
        if self._path == "token":
            return await self._blow_up(request)
        return web.json_response({"access_token": "canary-access-token-4711", "expires_in": 86_400})

    async def _blow_up(self, request: web.Request) -> web.StreamResponse:
        encoding = {"Content-Encoding": self._bomb.encoding} if self._bomb.encoding else {}
        answer = web.StreamResponse(headers={"Content-Type": "application/json", **encoding})
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        for piece in self._bomb.pieces(BOMB_BYTES):
            await answer.write(piece)
            self.sent_bytes += len(piece)
        return answer
