"""A reproducible price path: days that split exactly into hours, minutes and single trades.

A day is drawn first; its hours, their minutes and their trades are drawn to agree with it to the last lot. Every
span is mirror-symmetric in time about the middle of its open and close, which makes the traded value of a span
exactly volume times that middle, so that a summary of any span costs one lookup and never its trades.
"""

import hashlib
import math
import random
from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import TypeVar

import msgspec

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS
_MS_NS = 1_000_000
_MASK = (1 << 64) - 1

V = TypeVar("V")


class Span(msgspec.Struct, frozen=True, gc=False):
    """One day, hour or minute of the path, in whole ticks and lots.

    ``buys``/``sells`` count the mirrored groups of trades of the span: a minute holds two trades per group, an hour
    four, a day eight (``copies``). ``reach`` is how far high and low lie beyond open and close.
    """

    start_ns: int
    copies: int
    open: int
    close: int
    reach: int
    buys: int
    sells: int
    buy_extra: int
    sell_extra: int
    first_trade: int

    @property
    def high(self) -> int:
        return max(self.open, self.close) + self.reach

    @property
    def low(self) -> int:
        return min(self.open, self.close) - self.reach

    @property
    def trade_count(self) -> int:
        return self.copies * (self.buys + self.sells)

    @property
    def buy_count(self) -> int:
        return self.copies * self.buys

    @property
    def buy_volume(self) -> int:
        return self.copies * (self.buys + self.buy_extra)

    @property
    def volume(self) -> int:
        return self.copies * (self.buys + self.buy_extra + self.sells + self.sell_extra)


class PathTrade(msgspec.Struct, frozen=True, gc=False):
    """One trade in ticks and lots; ``is_buy`` says that the buyer was the aggressor."""

    trade_id: int
    time_ns: int
    price: int
    size: int
    is_buy: bool


class PathShape(msgspec.Struct, frozen=True):
    """What distinguishes one instrument's path: typical ``lots`` per trade, daily ``volatility`` and trade ``rate``."""

    lots: int
    volatility: float
    rate: int = 1


