"""One instrument's side of the synthetic market: path units turned into prices, sizes, quotes and books."""

from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from brokerwire.simulator.instruments import Instrument
from brokerwire.simulator.price_path import DAY_NS, HOUR_NS, MINUTE_NS, PathTrade, PricePath, Span, mix
from brokerwire.simulator.ticks import BookLevel, SimBar, SimBook, SimBookChange, SimQuote, SimTrade

BOOK_DEPTH = 100
UPDATES_PER_SLOT = 8

_MOST_RESTS = 4096

Levels = dict[int, int]


class _Sum:
    """Adds spans and trades up to one bar, in ticks and lots."""

    def __init__(self) -> None:
        self.open = self.high = self.low = self.close = 0
        self.volume = self.value = self.buy_volume = self.buy_value = 0
        self.count = self.buy_count = 0
        self.first_trade = -1

    def _extend(self, first: int, high: int, low: int, last: int) -> None:
        if not self.count:
            self.open, self.high, self.low = first, high, low
        self.high, self.low, self.close = max(self.high, high), min(self.low, low), last

    def add_span(self, span: Span) -> None:
        self._extend(span.open, span.high, span.low, span.close)
        if self.first_trade < 0:
            self.first_trade = span.first_trade
        middle = span.open + span.close
        self.count += span.trade_count
        self.buy_count += span.buy_count
        self.volume += span.volume
        self.buy_volume += span.buy_volume
        self.value += span.volume * middle // 2
        self.buy_value += span.buy_volume * middle // 2

    def add_trade(self, trade: PathTrade) -> None:
        self._extend(trade.price, trade.price, trade.price, trade.price)
        if self.first_trade < 0:
            self.first_trade = trade.trade_id
        self.count += 1
        self.volume += trade.size
        self.value += trade.size * trade.price
        if trade.is_buy:
            self.buy_count += 1
            self.buy_volume += trade.size
            self.buy_value += trade.size * trade.price


class _Book(msgspec.Struct, frozen=True):
    slot: int
    bids: Levels
    asks: Levels


class _Rest(msgspec.Struct, frozen=True, gc=False):
    """What rests at one price of one side, and for which slots: ``from_slot`` up to before ``to_slot``."""

    from_slot: int
    to_slot: int
    size: int


