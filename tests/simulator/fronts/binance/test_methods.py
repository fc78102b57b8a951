"""Every documented request is there, by path and by name."""

import pytest

from brokerwire.simulator.fronts.binance import methods
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.figures import MILLISECOND
from brokerwire.simulator.fronts.binance.refusals import Refusal


def test_paths_and_names_are_those_of_the_venue():
    paths = (
        "ping time exchangeInfo depth trades historicalTrades aggTrades klines uiKlines avgPrice "
        "ticker/24hr ticker/tradingDay ticker ticker/price ticker/bookTicker "
        "executionRules referencePrice referencePrice/calculation historicalBlockTrades"
    )
    assert set(methods.BY_PATH) == {f"/api/v3/{path}" for path in paths.split()}
    assert {"ticker.book", "trades.recent", "trades.historical", "trades.aggregate"} <= set(methods.BY_NAME)


async def test_call_checks_the_names_first(desk):
    with pytest.raises(Refusal, match="-1101"):
        await methods.call(methods.BY_NAME["ping"], desk, Arguments({"x": "1"}), unit=MILLISECOND)
    assert await methods.call(methods.BY_NAME["ping"], desk, Arguments({}), unit=MILLISECOND) == {}


async def test_call_waits_for_what_has_to_be_waited_for(desk):
    arguments = Arguments({"symbol": "BTCUSDT", "interval": "1m", "limit": "2"})
    assert len(await methods.call(methods.BY_NAME["klines"], desk, arguments, unit=MILLISECOND)) == 2


def test_cost_is_fixed_or_follows_the_arguments():
    assert methods.BY_NAME["exchangeInfo"].cost(Arguments({})) == 20
    assert methods.BY_NAME["depth"].cost(Arguments({"limit": "1000"})) == 50
