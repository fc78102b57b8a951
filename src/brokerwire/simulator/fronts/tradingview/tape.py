"""The live side of one symbol: its newest quote and trade, the day so far, and everybody who follows it."""

from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Any, TypeAlias

from brokerwire.simulator.fronts.tradingview.grid import Sessions
from brokerwire.simulator.fronts.tradingview.resolution import SECOND_NS
from brokerwire.simulator.fronts.tradingview.symbol_info import has_extended_hours
from brokerwire.simulator.fronts.tradingview.symbols import Listed
from brokerwire.simulator.instruments import NEW_YORK
from brokerwire.simulator.market import Market
from brokerwire.simulator.ticks import SimQuote, SimTrade, Tick

NO_VALUE = 1e100
_EARLIEST, _OPEN, _CLOSE, _LATEST = time(4), time(9, 30), time(16), time(20)
_SATURDAY = 5

Listener: TypeAlias = Callable[[Tick], None]


class Tape:
    """What a symbol shows now. It is kept up to date while somebody follows it, and read afresh for whoever comes."""

    def __init__(self, market: Market, listed: Listed) -> None:
        self.listed = listed
        self._market = market
        self._symbol = listed.instrument.symbol
        self._sessions = Sessions(listed.instrument, market.calendar)
        self._listeners: list[Listener] = []
        self._stop: Callable[[], None] | None = None
        self._day = -1
        self._last_trade = -1
        self._volume = 0.0
        self._previous_close = 0.0
        self._values: dict[str, Any] = {}

    def values(self) -> Mapping[str, Any]:
        """Return the fields of a quote that change while the market trades."""
        if self._stop is None:
            self._read()
        self._values["current_session"] = session_name(self.listed, self._market)
        return self._values

    def follow(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with every quote and trade from now on, the values being up to date by then."""
        if self._stop is None:
            self._read()
            self._stop = self._market.watch(self._symbol, self._on_tick, with_book=False)
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)
            if not self._listeners and self._stop is not None:
                self._stop()
                self._stop = None

        return stop

    def close(self) -> None:
        """Stop following the market."""
        self._listeners.clear()
        if self._stop is not None:
            self._stop()
            self._stop = None

    def _on_tick(self, tick: Tick) -> None:
        if isinstance(tick, SimTrade):
            if tick.trade_id <= self._last_trade:
                return
            self._add_trade(tick)
        elif isinstance(tick, SimQuote):
            self._add_quote(tick)
        for listener in list(self._listeners):
            listener(tick)

    def _read(self) -> None:
        now_ns = self._market.now_ns()
        self._begin_day(now_ns)
        trade = self._market.last_trade(self._symbol)
        self._last_trade = trade.trade_id
        self._set_price(trade)
        self._add_quote(self._market.quote(self._symbol))

    def _begin_day(self, at_ns: int) -> None:
        self._day = self._sessions.day_at(at_ns)
        session = self._sessions.of(self._day) or (at_ns, at_ns)
        self._previous_close = self._close_before(session[0])
        bar = self._market.window(self._symbol, *session)
        self._values["prev_close_price"] = self._values["regular_close"] = self._previous_close
        self._values["volume"] = self._volume = NO_VALUE
        if bar is not None:
            self._volume = float(bar.volume)
            self._values |= {
                "open_price": float(bar.open),
                "high_price": float(bar.high),
                "low_price": float(bar.low),
                "volume": self._shown_volume(),
            }

    def _close_before(self, open_ns: int) -> float:
        previous = self._sessions.of(self._sessions.day_at(open_ns - 1))
        bar = None if previous is None else self._market.window(self._symbol, *previous)
        return float(bar.close) if bar is not None else float(self._market.last_trade(self._symbol).price)

    def _shown_volume(self) -> float:
        return self._volume if self.listed.has_volume else NO_VALUE

    def _add_trade(self, trade: SimTrade) -> None:
        self._last_trade = trade.trade_id
        if self._sessions.day_at(trade.time_ns) != self._day:
            self._begin_day(trade.time_ns)
        else:
            self._extend_day(trade)
        self._set_price(trade)

    def _extend_day(self, trade: SimTrade) -> None:
        price = float(trade.price)
        self._volume = round(self._volume + float(trade.size), 8)
        self._values["volume"] = self._shown_volume()
        self._values["high_price"] = max(self._values.get("high_price", price), price)
        self._values["low_price"] = min(self._values.get("low_price", price), price)

    def _set_price(self, trade: SimTrade) -> None:
        price, digits = float(trade.price), self.listed.price_digits
        change = price - self._previous_close
        self._values |= {
            "lp": price,
            "lp_time": trade.time_ns // SECOND_NS,
            "ch": round(change, digits),
            "chp": round(100 * change / self._previous_close, 2) if self._previous_close else 0.0,
        }

    def _add_quote(self, quote: SimQuote) -> None:
        if self.listed.type == "index":
            return
        self._values |= {
            "bid": float(quote.bid),
            "ask": float(quote.ask),
            "bid_size": float(quote.bid_size),
            "ask_size": float(quote.ask_size),
        }


class Tapes:
    """One tape per symbol, shared by every connection."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._known: dict[str, Tape] = {}

    def of(self, listed: Listed) -> Tape:
        """Return the tape of a symbol."""
        if listed.full_name not in self._known:
            self._known[listed.full_name] = Tape(self._market, listed)
        return self._known[listed.full_name]

    def close(self) -> None:
        """Stop following the market."""
        for tape in self._known.values():
            tape.close()
        self._known.clear()


def session_name(listed: Listed, market: Market) -> str:
    """Return what the venue calls the present hour; shares have hours before and after those of the market."""
    if market.is_open(listed.instrument.symbol):
        return "market"
    now = datetime.fromtimestamp(market.now_ns() // SECOND_NS, tz=NEW_YORK)
    if not has_extended_hours(listed) or now.weekday() >= _SATURDAY:
        return "out_of_session"
    if _EARLIEST <= now.time() < _OPEN:
        return "pre_market"
    return "post_market" if _CLOSE <= now.time() < _LATEST else "out_of_session"
