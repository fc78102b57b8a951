"""F15: tokens are renewed ahead of expiry, and streams are handed over without loss where the venue ends them."""

from itertools import pairwise

import pytest
from tests.faults.conftest import Row, repeats
from tests.faults.venues import LOGINS, SHORT_LOGIN
from tests.faults.waiting import notices, reached, until


@pytest.mark.parametrize(("venue", "symbol"), LOGINS)
def test_a_token_is_renewed_at_four_fifths_of_its_life_and_no_stream_notices(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings=SHORT_LOGIN)
        client = row.client(simulator)
        watch = await row.watch(client, "quotes", symbol)
        assert client.tokens is not None
        began = row.now()
        for number in (2, 3):
            await until(lambda wanted=number: client.tokens.refresh_count == wanted, 1200.0)  # type: ignore[misc]  # bound early
            assert (number - 1) * 960 - 5 <= row.now() - began <= (number - 1) * 960 + 5
        await row.sleep(300)  # the last one but one has run out by now
        await watch.more(1)
        assert watch.states == ["live"]
        assert watch.gaps == []
        assert watch.reconnects == 0

    row(main)


@pytest.mark.parametrize("expiry", ["end", "error"])
def test_a_server_that_ends_the_stream_with_its_token_is_dialled_again(row: Row, expiry: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation", settings={"token_life_s": 300.0, "stream_expiry": expiry})
        client = row.client(simulator)
        watch = await row.watch(client, "quotes", "AAPL")
        await until(lambda: "recovering" in watch.states, 310)
        await reached(watch, "live", within_s=10)
        await watch.more(10)
        assert watch.reconnects == 1
        assert len(watch.gaps) == 1
        assert client.tokens is not None
        assert client.tokens.refresh_count <= 3

    row(main)


def test_a_hand_over_of_channels_with_ids_loses_and_doubles_nothing(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance", settings={"rate": 5})
        client = row.client(simulator)
        trades = await row.watch(client, "trades", ["BTCUSDT", "ETHUSDT"])
        depth = await row.watch(client, "market_depth", "BTCUSDT")
        for number in range(1, repeats(2, 8) + 1):
            await trades.more(50)
            simulator.faults.set("goaway:30", times=1)
            await until(lambda wanted=number: trades.reconnects == wanted)  # type: ignore[misc]  # bound early
        await trades.more(50)
        for symbol in ("BTCUSDT", "ETHUSDT"):
            ids = [event.trade_id for event in trades.events if event.symbol == symbol]
            assert all(new == old + 1 for old, new in pairwise(ids))
        assert (trades.gaps, depth.gaps) == ([], [])
        assert trades.states == depth.states == ["live"]
        assert len(simulator.connections) == 1

    row(main)


def test_a_hand_over_without_a_free_slot_reports_a_gap(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        watch = await row.watch(row.client(simulator, max_concurrent_streams=1), "trades", "BTCUSDT")
        await watch.more(20)
        simulator.faults.set("goaway:30", times=1)
        await until(lambda: len(watch.gaps) == 1)
        await watch.more(20)
        assert watch.gaps[0].filled
        assert all(new.trade_id == old.trade_id + 1 for old, new in pairwise(watch.events))
        assert watch.states == ["live", "recovering", "live"]
        assert watch.reconnects == 1

    row(main)


def test_a_renewed_token_is_said_on_the_live_socket(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview", settings=SHORT_LOGIN)
        watch = await row.watch(row.client(simulator), "quotes", "BINANCE:BTCUSDT")
        await row.sleep(4000)
        said = [entry for entry in simulator.journal.entries("control") if entry.detail["method"] == "set_auth_token"]
        assert len(said) == 5
        assert {entry.detail["connection"] for entry in said} == {1}
        assert simulator.journal.count("token_expired") == 0
        assert watch.states == ["live"]

    row(main)


def test_a_token_that_nobody_renews_is_told_of_before_it_ends(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview", settings={"token_life_s": 300.0})
        given = {"auth_token": simulator.credentials["auth_token"]}
        watch = await row.watch(row.client(simulator, credentials=given), "quotes", "BINANCE:BTCUSDT")
        await row.sleep(295)
        assert watch.states == ["live"]
        assert any("has not been renewed" in text for text in notices(watch))

    row(main)
