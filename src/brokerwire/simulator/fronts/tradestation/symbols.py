"""Symbols: v3 details, the crypto list, and the v2 lookups."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from brokerwire.simulator.fronts.tradestation.answers import comma_list, json_response, number
from brokerwire.simulator.fronts.tradestation.gate import Caller, v2_error
from brokerwire.simulator.fronts.tradestation.options import expiration_type
from brokerwire.simulator.fronts.tradestation.quotes import find_instrument
from brokerwire.simulator.instruments import Instrument, Kind
from brokerwire.simulator.market import Market

_MAX_SYMBOLS = 50
_CRYPTO = ("BTCUSD", "ETHUSD", "LTCUSD", "BCHUSD")
_ASSET_TYPES: dict[Kind, str] = {
    "stock": "STOCK",
    "etf": "STOCK",
    "index": "INDEX",
    "future": "FUTURE",
    "option": "STOCKOPTION",
    "forex": "FOREX",
    "crypto": "CRYPTO",
}
_CATEGORIES: dict[Kind, str] = {
    "stock": "Stock",
    "etf": "Stock",
    "index": "Index",
    "future": "Future",
    "option": "StockOption",
    "forex": "Forex",
    "crypto": "Crypto",
}
_SEARCH_CATEGORIES: dict[str, tuple[Kind, ...]] = {
    "stock": ("stock", "etf"),
    "s": ("stock", "etf"),
    "future": ("future",),
    "fu": ("future",),
    "index": ("index",),
    "idx": ("index",),
    "forex": ("forex",),
    "fx": ("forex",),
    "stockoption": ("option",),
    "so": ("option",),
    "indexoption": ("option",),
    "io": ("option",),
}
_FILTER = re.compile(r"^\s*(Category|Country|Currency|Exchange)\s+(eq|neq|ne)\s+'([^']*)'\s*$", re.IGNORECASE)
# Treasury futures are quoted in fractions: 32nds, and halves, quarters or eighths of them.
_SUB_FRACTIONS = {"0.015625": "5", "0.0078125": "25", "0.00390625": "125"}


def decimals_of(tick: Decimal) -> int:
    """Return how many decimals a price with this increment needs."""
    exponent = tick.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def symbol_record(instrument: Instrument) -> dict[str, Any]:
    """Return the details of a symbol as v3 writes them."""
    asset_type = _ASSET_TYPES[instrument.kind]
    if instrument.kind == "option" and instrument.underlying.startswith("$"):
        asset_type = "INDEXOPTION"
    record: dict[str, Any] = {
        "AssetType": asset_type,
        "Country": "United States",
        "Currency": instrument.quote,
        "Description": instrument.description,
        "Exchange": instrument.exchange,
    }
    if instrument.expiration is not None:
        record["ExpirationDate"] = f"{instrument.expiration:%Y-%m-%d}T00:00:00Z"
    if instrument.kind == "future":
        record["FutureType"] = "Electronic"
    record["Symbol"] = instrument.symbol
    if instrument.option_type is not None:
        record["OptionType"] = instrument.option_type.upper()
    record["Root"] = instrument.root or instrument.symbol
    if instrument.strike is not None:
        record["StrikePrice"] = number(instrument.strike)
    if instrument.underlying:
        record["Underlying"] = instrument.underlying
    record["PriceFormat"] = _price_format(instrument)
    record["QuantityFormat"] = {
        "Format": "Decimal",
        "Decimals": str(decimals_of(instrument.lot)),
        "IncrementStyle": "Simple",
        "Increment": number(instrument.lot),
        "MinimumTradeQuantity": number(instrument.lot),
    }
    return record


def _price_format(instrument: Instrument) -> dict[str, Any]:
    tick = number(instrument.tick)
    point_value = number(instrument.point_value)
    if instrument.kind == "option":
        schedule = [{"StartsAt": "0", "Increment": "0.01"}, {"StartsAt": "3", "Increment": "0.05"}]
        return {
            "Format": "Decimal",
            "Decimals": "2",
            "IncrementStyle": "Schedule",
            "PointValue": point_value,
            "IncrementSchedule": schedule,
        }
    shared = {"IncrementStyle": "Simple", "Increment": tick, "PointValue": point_value}
    if tick == "0.03125":
        return {"Format": "Fraction", "Fraction": "32", **shared}
    if tick in _SUB_FRACTIONS:
        return {"Format": "SubFraction", "Fraction": "32", "SubFraction": _SUB_FRACTIONS[tick], **shared}
    return {"Format": "Decimal", "Decimals": str(decimals_of(instrument.tick)), **shared}


def lookup_record(instrument: Instrument) -> dict[str, Any]:
    """Return a row of a v2 lookup; its numbers are JSON numbers."""
    expiration = instrument.expiration
    is_option = instrument.kind == "option"
    return {
        "Category": _CATEGORIES[instrument.kind],
        "Country": "United States",
        "Currency": instrument.quote,
        "Description": instrument.description,
        "DisplayType": decimals_of(instrument.tick) + 1,
        "Error": "",
        "Exchange": instrument.exchange,
        "ExchangeID": sum(instrument.exchange.encode()) % 100,
        "ExpirationDate": f"/Date({int(datetime.combine(expiration, time(), tzinfo=UTC).timestamp()) * 1000})/"
        if expiration
        else "",
        "ExpirationType": expiration_type(expiration)[0] if is_option and expiration else "",
        "FutureType": "Electronic" if instrument.kind == "future" else "",
        "MinMove": 1,
        "Name": instrument.symbol,
        "OptionType": (instrument.option_type or "").title(),
        "PointValue": float(instrument.point_value),
        "Root": instrument.root,
        "StrikePrice": float(instrument.strike or 0),
        "Underlying": instrument.underlying,
    }


class Symbols:
    """Handlers of symbol details and lookups.

    Source: https://api.tradestation.com/docs/specification, GetSymbolDetails, SuggestSymbols, SearchSymbols, read
    2026-11-20.
    """

    def __init__(self, market: Market) -> None:
        self._universe = market.universe
        self._market = market

    async def details(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``GET /v3/marketdata/symbols/{symbols}``; rows come sorted, not in the order asked for."""
        found: list[Instrument] = []
        errors: list[dict[str, str]] = []
        for symbol in comma_list(request.match_info["symbols"], limit=_MAX_SYMBOLS, what="symbols"):
            instrument = find_instrument(self._market, symbol)
            if instrument is None:
                errors.append({"Symbol": symbol, "Error": "NotFound", "Message": "Symbol not found"})
            else:
                found.append(instrument)
        rows = [symbol_record(instrument) for instrument in sorted(found, key=lambda each: each.symbol)]
        return json_response({"Symbols": rows, "Errors": errors})

    async def crypto(self, _: web.Request, __: Caller) -> web.Response:
        """Answer ``GET /v3/marketdata/symbollists/cryptopairs/symbolnames``."""
        return json_response({"SymbolNames": list(_CRYPTO)})

    async def suggest(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``GET /v2/data/symbols/suggest/{text}``."""
        text = request.match_info["text"].upper()
        top = request.query.get("$top", "20")
        if not top.isdigit():
            return v2_error(400, "$top must be a whole number")
        rows = [lookup_record(each) for each in self._suggested(text)]
        wanted = request.query.get("$filter")
        if wanted:
            match = _FILTER.match(wanted)
            if match is None:
                return v2_error(400, "$filter is not valid")
            name, is_equal, value = match[1].title(), match[2].lower() == "eq", match[3].lower()
            rows = [row for row in rows if (str(row[name]).lower() == value) == is_equal]
        for row in rows:
            del row["Underlying"]
        return json_response(rows[: int(top)])

    def _suggested(self, text: str) -> Iterator[Instrument]:
        listed = [each for each in self._universe.all() if each.kind != "crypto" or each.symbol in _CRYPTO]
        starting = [each for each in listed if each.symbol.lstrip("$@").startswith(text.lstrip("$@"))]
        yield from sorted(starting, key=lambda each: (len(each.symbol), each.symbol))
        yield from (each for each in listed if text in each.description.upper() and each not in starting)

    async def search(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``GET /v2/data/symbols/search/{criteria}``."""
        criteria = {name.lower(): value for name, value in parse_qsl(request.match_info["criteria"])}
        default = "stockoption" if "r" in criteria else "stock"
        category = criteria.get("c", default).lower()
        if category not in _SEARCH_CATEGORIES:
            return json_response([])
        kinds = _SEARCH_CATEGORIES[category]
        found = self._options(criteria) if kinds == ("option",) else self._listed(criteria, kinds)
        return json_response([lookup_record(each) for each in found])

    def _listed(self, criteria: dict[str, str], kinds: tuple[Kind, ...]) -> list[Instrument]:
        name, words = criteria.get("n", "").upper(), criteria.get("desc", "").upper()
        root = criteria.get("r", "").upper()
        return [
            each
            for kind in kinds
            for each in self._universe.all(kind)
            if name in each.symbol and words in each.description.upper() and root in ("", each.root)
        ]

    def _options(self, criteria: dict[str, str]) -> list[Instrument]:
        root = criteria.get("r", "").upper()
        underlying = find_instrument(self._market, root)
        if underlying is None:
            return []
        near = int(criteria["stk"]) if criteria.get("stk", "").isdigit() else 3
        count = int(criteria["exd"]) if criteria.get("exd", "").isdigit() else 3
        days = self._universe.expirations(underlying.symbol)[:count]
        last = self._market.last_trade(underlying.symbol).price
        strikes = self._universe.strikes(underlying.symbol)
        middle = sum(strike <= last for strike in strikes)
        wanted = criteria.get("ot", "both").lower()
        return [
            self._universe.option(underlying.symbol, expiration=day, option_type=side, strike=strike)
            for day in days
            for strike in strikes[max(0, middle - near) : middle + near]
            for side in ("call", "put")
            if wanted in ("both", side)
        ]
