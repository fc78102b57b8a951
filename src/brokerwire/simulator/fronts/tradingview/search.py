"""Symbol search: the third version with pages, and the first one with a bare list."""

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from brokerwire.simulator.fronts.tradingview.side_door import SideDoor, answer
from brokerwire.simulator.fronts.tradingview.symbols import Listed, SymbolTable

_PAGE = 50
_KINDS: dict[str, tuple[str, ...]] = {
    "stocks": ("stock",),
    "stock": ("stock",),
    "common_stock": ("stock",),
    "funds": ("fund",),
    "etf": ("fund",),
    "futures": ("futures",),
    "forex": ("forex",),
    "cfd": ("commodity",),
    "crypto": ("spot", "swap"),
    "crypto_spot": ("spot",),
    "crypto_swap": ("swap",),
    "index": ("index",),
}


class Search:
    """Finds symbols by name or description."""

    def __init__(self, symbols: SymbolTable) -> None:
        self._symbols = symbols

    def add_routes(self, app: web.Application, door: SideDoor) -> None:
        """Serve the search from ``app``."""
        for slash in ("", "/"):
            app.router.add_get(f"/symbol_search/v3{slash}", door.guard(self._third))
            app.router.add_get(f"/symbol_search{slash}", door.guard(self._first))

    async def _third(self, request: web.Request) -> web.Response:
        start = _number(request.query.get("start", "0"))
        found = list(self._matches(request, request.query.get("search_type", "")))
        page = found[start : start + _PAGE]
        body = {"symbols_remaining": max(0, len(found) - start - len(page)), "symbols": self._items(request, page)}
        return answer(body)

    async def _first(self, request: web.Request) -> web.Response:
        found = list(self._matches(request, request.query.get("type", "")))
        return answer(self._items(request, found[:_PAGE]))

    def _items(self, request: web.Request, page: list[Listed]) -> list[dict[str, Any]]:
        text = _wanted(request) if request.query.get("hl") == "1" else ""
        return [_item(listed, text) for listed in page]

    def _matches(self, request: web.Request, kind: str) -> Iterator[Listed]:
        """Yield what fits, exact names first."""
        text = _wanted(request)
        exchange = request.query.get("exchange", "").upper()
        found = [
            listed
            for listed in self._symbols.all()
            if (not exchange or listed.exchange == exchange)
            and (kind in ("", "undefined") or listed.type in _KINDS.get(kind, ()))
            and (text in listed.name or text in listed.description.upper())
        ]
        yield from sorted(found, key=lambda listed: (listed.name != text, not listed.name.startswith(text)))


def _wanted(request: web.Request) -> str:
    """Return what is searched for; the part before a colon names an exchange."""
    return request.query.get("text", "").upper().rpartition(":")[2]


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _item(listed: Listed, marked: str) -> dict[str, Any]:
    instrument = listed.instrument
    item: dict[str, Any] = {
        "symbol": listed.name.replace(marked, f"<em>{marked}</em>", 1) if marked else listed.name,
        "description": listed.description,
        "type": listed.type,
        "exchange": listed.exchange,
        "currency_code": instrument.quote,
        "provider_id": "simulated",
        "country": "" if instrument.kind in ("forex", "crypto") else "US",
        "typespecs": list(listed.typespecs),
        "source2": {"id": listed.exchange, "name": listed.exchange, "description": listed.exchange},
        "source_id": listed.exchange,
    }
    if instrument.kind in ("forex", "future"):
        item["prefix"] = listed.exchange
    return item
