from brokerwire.simulator.market import Market


def test_down_ticks_are_the_trades_that_are_not_up_ticks(market: Market) -> None:
    bar = market.window("AAPL", market.now_ns() - 60_000_000_000, market.now_ns())
    assert bar is not None
    assert bar.up_ticks + bar.down_ticks == bar.trade_count
