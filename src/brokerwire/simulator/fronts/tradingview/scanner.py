"""The scanner: fields of one symbol, and a table of many, from the same prices as the quotes."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from aiohttp import web

from brokerwire.simulator.fronts.tradingview.history import Bar, History
from brokerwire.simulator.fronts.tradingview.quote_fields import slow_fields, steady_fields, update_mode_of
from brokerwire.simulator.fronts.tradingview.resolution import SECOND_NS, parse_resolution
from brokerwire.simulator.fronts.tradingview.scan_filters import ScanRefused, columns_of, condition_of, order
from brokerwire.simulator.fronts.tradingview.side_door import SideDoor, answer
from brokerwire.simulator.fronts.tradingview.symbols import Listed, SymbolSpec, SymbolTable
from brokerwire.simulator.fronts.tradingview.tape import NO_VALUE, Tapes
from brokerwire.simulator.fronts.tradingview.technicals import bars_needed, figure, is_figure
from brokerwire.simulator.market import Market
from brokerwire.simulator.price_path import DAY_NS
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
_MARKETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "america": ("stock", "fund"),
        "coin": ("spot",),
        "crypto": ("spot", "swap"),
        "forex": ("forex",),
        "futures": ("futures",),
        "cfd": ("commodity", "index"),
    }
)
_EVERYWHERE = "global"
_COUNTRIES: Mapping[str, str] = MappingProxyType({"TSE": "japan", "LSE": "uk"})
"""Exchange abroad → market. Other countries are empty here."""
_HISTORY_DAYS = 1_500
"""Enough for 200 weeks; a page of many months' bars would take too long."""


class ScanWish(msgspec.Struct):
    """The parts of a scan's body that matter."""

    symbols: dict[str, Any] = {}
    columns: list[str] = []
    markets: list[str] = []
    filter: list[dict[str, Any]] = []
    filter2: dict[str, Any] = {}
    sort: dict[str, Any] = {}
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
                return answer(None)
            return answer({"code": "symbol_not_exists", "errmsg": "empty response"}, status=404)
        names = [name for name in request.query.get("fields", "").split(",") if name]
        try:
            return answer(await self._values(listed, names))
        except ScanRefused as exc:
            return _refused(exc)

    async def _scan(self, request: web.Request) -> web.Response:
        try:
            wish = msgspec.json.decode(await request.read(), type=ScanWish)
            found = await self._found(wish, wish.markets or [request.match_info["market"]])
            low, high = (*wish.range, 50)[:2] if wish.range else (0, 50)
            rows = [await self._row(listed, wish.columns) for listed in found[low:high]]
        except (msgspec.DecodeError, ScanRefused) as exc:
            return _refused(exc)
        return answer({"totalCount": len(found), "data": rows})

    async def _found(self, wish: ScanWish, markets: list[str]) -> list[Listed]:
        """Return the symbols that a scan keeps, in its order."""
        keeps = condition_of(wish.filter, wish.filter2)
        candidates = list(self._candidates(wish, markets))
        columns = {*columns_of([wish.filter, wish.filter2]), *columns_of(wish.sort.get("sortBy"))}
        if not columns:
            return candidates
        rows = [{**await self._values(listed, columns), "": listed} for listed in candidates]
        return [row[""] for row in order([row for row in rows if keeps(row)], wish.sort)]

    def _candidates(self, wish: ScanWish, markets: list[str]) -> Iterable[Listed]:
        tickers, query = wish.symbols.get("tickers"), wish.symbols.get("query")
        types = query.get("types") if isinstance(query, dict) else None
        if isinstance(tickers, list) and tickers:
            named = (self._symbols.find(str(name).upper()) for name in tickers)
            found: Iterable[Listed] = (listed for listed in named if listed is not None)
        else:
            found = self._symbols.all()
        wanted = set(markets)
        return (
            listed
            for listed in found
            if wanted.intersection(_markets_of(listed)) and (not types or listed.type in types)
        )

    async def _row(self, listed: Listed, columns: list[str]) -> dict[str, Any]:
        values = await self._values(listed, columns)
        return {"s": listed.full_name, "d": [values[column] for column in columns]}

    async def _values(self, listed: Listed, columns: Iterable[str]) -> dict[str, Any]:
        """Return a symbol's value in each column; ``RSI|60`` is the figure of bars of an hour."""
        fields = self._fields(listed)
        bars: dict[tuple[str, int], list[Bar]] = {}
        found: dict[str, Any] = {}
        for column in columns:
            name, _, resolution = column.partition("|")
            if is_figure(name) and (resolution or _NAMES.get(name, name) not in fields):
                key = resolution or "1D", bars_needed(name)
                if key not in bars:
                    bars[key] = await self._bars(listed, *key)
                found[column] = figure(name, bars[key])
            else:
                found[column] = _pick(fields, name)
        await self._market.pause()
        return found

    async def _bars(self, listed: Listed, resolution: str, count: int) -> list[Bar]:
        parsed = parse_resolution(resolution)
        if parsed is None:
            raise ScanRefused(f"Unknown resolution '{resolution}'")
        now_ns = self._market.now_ns()
        history = History(
            self._market,
            listed,
            spec=SymbolSpec(symbol=listed.full_name),
            resolution=parsed,
            limit=0,
            floor_ns=(now_ns // DAY_NS - _HISTORY_DAYS) * DAY_NS,
        )
        return (await history.latest(count, before_ns=now_ns)).bars

    def _fields(self, listed: Listed) -> dict[str, Any]:
        values = dict(self._tapes.of(listed).values())
        steady = steady_fields(listed, calendar=self._market.calendar, update_mode=update_mode_of(listed, ""))
        year = utc(self._market.now_ns() // SECOND_NS * SECOND_NS).year
        kinds = {"is_primary": True, "market": _markets_of(listed)[-1]}
        return steady | kinds | slow_fields(listed, price=values["prev_close_price"], year=year) | values


def _markets_of(listed: Listed) -> list[str]:
    """Return which scans have the symbol among theirs, its own market last."""
    if country := _COUNTRIES.get(listed.exchange):
        return [_EVERYWHERE, country]
    return [_EVERYWHERE, *(market for market, kinds in _MARKETS.items() if listed.type in kinds)]


def _refused(exc: Exception) -> web.Response:
    return answer({"totalCount": 0, "error": str(exc), "data": None}, status=400)


def _pick(fields: Mapping[str, Any], name: str) -> Any:
    value = fields.get(_NAMES.get(name, name))
    return None if value == NO_VALUE else value
