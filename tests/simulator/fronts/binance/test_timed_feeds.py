"""Streams at intervals: klines close once, tickers come every second."""

import asyncio

import msgspec

from brokerwire.simulator.fronts.binance import payloads
from brokerwire.simulator.fronts.binance.figures import MILLISECOND
from brokerwire.simulator.fronts.binance.framing import payload_of
from brokerwire.simulator.fronts.binance.names import parse_name
from brokerwire.simulator.fronts.binance.timed_feeds import ArrayFeed, KlineFeed, Pulse, SecondFeed, next_boundary


class Collector:
    """Events published, and an event when there are enough."""

    def __init__(self, count: int) -> None:
        self.got: list[dict] = []
        self._count = count
        self._enough = asyncio.Event()

    def publish(self, event) -> None:
        self.got.append(msgspec.json.decode(payload_of(event.frame(MILLISECOND, 0))))
        if len(self.got) >= self._count:
            self._enough.set()

    async def wait(self) -> list:
        await asyncio.wait_for(self._enough.wait(), 10)
        return self.got


async def test_second_bars_close_once_each_and_agree_with_rest(desk):
    collector = Collector(3)
    feed = KlineFeed(desk, parse_name("btcusdt@kline_1s"), collector.publish)
    closed = [event["k"] for event in await collector.wait() if event["k"]["x"]]
    feed.close()
    opens = [bar["t"] for bar in closed]
    assert len(set(opens)) == len(opens) >= 2
    bar = desk.market.window("BTCUSDT", opens[0] * 1_000_000, (opens[0] + 1000) * 1_000_000)
    assert (closed[0]["T"], closed[0]["n"], closed[0]["v"]) == (opens[0] + 999, bar.trade_count, f"{bar.volume:.8f}")
    assert list(closed[0]) == list("tTsifLochlvnxqVQB")


async def test_longer_bars_are_updated_every_two_seconds_while_they_trade(desk):
    collector = Collector(1)
    feed = KlineFeed(desk, parse_name("btcusdt@kline_1h"), collector.publish)
    (event, *_) = await collector.wait()
    feed.close()
    assert (event["e"], event["k"]["i"], event["k"]["x"]) == ("kline", "1h", False)
    assert event["E"] % 2000 < 500


async def test_figures_of_a_second_have_their_keys(desk):
    expected = {
        "ticker": list("eEspPwxcQbBaAohlvqOCFLn"),
        "miniTicker": list("eEscohlvq"),
        "ticker_4h": list("eEspPohlcwvqOCFLn"),
        "avgPrice": list("eEsiwT"),
        "referencePrice": list("esrt"),
    }
    collectors = {kind: Collector(1) for kind in expected}
    feeds = [SecondFeed(desk, parse_name(f"ethusdt@{kind}"), found.publish) for kind, found in collectors.items()]
    for kind, keys in expected.items():
        assert list((await collectors[kind].wait())[0]) == keys
    for feed in feeds:
        feed.close()


async def test_arrays_hold_the_symbols_that_traded(desk):
    kinds = {"!miniTicker@arr": "24hrMiniTicker", "!ticker_1h@arr": "1hTicker"}
    collectors = {text: Collector(1) for text in kinds}
    feeds = [ArrayFeed(desk, parse_name(text), found.publish) for text, found in collectors.items()]
    for text, kind in kinds.items():
        array = (await collectors[text].wait())[0]
        assert {entry["e"] for entry in array} == {kind}
        assert len(array) > 50
    for feed in feeds:
        feed.close()
        await feed.wait_closed()


async def test_pulse_beats_at_the_moments_it_names_until_closed():
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    beats = []

    def beat(now_ns: int) -> int:
        beats.append(now_ns)
        if len(beats) == 3:
            done.set()
        return now_ns + 1_000_000

    pulse = Pulse(lambda: int(loop.time() * 1e9), beat)
    pulse.start(0)
    await asyncio.wait_for(done.wait(), 5)
    pulse.close()
    pulse.close()
    assert beats == sorted(beats)


def test_boundary_is_the_next_whole_multiple():
    assert [next_boundary(n, 10) for n in (0, 9, 10)] == [10, 10, 20]


async def test_ticker_is_silent_when_nothing_was_traded_since_the_last_one(desk):
    collector = Collector(1)
    feed = SecondFeed(desk, parse_name("btcusdt@miniTicker"), collector.publish)
    for _ in range(2):
        feed._beat(desk.now_ns())
    feed.close()
    assert len(collector.got) == 1


async def test_array_holds_only_symbols_that_traded_since_the_last_one(desk):
    feed = ArrayFeed(desk, parse_name("!miniTicker@arr"), lambda event: None)
    assert len(await feed._changed(desk.now_ns())) == len(desk.listing.symbols)
    assert await feed._changed(desk.now_ns()) == []
    feed.close()


async def test_array_shows_the_figures_of_the_tickers_of_single_symbols(desk):
    now_ns = desk.now_ns() // 60_000_000_000 * 60_000_000_000 - 29_000_000_000
    array = ArrayFeed(desk, parse_name("!miniTicker@arr"), lambda event: None)
    single = SecondFeed(desk, parse_name("btcusdt@miniTicker"), lambda event: None)
    bars = {bar.symbol: bar for bar in await array._changed(now_ns)}
    build = single._builder(now_ns, 0)
    assert payloads.encode(payloads.mini_ticker(bars["BTCUSDT"], now_ns, MILLISECOND)) == build(MILLISECOND)
    array.close()
    single.close()
