"""Names as the venue writes them, ``NASDAQ:AAPL`` or ``={json}``, and the instruments of the exchange behind them."""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from brokerwire.simulator.instruments import MONTH_CODES, Instrument, Universe

_US_STOCKS = ("NASDAQ", "NYSE", "AMEX", "BATS", "ARCA", "OTC")
_CRYPTO = (
    "BINANCE",
    "COINBASE",
    "KRAKEN",
    "BITFINEX",
    "BITSTAMP",
    "BYBIT",
    "OKX",
    "KUCOIN",
    "GEMINI",
    "BINANCEUS",
    "BITGET",
    "GATEIO",
    "MEXC",
    "HTX",
    "CRYPTO",
)
_FOREX = ("FX_IDC", "OANDA", "FX", "FOREXCOM", "FOREX", "SAXO", "ICMARKETS", "PEPPERSTONE", "CAPITALCOM")
_FUTURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "CME": ("CME_MINI", "CME"),
        "CBOT": ("CBOT", "CBOT_MINI"),
        "NYMEX": ("NYMEX", "NYMEX_MINI"),
        "COMEX": ("COMEX", "COMEX_MINI"),
        "CFE": ("CFE", "CBOE"),
    }
)
_ROOTS: Mapping[str, str] = MappingProxyType(
    {
        "ZN": "TY",
        "ZB": "US",
        "ZF": "FV",
        "ZT": "TU",
        "6E": "EC",
        "6B": "BP",
        "6A": "AD",
        "6C": "CD",
        "6J": "JY",
        "6S": "SF",
        "ZC": "C",
        "ZW": "W",
        "ZS": "S",
        "HE": "LH",
        "LE": "LC",
    }
)
"""Roots that the venue names differently from the synthetic exchange."""
_OUR_ROOTS: Mapping[str, str] = MappingProxyType({ours: theirs for theirs, ours in _ROOTS.items()})
_INDICES: Mapping[str, str] = MappingProxyType(
    {
        "SP:SPX": "$SPX.X",
        "TVC:SPX": "$SPX.X",
        "CBOE:SPX": "$SPX.X",
        "NASDAQ:NDX": "$NDX.X",
        "TVC:NDX": "$NDX.X",
        "NASDAQ:IXIC": "$COMPX.X",
        "TVC:IXIC": "$COMPX.X",
        "DJ:DJI": "$INDU.X",
        "TVC:DJI": "$INDU.X",
        "TVC:RUT": "$RUT.X",
        "TVC:VIX": "$VIX.X",
        "CBOE:VIX": "$VIX.X",
        "CBOE:OEX": "$OEX.X",
        "TVC:US03MY": "$IRX.X",
        "TVC:US10Y": "$TNX.X",
        "TVC:US30Y": "$TYX.X",
        "TVC:DXY": "$DXY.X",
        "NASDAQ:SOX": "$SOX.X",
        "CAPITALCOM:US100": "$NDX.X",
        "CAPITALCOM:US500": "$SPX.X",
        "CAPITALCOM:US30": "$INDU.X",
        "FOREXCOM:SPXUSD": "$SPX.X",
        "FOREXCOM:NSXUSD": "$NDX.X",
        "FOREXCOM:DJI": "$INDU.X",
    }
)
_ABROAD: Mapping[str, str] = MappingProxyType(
    {"TSE:7203": "TM", "TSE:6758": "SONY", "LSE:VODL": "VOD", "LSE:VOD": "VOD", "LSE:SHEL": "SHEL", "LSE:RIO": "RIO"}
)
"""Listings of a company elsewhere; their prices are those of the American one."""
_CONTRACT = re.compile(r"([A-Z0-9]{1,4}?)([FGHJKMNQUVXZ])(20\d\d)")
_CONTINUOUS = re.compile(r"([A-Z0-9]{1,4}?)([1-6])!")
_OPTION = re.compile(r"([A-Z.]{1,6})(\d{6})([CP])(\d+(?:\.\d+)?)")
_TYPES: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "stock": ("stock", ("common",)),
        "etf": ("fund", ("etf",)),
        "index": ("index", ()),
        "future": ("futures", ()),
        "option": ("option", ()),
        "forex": ("forex", ()),
        "crypto": ("spot", ("crypto",)),
    }
)


class Listed(msgspec.Struct, frozen=True):
    """One name that the venue knows, and what trades under it."""

    full_name: str
    instrument: Instrument
    description: str
    type: str
    typespecs: tuple[str, ...]

    @property
    def exchange(self) -> str:
        return self.full_name.partition(":")[0]

    @property
    def name(self) -> str:
        return self.full_name.partition(":")[2]

    @property
    def has_volume(self) -> bool:
        return self.type != "index"

    @property
    def price_digits(self) -> int:
        """Number of decimals of a price."""
        return max(0, -int(self.instrument.tick.normalize().as_tuple().exponent))


class SymbolSpec(msgspec.Struct, frozen=True):
    """What a client asks for: a name, and how its prices are to be changed."""

    symbol: str
    adjustment: str = "splits"
    session: str = "regular"
    currency: str = ""
    chart_type: str = ""
    inputs: Mapping[str, Any] = {}
    replay: str = ""


def parse_spec(text: object) -> SymbolSpec | None:
    """Read a bare name or ``={json}``; None when it is neither."""
    if not isinstance(text, str) or not text:
        return None
    if not text.startswith("="):
        return SymbolSpec(symbol=text.upper())
    try:
        return _read(msgspec.json.decode(text[1:], type=dict[str, Any]))
    except msgspec.DecodeError:
        return None


