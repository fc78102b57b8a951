"""The scanner: fields of one symbol, and a table of many, from the same prices as the quotes."""

from typing import Any

import msgspec
from aiohttp import web

from brokerwire.simulator.fronts.tradingview.quote_fields import slow_fields, steady_fields, update_mode_of
from brokerwire.simulator.fronts.tradingview.resolution import SECOND_NS
from brokerwire.simulator.fronts.tradingview.side_door import SideDoor, answer
from brokerwire.simulator.fronts.tradingview.symbols import Listed, SymbolTable
from brokerwire.simulator.fronts.tradingview.tape import NO_VALUE, Tapes
from brokerwire.simulator.market import Market
from brokerwire.simulator.sessions import utc

_NAMES = {
    "close": "lp",
    "change": "chp",
    "change_abs": "ch",
    "open": "open_price",
    "high": "high_price",
    "low": "low_price",
    "name": "short_name",
    "currency": "currency_code",
}
"""Column of the scanner → field of a quote."""
_MARKETS = {
    "america": ("stock", "fund"),
    "crypto": ("spot",),
    "forex": ("forex",),
    "futures": ("futures",),
    "cfd": ("commodity", "index"),
    "coin": ("spot",),
}


class ScanWish(msgspec.Struct):
    """The parts of a scan's body that matter."""

    symbols: dict[str, Any] = {}
    columns: list[str] = []
    range: list[int] = msgspec.field(default_factory=lambda: [0, 50])


class Scanner:
    """Handlers of the scanner."""

    def __init__(self, market: Market, symbols: SymbolTable, tapes: Tapes) -> None:
        self._market = market
        self._symbols = symbols
        self._tapes = tapes

    def add_routes(self, app: web.Application, door: SideDoor) -> None:
        """Serve the scanner from ``app``."""
        app.router.add_get("/symbol", door.guard(self._one))
        app.router.add_post("/{market}/scan", door.guard(self._scan))

    async def _one(self, request: web.Request) -> web.Response:
        listed = self._symbols.find(request.query.get("symbol", "").upper())
        if listed is None or listed.type == "index":
            if request.query.get("no_404") == "true":
                return answer({})
            raise web.HTTPNotFound
        fields = self._fields(listed)
        return answer({name: _pick(fields, name) for name in request.query.get("fields", "").split(",") if name})

    async def _scan(self, request: web.Request) -> web.Response:
        try:
            wish = msgspec.json.decode(await request.read(), type=ScanWish)
        except msgspec.DecodeError as exc:
            return answer({"totalCount": 0, "error": str(exc), "data": None}, status=400)
        found = self._tickers(wish, request.match_info["market"])
        low, high = (*wish.range, 50)[:2] if wish.range else (0, 50)
        rows: list[dict[str, Any]] = []
        for listed in found[low:high]:
            rows.append(self._row(listed, wish.columns))
            await self._market.pause()
        return answer({"totalCount": len(found), "data": rows})

    def _tickers(self, wish: ScanWish, market: str) -> list[Listed]:
        names = wish.symbols.get("tickers")
        if isinstance(names, list) and names:
            return [listed for name in names if (listed := self._symbols.find(str(name).upper())) is not None]
        kinds = _MARKETS.get(market, ("stock", "fund"))
        return [listed for listed in self._symbols.all() if listed.type in kinds]

    def _row(self, listed: Listed, columns: list[str]) -> dict[str, Any]:
        fields = self._fields(listed)
        return {"s": listed.full_name, "d": [_pick(fields, column) for column in columns]}

    def _fields(self, listed: Listed) -> dict[str, Any]:
        values = dict(self._tapes.of(listed).values())
        steady = steady_fields(listed, calendar=self._market.calendar, update_mode=update_mode_of(listed, ""))
        year = utc(self._market.now_ns() // SECOND_NS * SECOND_NS).year
        return steady | slow_fields(listed, price=values["prev_close_price"], year=year) | values


def _pick(fields: dict[str, Any], column: str) -> Any:
    name = column.partition("|")[0]
    value = fields.get(_NAMES.get(name, name))
    return None if value == NO_VALUE else value
