"""What can be traded on the synthetic exchange: shares, funds, indices, futures, options, currencies, crypto."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from brokerwire.simulator import listings

Kind: TypeAlias = Literal["stock", "etf", "index", "future", "option", "forex", "crypto"]
OptionType: TypeAlias = Literal["call", "put"]

NEW_YORK = ZoneInfo("America/New_York")
MONTH_CODES = "FGHJKMNQUVXZ"
_OPTION = re.compile(r"^([A-Z][A-Z.]{0,5}) (\d{6})([CP])(\d{1,6}(?:\.\d{1,3})?)$")
_FUTURE = re.compile(r"^([A-Z][A-Z0-9]{0,2})([FGHJKMNQUVXZ])(\d{2})$")


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One tradable thing.

    ``anchor`` is the price its path moves around, in ``quote``; ``tick`` and ``lot`` are the price and size increments;
    ``path`` names the price path, shared by a continuous future and its front contract.
    """

    symbol: str
    kind: Kind
    description: str
    exchange: str
    base: str
    quote: str
    anchor: Decimal
    tick: Decimal
    lot: Decimal
    path: str
    point_value: Decimal = Decimal(1)
    underlying: str = ""
    root: str = ""
    expiration: date | None = None
    strike: Decimal | None = None
    option_type: OptionType | None = None
    is_tradable: bool = True


def expiry_ns(expiration: date) -> int:
    """Return UTC nanoseconds of 16:00 New York on the day of expiration."""
    moment = datetime.combine(expiration, time(16), tzinfo=NEW_YORK)
    return int(moment.timestamp()) * 1_000_000_000


def third_friday(year: int, month: int) -> date:
    """Return the monthly expiration day."""
    first = date(year, month, 1)
    return first + timedelta(days=(4 - first.weekday()) % 7 + 14)


