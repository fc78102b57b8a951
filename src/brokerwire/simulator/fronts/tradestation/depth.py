"""Market depth streams: by participant, and aggregated by price."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from aiohttp import web

from brokerwire.simulator.fronts.tradestation.answers import ApiError, moment, number, whole_number
from brokerwire.simulator.fronts.tradestation.gate import Caller
from brokerwire.simulator.fronts.tradestation.quotes import find_instrument
from brokerwire.simulator.fronts.tradestation.streams import MARKET_DATA, LineStream, StreamTools
from brokerwire.simulator.market import Market
from brokerwire.simulator.price_path import mix
from brokerwire.simulator.ticks import BookLevel, SimBook, SimBookChange, Tick

_PARTICIPANTS = ("NSDQ", "ARCX", "BATS", "EDGX", "IEXG", "MEMX")
_SECOND_NS = 1_000_000_000

Rows: TypeAlias = list[dict[str, Any]]
Writer: TypeAlias = Callable[[SimBook, Sequence[BookLevel], str], Rows]


def participant_rows(book: SimBook, levels: Sequence[BookLevel], side: str) -> Rows:
    """Return one row per price, named after the participant that shows it."""
    return [
        {
            "TimeStamp": moment(book.time_ns - _age_ns(level)),
            "Side": side,
            "Price": number(level.price),
            "Size": number(level.size),
            "OrderCount": level.order_count,
            "Name": _PARTICIPANTS[mix(3, int(level.size * 1000) + index) % len(_PARTICIPANTS)],
        }
        for index, level in enumerate(levels)
    ]


def aggregate_rows(book: SimBook, levels: Sequence[BookLevel], side: str) -> Rows:
    """Return one row per price, with what all participants show there together."""
    return [
        {
            "EarliestTime": moment(book.time_ns - _age_ns(level) - 3 * _SECOND_NS),
            "LatestTime": moment(book.time_ns - _age_ns(level)),
            "Side": side,
            "Price": number(level.price),
            "TotalSize": number(level.size),
            "BiggestSize": number(level.size if level.order_count == 1 else -(-level.size * 2 // 3)),
            "SmallestSize": number(
                level.size if level.order_count == 1 else level.size // (level.order_count + 1) or 1
            ),
            "NumParticipants": min(level.order_count, len(_PARTICIPANTS)),
            "TotalOrderCount": level.order_count,
        }
        for level in levels
    ]


def _age_ns(level: BookLevel) -> int:
    return mix(5, int(level.size * 1000)) % 4 * _SECOND_NS


class Depth:
    """Handlers of depth streams; every frame is the whole visible book."""

    def __init__(self, market: Market, tools: StreamTools) -> None:
        self._market = market
        self._tools = tools

    async def quotes(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Answer ``GET /v3/marketdata/stream/marketdepth/quotes/{symbol}``."""
        return await self._serve(request, caller, participant_rows)

    async def aggregates(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Answer ``GET /v3/marketdata/stream/marketdepth/aggregates/{symbol}``."""
        return await self._serve(request, caller, aggregate_rows)

    async def _serve(self, request: web.Request, caller: Caller, rows: Writer) -> web.StreamResponse:
        levels = whole_number(request, "maxlevels", 20, low=1, high=10_000)
        instrument = find_instrument(self._market, request.match_info["symbol"])
        if instrument is None or instrument.kind not in ("stock", "etf", "future", "option"):
            raise ApiError("BadRequest", "Invalid symbol.")
        symbol = instrument.symbol

        async def start(lines: LineStream) -> None:
            def send() -> None:
                book = self._market.book(symbol, levels)
                lines.push({"Bids": rows(book, book.bids, "Bid"), "Asks": rows(book, book.asks, "Ask")})

            def on_tick(tick: Tick) -> None:
                if isinstance(tick, SimBookChange):
                    send()

            send()
            lines.at_end(self._market.watch(symbol, on_tick, with_book=True))

        return await LineStream(request, caller, spec=MARKET_DATA, tools=self._tools).serve(start)