def _read(parts: Mapping[str, Any]) -> SymbolSpec | None:
    symbol = parts.get("symbol")
    if isinstance(symbol, dict):
        inner = _read(symbol)
        if inner is None:
            return None
        inputs = parts.get("inputs")
        return msgspec.structs.replace(
            inner,
            chart_type=_text(parts, "type", inner.chart_type),
            inputs=inputs if isinstance(inputs, dict) else inner.inputs,
            replay=_text(parts, "replay", inner.replay),
        )
    if not isinstance(symbol, str):
        return None
    return SymbolSpec(
        symbol=symbol.upper(),
        adjustment=_text(parts, "adjustment", "splits"),
        session=_text(parts, "session", "regular"),
        currency=_text(parts, "currency-id", ""),
        replay=_text(parts, "replay", ""),
    )


def _text(parts: Mapping[str, Any], key: str, default: str) -> str:
    value = parts.get(key, default)
    return value if isinstance(value, str) else default


class SymbolTable:
    """Every name that the venue knows; ``suffix`` is put behind every description."""

    def __init__(self, universe: Universe, *, suffix: str = "") -> None:
        self._universe = universe
        self._suffix = suffix
        self._known: dict[str, Listed | None] = {}

    def find(self, name: str) -> Listed | None:
        """Return what trades under ``EXCHANGE:TICKER``, or None; delayed feeds (``_DLY``) are the same."""
        if name not in self._known:
            if len(self._known) > 50_000:
                self._known.clear()
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, full_name: str) -> Listed | None:
        exchange, _, ticker = full_name.partition(":")
        exchange = exchange.removesuffix("_DLY").removesuffix("_DL")
        if not ticker:
            return None
        plain = f"{exchange}:{ticker}"
        listed_elsewhere = _INDICES.get(plain) or _ABROAD.get(plain)
        if listed_elsewhere is not None:
            return _listed(full_name, self._universe.find(listed_elsewhere), self._suffix)
        return _listed(full_name, self._finder(exchange)(exchange, ticker), self._suffix)

    def _finder(self, exchange: str) -> Callable[[str, str], Instrument | None]:
        if exchange in _CRYPTO:
            return self._coin
        if exchange in _FOREX:
            return self._currency
        if exchange == "OPRA":
            return self._option
        if exchange in _US_STOCKS:
            return self._stock
        return self._future

    def _stock(self, _: str, ticker: str) -> Instrument | None:
        found = self._universe.find(ticker)
        return found if found is not None and found.kind in ("stock", "etf") else None

    def _coin(self, _: str, ticker: str) -> Instrument | None:
        found = self._universe.find(ticker.removesuffix(".P"))
        return found if found is not None and found.kind == "crypto" else None

    def _currency(self, _: str, ticker: str) -> Instrument | None:
        found = self._universe.find(ticker)
        return found if found is not None and found.kind == "forex" else None

    def _option(self, _: str, ticker: str) -> Instrument | None:
        form = _OPTION.fullmatch(ticker)
        if form is None:
            return None
        strike = form[4].rstrip("0").rstrip(".") if "." in form[4] else form[4]
        return self._universe.find(f"{form[1]} {form[2]}{form[3]}{strike}")

    def _future(self, exchange: str, ticker: str) -> Instrument | None:
        if form := _CONTINUOUS.fullmatch(ticker):
            found = self._continuous(_ROOTS.get(form[1], form[1]), int(form[2]))
        elif form := _CONTRACT.fullmatch(ticker):
            found = self._universe.find(f"{_ROOTS.get(form[1], form[1])}{form[2]}{form[3][2:]}")
        else:
            return None
        if found is None or found.kind != "future" or exchange not in _FUTURES.get(found.exchange, ()):
            return None
        return found

    def _continuous(self, root: str, number: int) -> Instrument | None:
        if number == 1:
            return self._universe.find(f"@{root}")
        contracts = self._universe.contracts(root)
        return contracts[number - 1] if number <= len(contracts) else None

    def all(self) -> Iterator[Listed]:
        """Yield every name worth searching for: one per instrument and market."""
        names = [*_INDICES, *_ABROAD, *map(_home_name, self._universe.all())]
        for name in dict.fromkeys(name for group in names for name in ([group] if isinstance(group, str) else group)):
            found = self.find(name)
            if found is not None:
                yield found


def _home_name(instrument: Instrument) -> list[str]:
    symbol = instrument.symbol
    if instrument.kind in ("stock", "etf"):
        return [f"{'AMEX' if instrument.exchange == 'ARCX' else instrument.exchange}:{symbol}"]
    if instrument.kind == "forex":
        return [f"{exchange}:{symbol}" for exchange in ("FX_IDC", "OANDA", "FX")]
    if instrument.kind == "crypto":
        return [f"{exchange}:{symbol}" for exchange in ("BINANCE", "COINBASE", "KRAKEN")]
    if instrument.kind == "future":
        return _future_names(instrument)
    return []


def _future_names(instrument: Instrument) -> list[str]:
    root = _OUR_ROOTS.get(instrument.root, instrument.root)
    exchange = _FUTURES[instrument.exchange][0]
    expiration = instrument.expiration
    if expiration is None:
        return []
    return [f"{exchange}:{root}1!", f"{exchange}:{root}{MONTH_CODES[expiration.month - 1]}{expiration.year}"]


def _listed(full_name: str, instrument: Instrument | None, suffix: str) -> Listed | None:
    if instrument is None:
        return None
    kind, specs = _TYPES[instrument.kind]
    if full_name.endswith("!"):
        specs = ("continuous", "synthetic")
    if full_name.endswith(".P"):
        kind, specs = "swap", ("crypto", "perpetual")
    if instrument.base in ("XAU", "XAG"):
        kind, specs = "commodity", ("cfd",)
    description = instrument.description + suffix
    return Listed(full_name=full_name, instrument=instrument, description=description, type=kind, typespecs=specs)
