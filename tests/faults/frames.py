"""Good frames of the venues, to be damaged."""

from collections.abc import Mapping
from typing import Any

import msgspec

SYMBOLS = {"tradestation": "AAPL", "binance": "BTCUSDT"}


def quote(venue: str, number: int, extra: Mapping[str, Any] | None = None) -> bytes:
    """Return a whole quote whose bid is ``number``."""
    if venue == "binance":
        data = {"u": number, "s": "BTCUSDT", "b": f"{number}.50", "B": "1.5", "a": f"{number}.75", "A": "2.5"}
        return msgspec.json.encode({"stream": "btcusdt@bookTicker", "data": {**data, **(extra or {})}})
    data = {"Symbol": "AAPL", "Bid": f"{number}.50", "Ask": f"{number}.75", "BidSize": "100", "AskSize": "200"}
    return msgspec.json.encode({**data, "TradeTime": "2026-11-20T12:00:00Z", **(extra or {})})


ORDER: Mapping[str, Any] = {
    "AccountID": "SIM1",
    "OrderID": "812",
    "Status": "ACK",
    "StatusDescription": "Received",
    "OrderType": "Limit",
    "Duration": "DAY",
    "OpenedDateTime": "2026-11-20T12:00:00Z",
    "LimitPrice": "101.25",
    "FilledPrice": "0",
    "Legs": [
        {
            "Symbol": "AAPL",
            "BuyOrSell": "Buy",
            "QuantityOrdered": "10",
            "ExecQuantity": "0",
            "QuantityRemaining": "10",
            "AssetType": "STOCK",
        }
    ],
}
