"""Options: expirations, strikes, spread types, risk and reward, and the chain and quote streams."""

import asyncio
import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
from aiohttp import web

from brokerwire.simulator.fronts.tradestation.answers import (
    ApiError,
    json_response,
    number,
    parameter,
    rounded,
    truth,
    whole_number,
)
from brokerwire.simulator.fronts.tradestation.gate import Caller
from brokerwire.simulator.fronts.tradestation.order_requests import read_body
from brokerwire.simulator.fronts.tradestation.quotes import find_instrument
from brokerwire.simulator.fronts.tradestation.spreads import (
    SPREAD_TYPES,
    Spread,
    SpreadBoard,
    SpreadLeg,
    SpreadType,
    build_spread,
    strike_rows,
)
from brokerwire.simulator.fronts.tradestation.streams import MARKET_DATA, LineStream, StreamTools
from brokerwire.simulator.instruments import Instrument, third_friday
from brokerwire.simulator.market import Market
from brokerwire.simulator.ticks import SimQuote, Tick

_UPDATE_NS = 1_000_000_000


class RiskLeg(msgspec.Struct, kw_only=True):
    """One leg of a risk and reward analysis."""

    Symbol: str
    Quantity: int
    TradeAction: str


class RiskBody(msgspec.Struct, kw_only=True):
    """The request for a risk and reward analysis."""

    SpreadPrice: float | str
    Legs: list[RiskLeg]


def expiration_type(day: date) -> str:
    """Return how the venue classes an expiration."""
    if day == third_friday(day.year, day.month):
        return "Monthly"
    next_week = date.fromordinal(day.toordinal() + 7)
    is_last = next_week.month != day.month
    return "Quarterly" if is_last and day.month % 3 == 0 else "Weekly"