class _Cache:
    """Keeps the newest ``size`` results, so that months of running hold no more than a fixed amount."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: dict[Hashable, object] = {}

    def get(self, key: Hashable, build: Callable[[], V]) -> V:
        found = self._values.get(key)
        if found is None:
            found = build()
            if len(self._values) >= self._size:
                del self._values[next(iter(self._values))]
            self._values[key] = found
        return found  # type: ignore[return-value]  # one cache holds one kind of value


def path_key(seed: int, name: str) -> int:
    """Return the 64-bit key from which everything about ``name`` is drawn."""
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def mix(key: int, number: int) -> int:
    """Return 64 well-mixed bits for ``number`` under ``key``."""
    z = (key + (number + 1) * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def unit(key: int, number: int) -> float:
    """Return a number in [0, 1) for ``number`` under ``key``."""
    return mix(key, number) / 2.0**64


class Drift:
    """The logarithm of price over anchor at the start of each day: slow waves of several lengths."""

    _WAVES = ((331, 0.07), (73, 0.04), (17, 0.02), (5, 0.011), (1, 0.006))

    def __init__(self, key: int) -> None:
        self._keys = [key ^ wave for wave in range(len(self._WAVES))]
        self._knots: dict[tuple[int, int], float] = {}

    def at(self, day: int) -> float:
        """Return the drift at the start of ``day``, days since 1970-01-01 UTC."""
        total = 0.0
        for wave, (period, size) in enumerate(self._WAVES):
            step, rest = divmod(day, period)
            left = self._knot(wave, step)
            if rest:
                share = rest / period
                left += (self._knot(wave, step + 1) - left) * share * share * (3 - 2 * share)
            total += size * left
        return total

    def _knot(self, wave: int, step: int) -> float:
        found = self._knots.get((wave, step))
        if found is None:
            found = self._knots[wave, step] = unit(self._keys[wave], step) * 2 - 1
        return found


class PricePath:
    """The path of one instrument.

    ``level(day)`` gives the price in ticks at the start of a day (days since 1970-01-01 UTC), at least 5.
    """

    def __init__(self, *, key: int, level: Callable[[int], int], shape: PathShape) -> None:
        self._key = key
        self._level = level
        self._shape = shape
        self._levels = _Cache(2000)
        self._days = _Cache(2000)
        self._hours = _Cache(2000)
        self._minutes = _Cache(400)
        self._trades = _Cache(120)

    @property
    def _day_groups(self) -> int:
        return 23_400 * self._shape.rate

    def _groups_before(self, day: int) -> int:
        return day * self._day_groups + mix(self._key ^ 0x1D5, day) % (700 * self._shape.rate)

    def _start_level(self, day: int) -> int:
        return self._levels.get(day, lambda: self._level(day))

    def day(self, day: int) -> Span:
        """Return the whole UTC day."""
        return self._days.get(day, lambda: self._draw_day(day))

    def _draw_day(self, day: int) -> Span:
        key = mix(self._key ^ 0xDA1, day)
        first, last = self._start_level(day), self._start_level(day + 1)
        least = min(first, last)
        reach = int(least * self._shape.volatility * (0.2 + unit(key, 0)))
        groups = self._groups_before(day + 1) - self._groups_before(day)
        floor = 10_800 * self._shape.rate
        buys = floor + int((groups - 2 * floor) * (0.4 + 0.2 * unit(key, 1)))
        sells = groups - buys
        scale = self._shape.lots * (0.7 + 0.6 * unit(key, 2))
        return Span(
            start_ns=day * DAY_NS,
            copies=8,
            open=first,
            close=last,
            reach=max(0, min(reach, least - 5)),
            buys=buys,
            sells=sells,
            buy_extra=int(buys * scale * (0.9 + 0.2 * unit(key, 3))),
            sell_extra=int(sells * scale * (0.9 + 0.2 * unit(key, 4))),
            first_trade=8 * self._groups_before(day),
        )

    def hours(self, day: int) -> Sequence[Span]:
        """Return the 24 hours of a day."""
        return self._hours.get(day, lambda: self._split(self.day(day), parts=24, floor=900 * self._shape.rate))

    def minutes(self, hour: int) -> Sequence[Span]:
        """Return the 60 minutes of an hour, counted since 1970-01-01 UTC."""

        def draw() -> Sequence[Span]:
            return self._split(self.hours(hour // 24)[hour % 24], parts=60, floor=30 * self._shape.rate)

        return self._minutes.get(hour, draw)

    def trades(self, minute: int) -> Sequence[PathTrade]:
        """Return the trades of a minute, counted since 1970-01-01 UTC, in order of time."""
        return self._trades.get(minute, lambda: self._draw_trades(self.minutes(minute // 60)[minute % 60]))

    def _split(self, span: Span, *, parts: int, floor: int) -> Sequence[Span]:
        half = parts // 2
        rng = random.Random(mix(self._key ^ parts, span.start_ns))
        points = _bridge(rng, span, half)
        reaches = _reaches(rng, span, points)
        counts = [[floor + n for n in _share(rng, total - half * floor, half)] for total in (span.buys, span.sells)]
        extras = [_share(rng, total, half) for total in (span.buy_extra, span.sell_extra)]
        step = HOUR_NS if parts == 24 else MINUTE_NS
        total = span.open + span.close
        first = span.first_trade
        children: list[Span] = []
        for i in range(parts):
            j = min(i, parts - 1 - i)
            ends = (points[j], points[j + 1]) if i < half else (total - points[j + 1], total - points[j])
            child = Span(
                start_ns=span.start_ns + i * step,
                copies=span.copies // 2,
                open=ends[0],
                close=ends[1],
                reach=reaches[j],
                buys=counts[0][j],
                sells=counts[1][j],
                buy_extra=extras[0][j],
                sell_extra=extras[1][j],
                first_trade=first,
            )
            first += child.trade_count
            children.append(child)
        return children

    def _draw_trades(self, minute: Span) -> Sequence[PathTrade]:
        rng = random.Random(mix(self._key ^ 0x7E5, minute.start_ns))
        groups = minute.buys + minute.sells
        prices = _bridge(rng, minute, groups)[:groups]
        if minute.reach:
            prices[rng.randrange(1, groups)] = minute.high
        sides = [True] * minute.buys + [False] * minute.sells
        rng.shuffle(sides)
        sizes = _sizes(rng, minute, sides)
        total, slot = minute.open + minute.close, MINUTE_NS / (2 * groups)
        trades: list[PathTrade] = []
        for i in range(2 * groups):
            j = i if i < groups else 2 * groups - 1 - i
            offset = int((i + 0.05 + 0.9 * rng.random()) * slot)
            trades.append(
                PathTrade(
                    trade_id=minute.first_trade + i,
                    time_ns=minute.start_ns + offset // _MS_NS * _MS_NS,
                    price=prices[j] if i < groups else total - prices[j],
                    size=sizes[j],
                    is_buy=sides[j],
                )
            )
        return trades

    def find_trade(self, trade_id: int) -> int:
        """Return the minute (since 1970-01-01 UTC) that holds ``trade_id``."""
        day = max(0, trade_id // 8 // self._day_groups - 1)
        while self.day(day + 1).first_trade <= trade_id:
            day += 1
        hours = self.hours(day)
        hour = day * 24 + _holder(hours, trade_id)
        return hour * 60 + _holder(self.minutes(hour), trade_id)


def _holder(spans: Sequence[Span], trade_id: int) -> int:
    return bisect_right([s.first_trade for s in spans], trade_id) - 1


def _bridge(rng: random.Random, span: Span, steps: int) -> list[int]:
    """Walk from the open to the middle of open and close, staying between low and high."""
    goal = (span.open + span.close) // 2
    low, high = span.low, span.high
    size = (high - low) * 1.2 / math.sqrt(steps)
    walk, at = [0.0], 0.0
    for _ in range(steps):
        at += (rng.random() - 0.5) * size
        walk.append(at)
    slope = (goal - span.open - at) / steps
    points = [min(high, max(low, round(span.open + w + slope * i))) for i, w in enumerate(walk)]
    points[0], points[-1] = span.open, goal
    return points


def _reaches(rng: random.Random, span: Span, points: Sequence[int]) -> list[int]:
    """Draw how far each child reaches past its ends; the one with the least room touches the extreme exactly."""
    low, high = span.low, span.high
    rooms = [min(high - max(a, b), min(a, b) - low) for a, b in pairwise(points)]
    scale = (high - low) * 0.5 / math.sqrt(len(rooms))
    reaches = [min(room, int(scale * rng.random() ** 2 + rng.random())) for room in rooms]
    tightest = rooms.index(min(rooms))
    reaches[tightest] = rooms[tightest]
    return reaches


def _share(rng: random.Random, total: int, parts: int) -> list[int]:
    """Cut ``total`` into ``parts`` uneven whole shares that add up to it."""
    weights = [0.3 + rng.random() for _ in range(parts)]
    scale = total / sum(weights)
    shares, done, at = [], 0, 0.0
    for weight in weights[:-1]:
        at += weight * scale
        shares.append(int(at) - done)
        done = int(at)
    shares.append(total - done)
    return shares


def _sizes(rng: random.Random, minute: Span, sides: Sequence[bool]) -> list[int]:
    buys = iter(_share_skewed(rng, minute.buy_extra, minute.buys))
    sells = iter(_share_skewed(rng, minute.sell_extra, minute.sells))
    return [1 + (next(buys) if is_buy else next(sells)) for is_buy in sides]


def _share_skewed(rng: random.Random, total: int, parts: int) -> list[int]:
    """Cut ``total`` into many small shares and a few large ones, as trade sizes are."""
    weights = [rng.random() ** 4 + 0.02 for _ in range(parts)]
    scale = total / sum(weights)
    shares = [int(weight * scale) for weight in weights]
    shares[rng.randrange(parts)] += total - sum(shares)
    return shares
