"""Good frames of the venues, to be damaged."""

from collections.abc import Mapping
from typing import Any

import msgspec
from tests.faults.venues import CASES

SYMBOLS = dict(CASES)
BIDS = {"tradestation": "Bid", "binance": "b", "tradingview": "bid"}
"""What each venue calls the bid."""


def body(venue: str, number: int, extra: Mapping[str, Any] | None = None) -> bytes:
    """Return a whole message with a quote whose bid is ``number`` and a half."""
    return _BODIES[venue](number, extra or {})


def wrap(venue: str, message: bytes) -> bytes:
    """Return a message, whatever it holds, as the venue frames it."""
    if venue != "tradingview":
        return message
    size = len(message.decode("utf-8", "replace"))
    return b"~m~%d~m~%s" % (size, message)


def quote(venue: str, number: int, extra: Mapping[str, Any] | None = None) -> bytes:
    """Return a whole frame with a quote whose bid is ``number`` and a half."""
    return wrap(venue, body(venue, number, extra))


def figure(venue: str, number: int) -> bytes:
    """Return the bid of ``number`` and a half as it stands in a frame."""
    return b"%d.50" % number if venue == "tradingview" else b'"%d.50"' % number


def _tradestation(number: int, extra: Mapping[str, Any]) -> bytes:
    data = {"Symbol": "AAPL", "Bid": f"{number}.50", "Ask": f"{number}.75", "BidSize": "100", "AskSize": "200"}
    return msgspec.json.encode({**data, "TradeTime": "2026-11-20T12:00:00Z", **extra})


def _binance(number: int, extra: Mapping[str, Any]) -> bytes:
    data = {"u": number, "s": "BTCUSDT", "b": f"{number}.50", "B": "1.5", "a": f"{number}.75", "A": "2.5"}
    return msgspec.json.encode({"stream": "btcusdt@bookTicker", "data": {**data, **extra}})


def _tradingview(number: int, extra: Mapping[str, Any]) -> bytes:
    values = {"bid": msgspec.Raw(b"%d.50" % number), "ask": number + 0.75, "bid_size": 1.5, "ask_size": 2.5, **extra}
    quote = {"n": SYMBOLS["tradingview"], "s": "ok", "v": values}
    return msgspec.json.encode({"m": "qsd", "p": [TRADINGVIEW_QUOTES, quote]})


TRADINGVIEW_QUOTES = "qs_000000000001"
"""The first quote session of a connection, as the client numbers them."""

_BODIES = {"tradestation": _tradestation, "binance": _binance, "tradingview": _tradingview}

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
