"""Option spreads: which legs each spread type has, what a spread is worth, and its model values."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from brokerwire.simulator.fronts.tradestation.answers import number, rounded
from brokerwire.simulator.fronts.tradestation.quotes import QuoteBoard, open_interest
from brokerwire.simulator.instruments import Instrument, OptionType, expiry_ns
from brokerwire.simulator.market import Market
from brokerwire.simulator.price_path import DAY_NS
from brokerwire.simulator.pricing import Valuation, normal_cdf, value_option

Side = Literal["Call", "Put", "Both"]

_MODEL_FIELDS = ("Delta", "Theta", "Gamma", "Rho", "Vega")


class LegPlan(msgspec.Struct, frozen=True):
    """One leg of a spread type: ``strike`` and ``expiration`` are positions among those given, -1 is the underlying."""

    ratio: int
    strike: int
    option_type: OptionType = "call"
    expiration: int = 0


class SpreadType(msgspec.Struct, frozen=True):
    """A spread type, with its legs for the sides it comes in."""

    name: str
    strikes: int
    sides: Mapping[Side, Sequence[LegPlan]]
    has_strike_interval: bool = False
    has_expirations: bool = False


def _mirrored(*rows: tuple[int, int], expirations: Sequence[int] = ()) -> dict[Side, Sequence[LegPlan]]:
    """Return call legs as given, and put legs with the strikes in reverse."""
    top = max(strike for _, strike in rows)
    when = expirations or [0] * len(rows)
    calls = [LegPlan(r, s, "call", e) for (r, s), e in zip(rows, when, strict=True)]
    puts = [LegPlan(r, top - s, "put", e) for (r, s), e in zip(rows, when, strict=True)]
    return {"Call": calls, "Put": puts}


def _both(*rows: tuple[int, int, OptionType]) -> dict[Side, Sequence[LegPlan]]:
    return {"Both": [LegPlan(*row) for row in rows]}


_STOCK = LegPlan(100, -1)

SPREAD_TYPES: Mapping[str, SpreadType] = MappingProxyType(
    {
        spread.name.lower(): spread
        for spread in (
            SpreadType("Single", 1, _mirrored((1, 0))),
            SpreadType("Straddle", 1, _both((1, 0, "call"), (1, 0, "put"))),
            SpreadType("Vertical", 2, _mirrored((1, 0), (-1, 1)), has_strike_interval=True),
            SpreadType("Strangle", 2, _both((1, 0, "put"), (1, 1, "call")), has_strike_interval=True),
            SpreadType("RatioBack1x2", 2, _mirrored((-1, 0), (2, 1)), has_strike_interval=True),
            SpreadType("RatioBack1x3", 2, _mirrored((-1, 0), (3, 1)), has_strike_interval=True),
            SpreadType("RatioBack2x3", 2, _mirrored((-2, 0), (3, 1)), has_strike_interval=True),
            SpreadType("Butterfly", 3, _mirrored((1, 0), (-2, 1), (1, 2)), has_strike_interval=True),
            SpreadType(
                "IronButterfly",
                3,
                _both((1, 0, "put"), (-1, 1, "put"), (-1, 1, "call"), (1, 2, "call")),
                has_strike_interval=True,
            ),
            SpreadType("Condor", 4, _mirrored((1, 0), (-1, 1), (-1, 2), (1, 3)), has_strike_interval=True),
            SpreadType(
                "IronCondor",
                4,
                _both((1, 0, "put"), (-1, 1, "put"), (-1, 2, "call"), (1, 3, "call")),
                has_strike_interval=True,
            ),
            SpreadType("Covered", 1, {"Call": [_STOCK, LegPlan(-1, 0, "call")], "Put": [_STOCK, LegPlan(1, 0, "put")]}),
            SpreadType(
                "Collar", 2, {"Both": [_STOCK, LegPlan(1, 0, "put"), LegPlan(-1, 1, "call")]}, has_strike_interval=True
            ),
            SpreadType(
                "Combo",
                1,
                {
                    "Call": [LegPlan(1, 0, "call"), LegPlan(-1, 0, "put")],
                    "Put": [LegPlan(-1, 0, "call"), LegPlan(1, 0, "put")],
                },
            ),
            SpreadType("Calendar", 1, _mirrored((-1, 0), (1, 0), expirations=(0, 1)), has_expirations=True),
            SpreadType(
                "Diagonal",
                2,
                _mirrored((-1, 0), (1, 1), expirations=(0, 1)),
                has_strike_interval=True,
                has_expirations=True,
            ),
        )
    }
)


class SpreadLeg(msgspec.Struct, frozen=True):
    """An instrument and how often it is bought (or, negative, sold)."""

    instrument: Instrument
    ratio: int


class Spread(msgspec.Struct, frozen=True):
    """The legs of one spread with the side it is listed under."""

    side: Side
    legs: tuple[SpreadLeg, ...]

    @property
    def strikes(self) -> list[str]:
        found = {leg.instrument.strike for leg in self.legs if leg.instrument.strike is not None}
        return [number(strike) for strike in sorted(found)]


def strike_rows(strikes: Sequence[Decimal], count: int, interval: int) -> Iterator[list[Decimal]]:
    """Yield every run of ``count`` strikes that lie ``interval`` apart in the list."""
    for first in range(len(strikes) - (count - 1) * interval):
        yield [strikes[first + step * interval] for step in range(count)]


def build_spread(
    market: Market,
    underlying: Instrument,
    side: Side,
    plans: Sequence[LegPlan],
    *,
    strikes: Sequence[Decimal],
    expirations: Sequence[date],
) -> Spread:
    """Return the spread of a type's legs at the given strikes and expirations."""
    legs: list[SpreadLeg] = []
    for plan in plans:
        instrument = underlying
        if plan.strike >= 0:
            instrument = market.universe.option(
                underlying.symbol,
                expiration=expirations[plan.expiration],
                option_type=plan.option_type,
                strike=strikes[plan.strike],
            )
        legs.append(SpreadLeg(instrument, plan.ratio))
    return Spread(side, tuple(legs))


