from datetime import date
from decimal import Decimal

import pytest

from brokerwire.simulator.fronts.tradestation.spreads import SPREAD_TYPES, SpreadBoard, build_spread, strike_rows
from brokerwire.simulator.market import Market
from brokerwire.testing.virtual_time import VirtualClock


def test_rows_of_strikes_keep_their_distance() -> None:
    strikes = [Decimal(n) for n in range(10)]
    assert list(strike_rows(strikes, 3, 4)) == [[0, 4, 8], [1, 5, 9]]
    assert list(strike_rows(strikes, 4, 4)) == []


@pytest.mark.parametrize("name", sorted(SPREAD_TYPES))
async def test_every_spread_type_can_be_priced(name: str) -> None:
    market = Market(seed=1, clock=VirtualClock())
    spread_type = SPREAD_TYPES[name]
    underlying = market.instrument("AAPL")
    strikes = [Decimal(250 + 5 * n) for n in range(spread_type.strikes)]
    days: list[date] = market.universe.expirations("AAPL")[3:5]
    for side, plans in spread_type.sides.items():
        spread = build_spread(market, underlying, side, plans, strikes=strikes, expirations=days)
        record = SpreadBoard(market, spread, rate=0.04, with_model="model").record()
        assert float(record["Bid"]) <= float(record["Mid"]) <= float(record["Ask"])
        assert record["Strikes"] == [str(strike) for strike in strikes]
        assert len(record["Legs"]) == len(plans)
        assert 0 <= float(record["ProbabilityITM"]) <= 1
