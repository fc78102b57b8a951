"""Quotes: the REST snapshot, and the stream of a full frame and then only what changed."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

from aiohttp import web

from brokerwire.simulator.fronts.tradestation.answers import comma_list, json_response, moment, number, rounded
from brokerwire.simulator.fronts.tradestation.gate import Caller
from brokerwire.simulator.fronts.tradestation.streams import MARKET_DATA, LineStream, StreamTools
from brokerwire.simulator.instruments import Instrument
from brokerwire.simulator.market import Market
from brokerwire.simulator.price_path import DAY_NS, mix, path_key
from brokerwire.simulator.sessions import new_york_ns, trading_day
from brokerwire.simulator.ticks import Extremes, SimQuote, SimTrade, Tick

_VENUES = ("ARCX", "NSDQ", "BATS", "EDGX", "XNYS", "IEXG", "MEMX", "EDGA")
_MAX_SYMBOLS = 100
FIELDS = (
    "Symbol",
    "Open",
    "High",
    "Low",
    "PreviousClose",
    "Last",
    "Ask",
    "AskSize",
    "Bid",
    "BidSize",
    "NetChange",
    "NetChangePct",
    "High52Week",
    "High52WeekTimestamp",
    "Low52Week",
    "Low52WeekTimestamp",
    "Volume",
    "PreviousVolume",
    "Close",
    "DailyOpenInterest",
    "TradeTime",
    "TickSizeTier",
    "MarketFlags",
    "LastSize",
    "LastVenue",
    "VWAP",
)
"""The fields of a quote in the order of the wire; futures have further ones behind."""


def day_bounds(at_ns: int) -> tuple[int, int]:
    """Return start and end of the trading day that ``at_ns`` belongs to: 16:00 to 16:00 in New York."""
    day = trading_day(at_ns)
    return new_york_ns(day - timedelta(days=1), 16), new_york_ns(day, 16)


def open_interest(instrument: Instrument) -> int:
    """Return the number of open contracts of a future or option, else 0."""
    if instrument.kind not in ("future", "option"):
        return 0
    return 500 + path_key(0, instrument.symbol) % 90_000


class QuoteBoard:
    """The running figures of one symbol's trading day, fed by ticks and written as the venue writes them."""

    def __init__(self, market: Market, instrument: Instrument) -> None:
        self._market = market
        self._instrument = instrument
        self._quote = market.quote(instrument.symbol)
        self._trade = market.last_trade(instrument.symbol)
        self._sent: dict[str, Any] = {}
        self._begin_day()

    def _begin_day(self) -> None:
        market, symbol, now_ns = self._market, self._instrument.symbol, self._market.now_ns()
        start_ns, self._end_ns = day_bounds(now_ns)
        today = market.window(symbol, start_ns, self._end_ns)
        before = market.window(symbol, start_ns - DAY_NS, start_ns)
        last = self._trade.price
        self._open = today.open if today else last
        self._high = today.high if today else last
        self._low = today.low if today else last
        self._volume = today.volume if today else Decimal(0)
        self._value = today.quote_volume if today else Decimal(0)
        self._previous_close = before.close if before else self._open
        self._previous_volume = before.volume if before else Decimal(0)
        self._year: Extremes | None = None

    def day(self) -> dict[str, Decimal]:
        """Return the figures of the day that option streams show."""
        return {
            "Close": self._trade.price,
            "High": self._high,
            "Last": self._trade.price,
            "Low": self._low,
            "Open": self._open,
            "PreviousClose": self._previous_close,
            "Volume": self._volume,
        }

    @property
    def quote(self) -> SimQuote:
        """The best bid and ask."""
        return self._quote

    def take(self, tick: Tick) -> None:
        """Bring the figures up to date."""
        if isinstance(tick, SimQuote):
            self._quote = tick
        elif isinstance(tick, SimTrade):
            if tick.time_ns >= self._end_ns:
                self._trade = tick
                self._begin_day()
                return
            self._trade = tick
            self._high, self._low = max(self._high, tick.price), min(self._low, tick.price)
            self._volume += tick.size
            self._value += tick.size * tick.price

    def full(self, *, is_stream: bool) -> dict[str, Any]:
        """Return every field; the change in percent is a fraction on streams."""
        fields = self._bid_and_ask() | self._trade_fields(is_stream=is_stream)
        fields |= {
            "Symbol": self._instrument.symbol,
            "Open": number(self._open),
            "PreviousClose": number(self._previous_close),
            "PreviousVolume": number(self._previous_volume),
            "DailyOpenInterest": str(open_interest(self._instrument)),
            "TickSizeTier": "0",
            "MarketFlags": {"IsDelayed": False, "IsHardToBorrow": False, "IsBats": False, "IsHalted": False},
            **self._year_fields(),
        }
        return {name: fields[name] for name in FIELDS} | self._future_fields()

    def _bid_and_ask(self) -> dict[str, Any]:
        quote = self._quote
        return {
            "Ask": number(quote.ask),
            "AskSize": number(quote.ask_size),
            "Bid": number(quote.bid),
            "BidSize": number(quote.bid_size),
        }

    def _trade_fields(self, *, is_stream: bool) -> dict[str, Any]:
        trade = self._trade
        change = trade.price - self._previous_close
        return {
            "High": number(self._high),
            "Low": number(self._low),
            "Last": number(trade.price),
            "NetChange": number(change),
            "NetChangePct": rounded(change / self._previous_close * (1 if is_stream else 100), 6),
            "Volume": number(self._volume),
            "Close": number(trade.price),
            "TradeTime": moment(trade.time_ns),
            "LastSize": number(trade.size),
            "LastVenue": self._venue(),
            "VWAP": rounded(self._value / self._volume, 6) if self._volume else number(trade.price),
        }

    def _year_fields(self) -> dict[str, Any]:
        year = self._year = self._year or self._market.extremes(self._instrument.symbol, 365)
        return {
            "High52Week": number(max(year.high, self._high)),
            "High52WeekTimestamp": moment(year.high_ns),
            "Low52Week": number(min(year.low, self._low)),
            "Low52WeekTimestamp": moment(year.low_ns),
        }

    def _venue(self) -> str:
        if self._instrument.kind in ("stock", "etf"):
            return _VENUES[mix(7, self._trade.trade_id) % len(_VENUES)]
        return self._instrument.exchange

    def _future_fields(self) -> dict[str, Any]:
        expiration = self._instrument.expiration
        if self._instrument.kind != "future" or expiration is None:
            return {}
        limit = self._instrument.anchor * Decimal("0.2")
        return {
            "MinPrice": number(self._instrument.anchor - limit),
            "MaxPrice": number(self._instrument.anchor + limit),
            "FirstNoticeDate": "",
            "LastTradingDate": f"{expiration:%Y-%m-%d}T00:00:00Z",
        }

    def begin(self) -> dict[str, Any]:
        """Return the full first frame of a stream."""
        self._sent = self.full(is_stream=True)
        return self._sent

    def changes(self, tick: Tick) -> dict[str, Any]:
        """Take a tick; return the symbol and the fields it has changed, or nothing."""
        day_end_ns = self._end_ns
        self.take(tick)
        if self._end_ns != day_end_ns:
            now = self.full(is_stream=True)
        elif isinstance(tick, SimQuote):
            now = self._bid_and_ask()
        else:
            now = self._trade_fields(is_stream=True)
        changed = {name: value for name, value in now.items() if self._sent.get(name) != value}
        self._sent = self._sent | changed
        return {"Symbol": self._instrument.symbol, **changed} if changed else {}