class SpreadBoard:
    """The running figures of one spread, from the quotes of its legs."""

    def __init__(self, market: Market, spread: Spread, *, rate: float, with_model: Literal["model", "plain"]) -> None:
        self._market = market
        self._spread = spread
        self._rate = rate
        self._with_model = with_model == "model"
        self.boards = {leg.instrument.symbol: QuoteBoard(market, leg.instrument) for leg in spread.legs}

    def record(self) -> dict[str, Any]:
        """Return the spread as the venue writes it."""
        prices = self._prices()
        record: dict[str, Any] = self._model(prices) if self._with_model else {}
        bid_sizes = [int(self._leg_size(leg, "bid")) for leg in self._spread.legs]
        ask_sizes = [int(self._leg_size(leg, "ask")) for leg in self._spread.legs]
        change = prices["Last"] - prices["PreviousClose"]
        percent = change / abs(prices["PreviousClose"]) * 100 if prices["PreviousClose"] else Decimal(0)
        return record | {
            "DailyOpenInterest": min(open_interest(leg.instrument) for leg in self._spread.legs),
            "Ask": number(prices["Ask"]),
            "Bid": number(prices["Bid"]),
            "Mid": number((prices["Ask"] + prices["Bid"]) / 2),
            "AskSize": min(ask_sizes),
            "BidSize": min(bid_sizes),
            "Close": number(prices["Close"]),
            "High": number(prices["High"]),
            "Last": number(prices["Last"]),
            "Low": number(prices["Low"]),
            "NetChange": number(change),
            "NetChangePct": rounded(percent, 4),
            "Open": number(prices["Open"]),
            "PreviousClose": number(prices["PreviousClose"]),
            "Volume": int(min(board.day()["Volume"] for board in self.boards.values())),
            "Side": self._spread.side,
            "Strikes": self._spread.strikes,
            "Legs": [_leg_record(leg) for leg in self._spread.legs],
        }

    def _share(self, leg: SpreadLeg) -> Decimal:
        """Return the weight of a leg per share: 100 shares of stock weigh as much as one option."""
        return Decimal(leg.ratio) / (1 if leg.instrument.kind == "option" else 100)

    def _leg_size(self, leg: SpreadLeg, side: str) -> Decimal:
        quote = self.boards[leg.instrument.symbol].quote
        shows_bid = (side == "bid") == (leg.ratio > 0)
        return (quote.bid_size if shows_bid else quote.ask_size) / abs(leg.ratio)

    def _prices(self) -> dict[str, Decimal]:
        names = ("Close", "High", "Last", "Low", "Open", "PreviousClose", "Bid", "Ask")
        total: dict[str, Decimal] = dict.fromkeys(names, Decimal(0))
        for leg in self._spread.legs:
            board, share = self.boards[leg.instrument.symbol], self._share(leg)
            day, quote = board.day(), board.quote
            for name in ("Close", "Last", "Open", "PreviousClose"):
                total[name] += day[name] * share
            total["High"] += day["High" if share > 0 else "Low"] * share
            total["Low"] += day["Low" if share > 0 else "High"] * share
            total["Ask"] += (quote.ask if share > 0 else quote.bid) * share
            total["Bid"] += (quote.bid if share > 0 else quote.ask) * share
        return total

    def _model(self, prices: dict[str, Decimal]) -> dict[str, str]:
        totals: dict[str, float] = dict.fromkeys((*_MODEL_FIELDS, "Theory", "Intrinsic"), 0.0)
        spot = volatility = days = 0.0
        for leg in self._spread.legs:
            instrument, share = leg.instrument, float(self._share(leg))
            if instrument.strike is None or instrument.expiration is None or instrument.option_type is None:
                spot = float(self._market.last_trade(instrument.symbol).price)
                _add(totals, _stock_value(spot), share)
                totals["Intrinsic"] += share * spot
                continue
            spot = float(self._market.last_trade(instrument.underlying).price)
            volatility = self._market.implied_volatility(instrument.underlying)
            days = max(0.02, (expiry_ns(instrument.expiration) - self._market.now_ns()) / DAY_NS)
            _add(totals, self._value(instrument, spot, volatility, days), share)
            sign = 1 if instrument.option_type == "call" else -1
            totals["Intrinsic"] += share * max(0.0, sign * (spot - float(instrument.strike)))
        middle = float((prices["Ask"] + prices["Bid"]) / 2)
        chance = self._chances(spot, volatility, days, middle)
        return {
            **{name: _four(totals[name]) for name in _MODEL_FIELDS},
            "ImpliedVolatility": _four(volatility),
            "IntrinsicValue": _four(max(0.0, totals["Intrinsic"])),
            "ExtrinsicValue": _four(middle - max(0.0, totals["Intrinsic"])),
            "TheoreticalValue": _four(totals["Theory"]),
            **chance,
            "TheoreticalValue_IV": _four(middle),
            "StandardDeviation": _four(spot * volatility * math.sqrt(days / 365.25)),
        }

    def _value(self, instrument: Instrument, spot: float, volatility: float, days: float) -> Valuation:
        return value_option(
            spot,
            float(instrument.strike or 1),
            days,
            volatility=volatility,
            rate=self._rate,
            option_type=instrument.option_type or "call",
        )

    def _chances(self, spot: float, volatility: float, days: float, cost: float) -> dict[str, str]:
        """Return the probabilities of ending in the money and beyond the break-even of the first option leg."""
        first = next((leg.instrument for leg in self._spread.legs if leg.instrument.strike is not None), None)
        if first is None or first.strike is None:
            return {}
        sign = 1.0 if first.option_type == "call" else -1.0
        inside = _beyond(spot, float(first.strike), volatility, days, sign)
        even = _beyond(spot, max(0.01, float(first.strike) + sign * cost), volatility, days, sign)
        return {
            "ProbabilityITM": _four(inside),
            "ProbabilityOTM": _four(1 - inside),
            "ProbabilityBE": _four(even),
            "ProbabilityITM_IV": _four(inside),
            "ProbabilityOTM_IV": _four(1 - inside),
            "ProbabilityBE_IV": _four(even),
        }