class Feed:
    """What one instrument shows at any time; every answer depends on the path's key and the time alone."""

    def __init__(self, instrument: Instrument, path: PricePath, *, key: int, slot_ns: int, lots: int) -> None:
        self.instrument = instrument
        self.path = path
        self._key = key
        self._slot_ns = slot_ns
        self._lots = lots
        self._book: _Book | None = None
        self._rests: dict[int, _Rest] = {}

    def price(self, ticks: int) -> Decimal:
        """Return a price in the quote currency."""
        return self.instrument.tick * ticks

    def size(self, lots: int) -> Decimal:
        """Return a size in units of the instrument."""
        return self.instrument.lot * lots

    def last_path_trade(self, at_ns: int) -> PathTrade:
        """Return the newest trade at or before ``at_ns``."""
        minute = at_ns // MINUTE_NS
        trades = self.path.trades(minute)
        index = bisect_left(trades, at_ns + 1, key=_time_of)
        return trades[index - 1] if index else self.path.trades(minute - 1)[-1]

    def trade(self, found: PathTrade) -> SimTrade:
        """Return the trade in prices and sizes."""
        return SimTrade(
            symbol=self.instrument.symbol,
            trade_id=found.trade_id,
            time_ns=found.time_ns,
            price=self.price(found.price),
            size=self.size(found.size),
            side="buy" if found.is_buy else "sell",
        )

    def path_trades(self, start_ns: int, end_ns: int) -> Iterator[PathTrade]:
        """Yield the trades of ``[start_ns, end_ns)``."""
        for minute in range(start_ns // MINUTE_NS, -(-end_ns // MINUTE_NS)):
            trades = self.path.trades(minute)
            yield from trades[bisect_left(trades, start_ns, key=_time_of) : bisect_left(trades, end_ns, key=_time_of)]

    def bar(self, windows: list[tuple[int, int]], *, open_ns: int, close_ns: int, now_ns: int) -> SimBar | None:
        """Sum up the trades of ``windows`` (all within the bar) that have happened by ``now_ns``."""
        total = _Sum()
        for start_ns, end_ns in windows:
            self._add(total, start_ns, min(end_ns, now_ns + 1))
        if not total.count:
            return None
        unit = self.instrument.tick * self.instrument.lot
        return SimBar(
            symbol=self.instrument.symbol,
            open_ns=open_ns,
            close_ns=close_ns,
            open=self.price(total.open),
            high=self.price(total.high),
            low=self.price(total.low),
            close=self.price(total.close),
            volume=self.size(total.volume),
            quote_volume=unit * total.value,
            trade_count=total.count,
            buy_count=total.buy_count,
            buy_volume=self.size(total.buy_volume),
            buy_quote_volume=unit * total.buy_value,
            first_trade_id=total.first_trade,
            last_trade_id=total.first_trade + total.count - 1,
            is_closed=now_ns >= close_ns,
        )

    def _add(self, total: _Sum, at_ns: int, end_ns: int) -> None:
        """Cover ``[at_ns, end_ns)`` with the largest whole spans that fit, and with single trades at the ends."""
        while at_ns < end_ns:
            if at_ns % DAY_NS == 0 and at_ns + DAY_NS <= end_ns:
                total.add_span(self.path.day(at_ns // DAY_NS))
                at_ns += DAY_NS
            elif at_ns % HOUR_NS == 0 and at_ns + HOUR_NS <= end_ns:
                hour = at_ns // HOUR_NS
                total.add_span(self.path.hours(hour // 24)[hour % 24])
                at_ns += HOUR_NS
            elif at_ns % MINUTE_NS == 0 and at_ns + MINUTE_NS <= end_ns:
                minute = at_ns // MINUTE_NS
                total.add_span(self.path.minutes(minute // 60)[minute % 60])
                at_ns += MINUTE_NS
            else:
                stop = min(end_ns, (at_ns // MINUTE_NS + 1) * MINUTE_NS)
                for trade in self.path_trades(at_ns, stop):
                    total.add_trade(trade)
                at_ns = stop

    def slot(self, at_ns: int) -> int:
        """Return the number of the quote slot that ``at_ns`` falls into."""
        return at_ns // self._slot_ns

    def best(self, slot: int) -> tuple[int, int]:
        """Return best bid and ask in ticks: the last trade sits on the side its aggressor hit."""
        last = self.last_path_trade(slot * self._slot_ns)
        spread = 1 + int(last.price * 0.00001) + (mix(self._key, slot // 7) % 4 == 0)
        return (last.price - spread, last.price) if last.is_buy else (last.price, last.price + spread)

    def _level_size(self, price: int, side: int, slot: int) -> int:
        """Return the size resting at one price; each price redraws its size at its own pace."""
        place = 4 * price + side
        rest = self._rests.get(place)
        if rest is not None and rest.from_slot <= slot < rest.to_slot:
            return rest.size
        nature = mix(self._key ^ side, price)
        pace = 4 + nature % 60
        epoch, since = divmod(slot + (nature >> 8), pace)
        if len(self._rests) >= _MOST_RESTS:
            self._rests.clear()
        size = self._drawn_size(mix(nature, epoch))
        self._rests[place] = _Rest(from_slot=slot - since, to_slot=slot - since + pace, size=size)
        return size

    def _drawn_size(self, draw: int) -> int:
        if self.instrument.kind in ("stock", "etf"):
            return 100 * (1 + int((draw % 1000 / 1000.0) ** 2 * 12))
        return 1 + int((draw % 1000 / 1000.0) ** 2 * self._lots * 8) + draw % 7

    def quote(self, at_ns: int) -> SimQuote:
        """Return the quote of the slot that ``at_ns`` falls into."""
        slot = self.slot(at_ns)
        bid, ask = self.best(slot)
        return SimQuote(
            symbol=self.instrument.symbol,
            time_ns=at_ns,
            bid=self.price(bid),
            bid_size=self.size(self._level_size(bid, 1, slot)),
            ask=self.price(ask),
            ask_size=self.size(self._level_size(ask, 2, slot)),
            sequence=slot * UPDATES_PER_SLOT,
        )

    def _levels(self, slot: int) -> _Book:
        if self._book is not None and self._book.slot == slot:
            return self._book
        bid, ask = self.best(slot)
        step = max(1, bid // 50_000)
        bids = {bid: self._level_size(bid, 1, slot)}
        asks = {ask: self._level_size(ask, 2, slot)}
        below, above = (bid - 1) // step * step, (ask // step + 1) * step
        for _ in range(BOOK_DEPTH - 1):
            if below > 0:
                bids[below] = self._level_size(below, 1, slot)
            asks[above] = self._level_size(above, 2, slot)
            below, above = below - step, above + step
        self._book = _Book(slot=slot, bids=bids, asks=asks)
        return self._book

    def book(self, levels: int, at_ns: int) -> SimBook:
        """Return the top ``levels`` of the book, at most 100 a side."""
        slot = self.slot(at_ns)
        found = self._levels(slot)
        return SimBook(
            symbol=self.instrument.symbol,
            time_ns=at_ns,
            sequence=slot * UPDATES_PER_SLOT,
            bids=[self._book_level(p, s) for p, s in list(found.bids.items())[:levels]],
            asks=[self._book_level(p, s) for p, s in list(found.asks.items())[:levels]],
        )

    def _book_level(self, price: int, size: int) -> BookLevel:
        return BookLevel(price=self.price(price), size=self.size(size), order_count=1 + mix(self._key, price) % 6)

    def book_change(self, from_slot: int, to_slot: int, *, at_ns: int) -> SimBookChange:
        """Return what changed in the book between two slots."""
        before, after = self._levels(from_slot), self._levels(to_slot)
        return SimBookChange(
            symbol=self.instrument.symbol,
            time_ns=at_ns,
            first_sequence=from_slot * UPDATES_PER_SLOT + 1,
            last_sequence=to_slot * UPDATES_PER_SLOT,
            bids=[(self.price(p), self.size(s)) for p, s in _difference(before.bids, after.bids)],
            asks=[(self.price(p), self.size(s)) for p, s in _difference(before.asks, after.asks)],
        )


def _difference(before: Levels, after: Levels) -> list[tuple[int, int]]:
    changed = [(price, size) for price, size in after.items() if before.get(price) != size]
    return changed + [(price, 0) for price in before if price not in after]


def _time_of(trade: PathTrade) -> int:
    return trade.time_ns