class Options:
    """Handlers under ``/v3/marketdata/options`` and of the option streams.

    Source: https://api.tradestation.com/docs/specification, options endpoints, read 2026-11-20.
    """

    def __init__(self, market: Market, tools: StreamTools) -> None:
        self._market = market
        self._tools = tools

    def _underlying(self, request: web.Request) -> Instrument:
        instrument = find_instrument(self._market, request.match_info["underlying"])
        if instrument is None or not self._market.universe.expirations(instrument.symbol):
            raise ApiError("BadRequest", "Invalid underlying: it must be an equity or index with options.")
        return instrument

    async def expirations(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``GET options/expirations/{underlying}``."""
        underlying = self._underlying(request)
        days = self._market.universe.expirations(underlying.symbol)
        strike = _decimal_parameter(request, "strikePrice")
        if strike is not None and strike not in self._market.universe.strikes(underlying.symbol):
            days = []
        rows = [{"Date": f"{day:%Y-%m-%d}T00:00:00Z", "Type": expiration_type(day)} for day in days]
        return json_response({"Expirations": rows})

    async def strikes(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``GET options/strikes/{underlying}``."""
        underlying = self._underlying(request)
        spread_type = _spread_type(request)
        interval = whole_number(request, "strikeInterval", 1, low=1, high=1000)
        self._expirations_of(request, underlying, spread_type)
        listed = self._market.universe.strikes(underlying.symbol)
        rows = [[number(strike) for strike in row] for row in strike_rows(listed, spread_type.strikes, interval)]
        return json_response({"SpreadType": spread_type.name, "Strikes": rows})

    async def spread_types(self, _: web.Request, __: Caller) -> web.Response:
        """Answer ``GET options/spreadtypes``."""
        rows = [
            {"Name": s.name, "StrikeInterval": s.has_strike_interval, "ExpirationInterval": s.has_expirations}
            for s in SPREAD_TYPES.values()
        ]
        return json_response({"SpreadTypes": rows})

    def _expirations_of(self, request: web.Request, underlying: Instrument, spread_type: SpreadType) -> list[date]:
        """Return the expirations asked for: the next one by default, and a second where the spread needs it."""
        listed = self._market.universe.expirations(underlying.symbol)
        found: list[date] = []
        for name in ("expiration", "expiration2")[: 2 if spread_type.has_expirations else 1]:
            text = parameter(request, name)
            if text is None:
                if name == "expiration2":
                    raise ApiError("BadRequest", "expiration2 is required for Calendar and Diagonal spreads.")
                day = listed[0]
            else:
                day = _date(text, name)
            if day not in listed:
                raise ApiError("BadRequest", f"Invalid {name}.")
            found.append(day)
        return found

    async def risk_reward(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``POST options/riskreward``."""
        body = read_body(await request.read(), RiskBody)
        if not body.Legs:
            raise ApiError("BadRequest", "Legs are required.")
        legs = [self._risk_leg(leg) for leg in body.Legs]
        expirations = {leg.instrument.expiration for leg in legs if leg.instrument.kind == "option"}
        if len(expirations) > 1:
            raise ApiError("BadRequest", "All legs must have the same expiration.")
        return json_response(risk_reward(legs, Decimal(str(body.SpreadPrice))))

    def _risk_leg(self, leg: RiskLeg) -> SpreadLeg:
        instrument = find_instrument(self._market, leg.Symbol)
        action = leg.TradeAction.upper()
        if instrument is None or leg.Quantity == 0 or action not in ("BUY", "SELL"):
            raise ApiError("BadRequest", "Invalid leg.")
        return SpreadLeg(instrument, abs(leg.Quantity) * (1 if action == "BUY" else -1))

    async def chain(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Answer ``GET /v3/marketdata/stream/options/chains/{underlying}``."""
        underlying = self._underlying(request)
        spreads = self._chain_spreads(request, underlying)
        return await self._serve(request, caller, spreads)

    def _chain_spreads(self, request: web.Request, underlying: Instrument) -> list[Spread]:
        spread_type = _spread_type(request)
        expirations = self._expirations_of(request, underlying, spread_type)
        interval = whole_number(request, "strikeInterval", 1, low=1, high=1000)
        proximity = whole_number(request, "strikeProximity", 5, low=1, high=1000)
        center = _decimal_parameter(request, "priceCenter") or self._market.last_trade(underlying.symbol).price
        rows = list(strike_rows(self._market.universe.strikes(underlying.symbol), spread_type.strikes, interval))
        below = [row for row in rows if sum(row) / len(row) <= center]
        near = rows[max(0, len(below) - proximity) : len(below) + proximity]
        wanted = _choice(request, "optionType", "All", ("all", "call", "put"))
        spread_range = _choice(request, "strikeRange", "All", ("all", "itm", "otm"))
        return [
            build_spread(self._market, underlying, side, plans, strikes=row, expirations=expirations)
            for row in near
            for side, plans in spread_type.sides.items()
            if wanted in ("all", side.lower()) and _in_range(spread_range, side, row, center)
        ]

    async def quote(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Answer ``GET /v3/marketdata/stream/options/quotes``."""
        legs: list[SpreadLeg] = []
        while (symbol := parameter(request, f"legs[{len(legs)}].Symbol")) is not None:
            ratio = whole_number(request, f"legs[{len(legs)}].Ratio", 1, low=-10_000, high=10_000)
            instrument = find_instrument(self._market, symbol)
            if instrument is None or ratio == 0:
                raise ApiError("BadRequest", f"Invalid leg: {symbol}.")
            legs.append(SpreadLeg(instrument, ratio))
        if not legs:
            raise ApiError("BadRequest", "legs[0].Symbol is required.")
        types = {leg.instrument.option_type for leg in legs if leg.instrument.option_type}
        side = "Both" if len(types) > 1 else "Put" if "put" in types else "Call"
        return await self._serve(request, caller, [Spread(side, tuple(legs))])  # type: ignore[arg-type]  # one of three

    async def _serve(self, request: web.Request, caller: Caller, spreads: Sequence[Spread]) -> web.StreamResponse:
        rate = _decimal_parameter(request, "riskFreeRate")
        if rate is None:
            rate = self._market.last_trade("$IRX.X").price / 100
        with_model = truth(request, "enableGreeks", "true")

        async def start(lines: LineStream) -> None:
            updates: list[_Updates] = []
            for spread in spreads:
                board = SpreadBoard(
                    self._market, spread, rate=float(rate), with_model="model" if with_model else "plain"
                )
                lines.push(board.record())
                updates.append(_Updates(board, lines))
                for symbol in board.boards:
                    lines.at_end(self._market.watch(symbol, updates[-1], with_book=False))
                await lines.flush()
                await asyncio.sleep(0)
            for update in updates:
                update.begin()

        return await LineStream(request, caller, spec=MARKET_DATA, tools=self._tools).serve(start)


class _Updates:
    """Sends a spread again when a leg's quote has changed, at most once a second.

    Before ``begin`` it only follows the quotes: a chain's first records come before any update, as the venue has it.
    """

    def __init__(self, board: SpreadBoard, lines: LineStream) -> None:
        self._board = board
        self._lines = lines
        self._sent_ns = 0
        self._has_begun = False

    def begin(self) -> None:
        """Send from now on."""
        self._has_begun = True

    def __call__(self, tick: Tick) -> None:
        self._board.boards[tick.symbol].take(tick)
        if self._has_begun and isinstance(tick, SimQuote) and tick.time_ns - self._sent_ns >= _UPDATE_NS:
            self._sent_ns = tick.time_ns
            self._lines.push(self._board.record())


def risk_reward(legs: Sequence[SpreadLeg], price: Decimal) -> dict[str, object]:
    """Return the extremes of a position's profit at expiration, in dollars, and where it breaks even."""
    strikes = sorted({leg.instrument.strike for leg in legs if leg.instrument.strike is not None})
    far = (strikes[-1] if strikes else Decimal(100)) * 10
    corners = [Decimal(0), *strikes, far]
    profits = [_profit_at(legs, price, spot) for spot in corners]
    slope = profits[-1] - profits[-2]
    return {
        "MaxGainIsInfinite": slope > 0,
        "AdjustedMaxGain": rounded(max(profits[:-1]), 2),
        "MaxLossIsInfinite": slope < 0,
        "AdjustedMaxLoss": rounded(min(profits[:-1]), 2),
        "BreakevenPoints": [rounded(point, 2) for point in _zeros(corners, profits)],
    }


def _profit_at(legs: Sequence[SpreadLeg], price: Decimal, spot: Decimal) -> Decimal:
    total = Decimal(0)
    for leg in legs:
        strike = leg.instrument.strike
        if strike is None:
            total += leg.ratio * spot
        else:
            sign = 1 if leg.instrument.option_type == "call" else -1
            total += leg.ratio * max(Decimal(0), sign * (spot - strike)) * leg.instrument.point_value
    return total - price * 100


def _zeros(corners: Sequence[Decimal], profits: Sequence[Decimal]) -> list[Decimal]:
    found: list[Decimal] = []
    for (x0, x1), (y0, y1) in zip(itertools.pairwise(corners), itertools.pairwise(profits), strict=True):
        if y0 * y1 < 0:
            found.append(x0 + (x1 - x0) * -y0 / (y1 - y0))
    return found


def _in_range(wanted: str, side: str, strikes: Sequence[Decimal], center: Decimal) -> bool:
    if wanted == "all" or side == "Both":
        return True
    is_inside = strikes[0] < center if side == "Call" else strikes[-1] > center
    return is_inside == (wanted == "itm")


def _spread_type(request: web.Request) -> SpreadType:
    name = (parameter(request, "spreadType") or "Single").lower()
    if name not in SPREAD_TYPES:
        raise ApiError("BadRequest", "Invalid spreadType.")
    return SPREAD_TYPES[name]


def _choice(request: web.Request, name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = (parameter(request, name) or default).lower()
    if value not in allowed:
        raise ApiError("BadRequest", f"Invalid {name}.")
    return value


def _decimal_parameter(request: web.Request, name: str) -> Decimal | None:
    text = parameter(request, name)
    if text is None:
        return None
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise ApiError("BadRequest", f"Invalid {name}.") from None
    if not value.is_finite():
        raise ApiError("BadRequest", f"Invalid {name}.")
    return value


def _date(text: str, name: str) -> date:
    for pattern in ("%m-%d-%Y", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    raise ApiError("BadRequest", f"Invalid {name}: use MM-DD-YYYY.")