def _beyond(spot: float, level: float, volatility: float, days: float, sign: float) -> float:
    root = volatility * math.sqrt(days / 365.25)
    return normal_cdf(sign * (math.log(spot / level) - root * root / 2) / root)


def _add(totals: dict[str, float], value: Valuation, share: float) -> None:
    for name in _MODEL_FIELDS:
        totals[name] += share * float(getattr(value, name.lower()))
    totals["Theory"] += share * value.price


def _stock_value(spot: float) -> Valuation:
    return Valuation(price=spot, delta=1.0, gamma=0.0, theta=0.0, vega=0.0, rho=0.0, probability_itm=1.0)


def _four(value: float) -> str:
    return rounded(Decimal(repr(value)), 4)


def _leg_record(leg: SpreadLeg) -> dict[str, Any]:
    instrument = leg.instrument
    if instrument.strike is None or instrument.expiration is None or instrument.option_type is None:
        return {"Symbol": instrument.symbol, "Ratio": leg.ratio, "AssetType": "Stock"}
    return {
        "Symbol": instrument.symbol,
        "Ratio": leg.ratio,
        "StrikePrice": number(instrument.strike),
        "Expiration": f"{instrument.expiration:%Y-%m-%d}T00:00:00Z",
        "OptionType": instrument.option_type.title(),
        "AssetType": "IndexOption" if instrument.underlying.startswith("$") else "StockOption",
    }
