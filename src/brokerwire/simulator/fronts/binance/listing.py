"""The symbols that trade here, and the exchange information that describes them."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from brokerwire.simulator.fronts.binance import refusals
from brokerwire.simulator.fronts.binance.figures import decimal8
from brokerwire.simulator.instruments import Instrument, Universe

ORDER_TYPES = (
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
)
PERMISSIONS = ("SPOT", "MARGIN")
STATUSES = ("TRADING", "HALT", "BREAK")
DEFAULT_PREVENTION = "EXPIRE_MAKER"
ALLOWED_PREVENTIONS = ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")
MAX_ORDERS = 200
_LEAST_NOTIONAL = {"BTC": "0.00010000", "ETH": "0.00100000", "BNB": "0.00500000"}
_NOT_QUOTED = frozenset({"USD"})
"""The venue has no market against the dollar itself."""


class Listing:
    """The crypto pairs of the synthetic exchange that this venue lists, by symbol."""

    def __init__(self, universe: Universe) -> None:
        pairs = (pair for pair in universe.all("crypto") if pair.quote not in _NOT_QUOTED)
        self._pairs = {pair.symbol: pair for pair in pairs}
        self._described: dict[tuple[str, bool], msgspec.Raw] = {}

    @property
    def symbols(self) -> list[str]:
        """Every symbol, in the order of listing."""
        return list(self._pairs)

    def get(self, symbol: str) -> Instrument | None:
        """Return a pair, or None for a symbol that is not listed."""
        return self._pairs.get(symbol)

    def find(self, symbol: str) -> Instrument:
        """Return a pair.

        Raises:
            Refusal: The symbol is not listed (-1121).
        """
        found = self._pairs.get(symbol)
        if found is None:
            raise refusals.invalid_symbol()
        return found

    def with_permissions(self, wanted: Iterable[str]) -> list[Instrument]:
        """Return the pairs that have one of the permissions.

        Raises:
            Refusal: A permission is unknown (-1130).
        """
        wanted = set(wanted)
        unknown = [name for name in wanted if not name.isupper()]
        if unknown:
            raise refusals.invalid_data("permissions")
        return [pair for pair in self._pairs.values() if wanted & set(PERMISSIONS)]

    def describe(self, pair: Instrument, *, permission_sets: Sequence[Sequence[str]]) -> msgspec.Raw:
        """Return the symbol's object of the exchange information, encoded once."""
        key = (pair.symbol, bool(permission_sets))
        found = self._described.get(key)
        if found is None:
            encoded = msgspec.json.encode(_symbol_object(pair, permission_sets))
            found = self._described[key] = msgspec.Raw(encoded)
        return found


def least_notional(pair: Instrument) -> Decimal:
    """Return the least value of an order, in the quote asset."""
    return Decimal(_LEAST_NOTIONAL.get(pair.quote, "5.00000000"))


def largest_price(pair: Instrument) -> Decimal:
    """Return the highest price that the price filter lets through."""
    return pair.tick * 100_000_000


def largest_size(pair: Instrument) -> Decimal:
    """Return the largest size that the lot filter lets through."""
    return pair.lot * 900_000_000


def _symbol_object(pair: Instrument, permission_sets: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Build one entry of ``symbols``.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/general-endpoints, read 2026-11-20.
    """
    return {
        "symbol": pair.symbol,
        "status": "TRADING",
        "baseAsset": pair.base,
        "baseAssetPrecision": 8,
        "quoteAsset": pair.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": True,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(pair),
        "permissions": [],
        "permissionSets": [list(names) for names in permission_sets],
        "defaultSelfTradePreventionMode": DEFAULT_PREVENTION,
        "allowedSelfTradePreventionModes": list(ALLOWED_PREVENTIONS),
    }


def _filters(pair: Instrument) -> list[dict[str, Any]]:
    """Build the filters of a symbol.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/filters, read 2026-11-20.
    """
    tick, lot = decimal8(pair.tick), decimal8(pair.lot)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": tick,
            "maxPrice": decimal8(largest_price(pair)),
            "tickSize": tick,
        },
        {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": decimal8(largest_size(pair)), "stepSize": lot},
        {"filterType": "ICEBERG_PARTS", "limit": 100},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": "0.00000000",
            "maxQty": decimal8(largest_size(pair) / 100),
            "stepSize": "0.00000000",
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": 10,
            "maxTrailingAboveDelta": 2000,
            "minTrailingBelowDelta": 10,
            "maxTrailingBelowDelta": 2000,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": "5",
            "bidMultiplierDown": "0.2",
            "askMultiplierUp": "5",
            "askMultiplierDown": "0.2",
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": decimal8(least_notional(pair)),
            "applyMinToMarket": True,
            "maxNotional": "9000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": MAX_ORDERS},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    ]