class Universe:
    """Every instrument that exists on a given day.

    Shares, funds, indices, currencies and crypto pairs are listed; futures and options exist when their symbol is well
    formed, the root or underlying is listed and the expiration is one that the exchange lists on ``today``.
    """

    def __init__(self, today: date | None = None) -> None:
        self.today = today or datetime.now(UTC).date()
        self._listed: dict[str, Instrument] = {}
        self._pairs: dict[tuple[str, str], Instrument] = {}
        for instrument in _listed_instruments():
            self._listed[instrument.symbol] = instrument
        for pair in _crypto_pairs():
            self._listed.setdefault(pair.symbol, pair)
            self._pairs[pair.base, pair.quote] = pair
        self._derived: dict[str, Instrument | None] = {}

    def find(self, symbol: str) -> Instrument | None:
        """Return the instrument with exactly this symbol, or None."""
        found = self._listed.get(symbol)
        if found is not None:
            return found
        if symbol not in self._derived:
            if len(self._derived) > 50_000:
                self._derived.clear()
            self._derived[symbol] = self._option(symbol) or self._continuous(symbol) or self._future(symbol)
        return self._derived[symbol]

    def pair(self, base: str, quote: str) -> Instrument | None:
        """Return the crypto pair of two assets, or None."""
        return self._pairs.get((base, quote))

    def all(self, kind: Kind | None = None) -> Iterator[Instrument]:
        """Yield every listed instrument, of one ``kind`` if given; futures are their listed contracts, options none."""
        for instrument in self._listed.values():
            if kind in (None, instrument.kind):
                yield instrument
        if kind in (None, "future"):
            for root in listings.FUTURES:
                yield from self.contracts(root)

    def contracts(self, root: str) -> list[Instrument]:
        """Return the contracts of a futures root from the front one on, at most six."""
        row = listings.FUTURES.get(root)
        if row is None:
            return []
        found: list[Instrument] = []
        for year in range(self.today.year, self.today.year + 3):
            for code in row.months:
                if third_friday(year, MONTH_CODES.index(code) + 1) >= self.today:
                    found.append(_contract(row, code, year))
        return found[:6]

    def _future(self, symbol: str) -> Instrument | None:
        match = _FUTURE.match(symbol)
        row = listings.FUTURES.get(match[1]) if match else None
        if match is None or row is None or match[2] not in row.months:
            return None
        year = 2000 + int(match[3])
        if not self.today.year - 2 <= year <= self.today.year + 5:
            return None
        return _contract(row, match[2], year)

    def _continuous(self, symbol: str) -> Instrument | None:
        root = symbol[1:].removesuffix(".D").removesuffix(".P")
        contracts = self.contracts(root) if symbol.startswith("@") else []
        if not contracts:
            return None
        front = contracts[0]
        expiration = front.expiration or self.today
        name = front.description.rsplit(" ", 1)[0]
        return msgspec.structs.replace(
            front,
            symbol=symbol,
            description=f"{name} Continuous Contract [{expiration:%b%y}]",
            underlying=front.symbol,
            expiration=None,
            is_tradable=False,
        )

    def expirations(self, underlying: str) -> list[date]:
        """Return the option expirations listed for ``underlying``: eight weekly ones and twelve months, ascending."""
        instrument = self._listed.get(underlying)
        if instrument is None or instrument.kind not in ("stock", "etf", "index"):
            return []
        friday = self.today + timedelta(days=(4 - self.today.weekday()) % 7)
        days = {friday + timedelta(weeks=week) for week in range(8)}
        for offset in range(14):
            month = self.today.month - 1 + offset
            monthly = third_friday(self.today.year + month // 12, month % 12 + 1)
            if monthly >= self.today:
                days.add(monthly)
        return sorted(days)

    def strikes(self, underlying: str) -> list[Decimal]:
        """Return the listed strikes of ``underlying``, ascending, from about half to twice its anchor."""
        instrument = self._listed.get(underlying)
        if instrument is None:
            return []
        step = strike_step(instrument.anchor)
        low = max(1, int(instrument.anchor / 2 / step))
        high = int(instrument.anchor * 2 / step)
        return [(step * n).normalize() for n in range(low, high + 1)]

    def option(self, underlying: str, *, expiration: date, option_type: OptionType, strike: Decimal) -> Instrument:
        """Return the option with these terms; ``underlying`` must be listed."""
        above = self._listed[underlying]
        root = underlying.lstrip("$").split(".", 1)[0] if above.kind == "index" else underlying
        strike_text = f"{strike.normalize():f}"
        symbol = f"{root} {expiration:%y%m%d}{'C' if option_type == 'call' else 'P'}{strike_text}"
        return Instrument(
            symbol=symbol,
            kind="option",
            description=f"{underlying} [{root}] {expiration:%b %Y} {strike:.3f} {option_type.title()}",
            exchange="OPRA",
            base=symbol,
            quote="USD",
            anchor=above.anchor,
            tick=Decimal("0.01"),
            lot=Decimal(1),
            path=symbol,
            point_value=Decimal(100),
            underlying=underlying,
            root=root,
            expiration=expiration,
            strike=strike,
            option_type=option_type,
        )

    def _option(self, symbol: str) -> Instrument | None:
        match = _OPTION.match(symbol)
        underlying = self._option_underlying(match[1]) if match else None
        if match is None or underlying is None:
            return None
        try:
            expiration = datetime.strptime(match[2], "%y%m%d").replace(tzinfo=UTC).date()
        except ValueError:
            return None
        strike = Decimal(match[4])
        is_listed = expiration in self.expirations(underlying) or (
            expiration.weekday() == 4 and self.today - timedelta(days=400) <= expiration < self.today
        )
        if not is_listed or strike <= 0 or strike % (strike_step(self._listed[underlying].anchor) / 5):
            return None
        side: OptionType = "call" if match[3] == "C" else "put"
        return self.option(underlying, expiration=expiration, option_type=side, strike=strike)

    def _option_underlying(self, root: str) -> str | None:
        plain = root.removesuffix("W") if root in ("SPXW", "NDXW", "RUTW") else root
        for symbol in (plain, f"${plain}.X"):
            found = self._listed.get(symbol)
            if found is not None and found.kind in ("stock", "etf", "index"):
                return symbol
        return None


def strike_step(anchor: Decimal) -> Decimal:
    """Return the distance between listed strikes of an underlying priced about ``anchor``."""
    for limit, step in ((25, "0.5"), (100, "1"), (250, "2.5"), (1000, "5")):
        if anchor < limit:
            return Decimal(step)
    return Decimal(25)


def _contract(row: listings.Future, code: str, year: int) -> Instrument:
    expiration = third_friday(year, MONTH_CODES.index(code) + 1)
    symbol = f"{row.root}{code}{year % 100:02d}"
    return Instrument(
        symbol=symbol,
        kind="future",
        description=f"{row.name} {expiration:%b%y}",
        exchange=row.exchange,
        base=row.root,
        quote="USD",
        anchor=Decimal(row.anchor),
        tick=Decimal(row.tick),
        lot=Decimal(1),
        path=symbol,
        point_value=Decimal(row.point_value),
        underlying=row.root,
        root=row.root,
        expiration=expiration,
    )


def _listed_instruments() -> Iterator[Instrument]:
    for kind, rows in (("stock", listings.STOCKS), ("etf", listings.ETFS), ("index", listings.INDICES)):
        for row in rows:
            yield _security(row, "stock" if kind == "stock" else "etf" if kind == "etf" else "index")
    for symbol, anchor in listings.FOREX.items():
        tick = "0.001" if symbol.endswith("JPY") or symbol.startswith("XAU") else "0.00001"
        yield Instrument(
            symbol=symbol,
            kind="forex",
            description=f"{symbol[:3]}/{symbol[3:]}",
            exchange="FOREX",
            base=symbol[:3],
            quote=symbol[3:],
            anchor=Decimal(anchor),
            tick=Decimal(tick),
            lot=Decimal(1000),
            path=symbol,
        )


def _security(row: listings.Security, kind: Kind) -> Instrument:
    return Instrument(
        symbol=row.symbol,
        kind=kind,
        description=row.name,
        exchange=row.exchange,
        base=row.symbol,
        quote="USD",
        anchor=Decimal(row.anchor),
        tick=Decimal("0.01"),
        lot=Decimal(1),
        path=row.symbol,
        root=row.symbol,
        is_tradable=kind != "index",
    )


def _crypto_pairs() -> Iterator[Instrument]:
    worth = listings.CRYPTO_WORTH
    for quote in listings.CRYPTO_QUOTES:
        for base, price in worth.items():
            if base == quote or (quote in listings.COIN_QUOTES and price >= worth[quote]):
                continue
            yield _pair(base, quote, price / listings.QUOTE_WORTH[quote])


def _pair(base: str, quote: str, price: float) -> Instrument:
    tick = _crypto_tick(price)
    anchor = (Decimal(repr(price)) / tick).quantize(Decimal(1)) * tick
    return Instrument(
        symbol=f"{base}{quote}",
        kind="crypto",
        description=f"{base}/{quote}",
        exchange="CRYPTO",
        base=base,
        quote=quote,
        anchor=anchor,
        tick=tick,
        lot=_crypto_lot(listings.CRYPTO_WORTH[base]),
        path=f"{base}/{quote}",
    )


def _crypto_tick(price: float) -> Decimal:
    """Return a power of ten about one part in 10 000 of the price or finer, never coarser than a cent above 100."""
    exponent = -8
    while exponent < -2 and price / 10.0 ** (exponent + 1) >= 10_000:
        exponent += 1
    return Decimal(1).scaleb(exponent)


def _crypto_lot(worth: float) -> Decimal:
    exponent = -5
    while exponent < 0 and worth * 10.0**exponent < 0.05:
        exponent += 1
    return Decimal(1).scaleb(exponent)