def find_instrument(market: Market, symbol: str) -> Instrument | None:
    """Return an instrument by its symbol in any case."""
    return market.universe.find(symbol.upper())


class Quotes:
    """Handlers of quote snapshots and quote streams."""

    def __init__(self, market: Market, tools: StreamTools) -> None:
        self._market = market
        self._tools = tools

    async def snapshot(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``GET /v3/marketdata/quotes/{symbols}``."""
        quotes: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for symbol in comma_list(request.match_info["symbols"], limit=_MAX_SYMBOLS, what="symbols"):
            instrument = find_instrument(self._market, symbol)
            if instrument is None:
                errors.append({"Symbol": symbol, "Error": "FAILED, INVALID SYMBOL"})
            else:
                quotes.append(QuoteBoard(self._market, instrument).full(is_stream=False))
                await asyncio.sleep(0)
        body: dict[str, Any] = {"Quotes": quotes} if quotes else {}
        return json_response(body | ({"Errors": errors} if errors else {}))

    async def stream(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Answer ``GET /v3/marketdata/stream/quotes/{symbols}``."""
        symbols = comma_list(request.match_info["symbols"], limit=_MAX_SYMBOLS, what="symbols")
        stream = LineStream(request, caller, spec=MARKET_DATA, tools=self._tools)

        async def start(lines: LineStream) -> None:
            for symbol in symbols:
                self._follow(symbol, lines)
                await lines.flush()
                await asyncio.sleep(0)

        return await stream.serve(start)

    def _follow(self, symbol: str, lines: LineStream) -> None:
        instrument = find_instrument(self._market, symbol)
        if instrument is None:
            lines.push({"Symbol": symbol, "Error": "FAILED, INVALID SYMBOL"})
            return
        board = QuoteBoard(self._market, instrument)
        lines.push(board.begin())

        def on_tick(tick: Tick) -> None:
            if changed := board.changes(tick):
                lines.push(changed)

        lines.at_end(self._market.watch(instrument.symbol, on_tick, with_book=False))
