"""The client against a data socket that does what the simulator does not, on a real one."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.conftest import VirtualRun
from tests.venues.tradingview.raw_venue import Answer, Charts, Line, RawVenue, Unit, said

from brokerwire import Client, Gap, InvalidSymbolError, RequestError, StreamError, StreamLimitError, UnsupportedError

COIN, OTHER = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT"
QS = "qs_000000000001"
Talk = Callable[[RawVenue, Client], Any]


@pytest.fixture
def wire(virtual: VirtualRun) -> Callable[..., None]:
    """Runs a talk between a raw venue and a client of it, in virtual time."""

    def run(talk: Talk, answers: Mapping[str, Answer], *, hello: str | None = "{}", **options: Any) -> None:
        async def main() -> None:
            async with RawVenue(answers, hello=hello) as venue:
                given = {"endpoints": venue.endpoints, "clock": virtual.clock, **options}
                async with Client("tradingview", environment="live", **given) as client:
                    await talk(venue, client)

        virtual(main)

    return run


def quote(symbol: str = COIN, session: str = QS, **values: Any) -> str:
    return said("qsd", session, {"n": symbol, "s": "ok", "v": values})


def complete(symbol: str = COIN) -> str:
    return said("quote_completed", QS, symbol)


async def heard(events: list[Any], count: int) -> None:
    async with asyncio.timeout(120):
        while len(events) < count:  # noqa: ASYNC110  # virtual time: a poll costs nothing
            await asyncio.sleep(0.05)


# Heartbeats


@pytest.mark.parametrize("callback", ["quick", "hanging", "slow"])
def test_heartbeats_among_data_are_answered_at_once_whatever_the_callback_does(
    wire: Callable[..., None], callback: str
) -> None:
    async def add(line: Line, _: list[Any]) -> None:
        await line.send("~h~1", quote(lp=1.0), "~h~2", complete(), "~h~3")
        await line.send("~h~4")
        for number in range(5, 65):
            await asyncio.sleep(0.5)
            await line.send(*(quote(lp=1.0 + number + part / 10) for part in range(10)), f"~h~{number}", quote(lp=2.0))

    async def behave(_event: Any) -> None:
        await asyncio.sleep({"quick": 0, "hanging": 10**6, "slow": 3}[callback])

    async def talk(venue: RawVenue, client: Client) -> None:
        await client.market_data.stream_quotes(COIN, behave)
        (line,) = venue.lines
        for moment in range(60):
            await asyncio.sleep(0.5)
            assert len(line.beats) >= 4 + moment
        await asyncio.sleep(1)
        assert line.beats == [f"~h~{number}" for number in range(1, 65)]

    wire(talk, {"quote_add_symbols": add}, callback_timeout=None)


def test_a_connection_that_only_beats_is_given_up_and_never_waited_for_without_end(wire: Callable[..., None]) -> None:
    async def beat(line: Line, _: list[Any]) -> None:
        for number in range(1, 60):
            await line.send(f"~h~{number}")
            await asyncio.sleep(10)

    async def talk(venue: RawVenue, client: Client) -> None:
        with pytest.raises(StreamError, match="not accepted"):
            await client.market_data.stream_quotes(COIN, print)
        began = asyncio.get_running_loop().time()
        with pytest.raises(Exception, match="did not answer"):
            await client.market_data.get_bars(COIN, "1m", limit=5)
        assert asyncio.get_running_loop().time() - began <= 130
        assert len(venue.lines) <= 9
        assert len(client.streams) == 0

    wire(talk, {"set_auth_token": beat})


# Quotes


@pytest.mark.parametrize("hello", [None, '{"session_id":"late"}'])
def test_no_hello_and_one_behind_data_are_both_fine(wire: Callable[..., None], hello: str | None) -> None:
    async def add(line: Line, _: list[Any]) -> None:
        await line.send(quote(lp=1.0), *([] if hello is None else [hello]), complete())

    async def talk(_venue: RawVenue, client: Client) -> None:
        events: list[Any] = []
        await client.market_data.stream_quotes(COIN, events.append)
        await heard(events, 1)
        assert events[0].last == 1.0

    wire(talk, {"quote_add_symbols": add}, hello=None)


def test_a_quote_that_is_never_declared_complete_comes_after_three_seconds(wire: Callable[..., None]) -> None:
    async def add(line: Line, _: list[Any]) -> None:
        await line.send(quote(lp=1.0, volume=1e100))
        await line.send(quote(bid=None, ask=2.0, rtc="NaN"))

    async def talk(_venue: RawVenue, client: Client) -> None:
        events: list[Any] = []
        await client.market_data.stream_quotes(COIN, events.append)
        began = asyncio.get_running_loop().time()
        await heard(events, 1)
        assert asyncio.get_running_loop().time() - began <= 3.1
        (event,) = events
        assert (event.last, event.bid, event.ask, event.volume) == (1.0, None, 2.0, None)
        assert event["rtc"] == "NaN"

    wire(talk, {"quote_add_symbols": add})


@pytest.mark.parametrize("unit", ["code points", "utf16", "bytes"])
def test_text_beyond_ascii_is_read_whatever_its_length_counts(wire: Callable[..., None], unit: Unit) -> None:
    text = 'Zürich 漢字 📈📉 ~m~3~m~{"m":"~h~7"}'

    async def add(line: Line, _: list[Any]) -> None:
        await line.send(quote(lp=1.0, description=text), complete(), "~h~9", quote(lp=2.0), unit=unit)

    async def talk(venue: RawVenue, client: Client) -> None:
        events: list[Any] = []
        await client.market_data.stream_quotes(COIN, events.append)
        await heard(events, 2)
        assert [event["description"] for event in events] == [text, text]
        assert [event.last for event in events] == [1.0, 2.0]
        await asyncio.sleep(0.2)  # so far apart are messages of ours
        assert venue.lines[0].beats == ["~h~9"]

    wire(talk, {"quote_add_symbols": add})


def test_packets_of_sessions_that_are_gone_or_never_were_change_nothing(wire: Callable[..., None]) -> None:
    async def add(line: Line, _: list[Any]) -> None:
        await line.send(quote(lp=1.0), complete())
        if line.number == 1:
            await asyncio.sleep(5)
            await line.close(1001)
            return
        await line.send(quote(lp=77.0, session="qs_old"), said("critical_error", "cs_old", "invalid parameters", ""))
        await line.send(said("symbol_error", "cs_old", "sds_sym_1", "invalid symbol"), quote(lp=3.0))

    async def talk(venue: RawVenue, client: Client) -> None:
        events: list[Any] = []
        statuses: list[Any] = []
        await client.market_data.stream_quotes(COIN, events.append, status_callback=statuses.append)
        await heard(events, 3)
        await asyncio.sleep(1)
        assert [event.last for event in events] == [1.0, 1.0, 3.0]
        assert len([status for status in statuses if isinstance(status, Gap)]) == 1
        assert len(venue.lines) == 2
        (stream,) = client.health()["streams"]
        assert (stream["unknown_messages"], stream["bad_frames"]) == (3, 0)

    wire(talk, {"quote_add_symbols": add})


# Charts


@pytest.mark.parametrize("way", ["count", "stream"])
def test_a_page_of_two_megabytes_is_taken(wire: Callable[..., None], way: str) -> None:
    charts = Charts(20_000, page=20_000)

    async def talk(venue: RawVenue, client: Client) -> None:
        if way == "count":
            bars = await client.market_data.get_bars(COIN, "1m", limit=20_000)
        else:
            bars = []
            await client.market_data.stream_bars(COIN, "1m", bars.append, bars_back=20_000, max_pending=30_000)
            await heard(bars, 20_000)
        assert [bar.open_time_ns // 10**9 for bar in bars] == charts.times
        assert [bar.close for bar in bars] == [charts.bar(each)[4] for each in charts.times]
        assert len(venue.lines) == 1

    wire(talk, charts.answers)


WAYS = ["limit", "range", "stream"]
CUTS = ["created", "mid page", "page", "completed"]


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("way", WAYS)
def test_twenty_thousand_bars_are_complete_across_a_disconnect(
    wire: Callable[..., None], way: str, cut: str, how: str
) -> None:
    charts = Charts(20_000, cuts=[cut], how=how)

    async def talk(venue: RawVenue, client: Client) -> None:
        data = client.market_data
        statuses: list[Any] = []
        if way == "limit":
            bars = await data.get_bars(COIN, "1m", limit=20_000)
        elif way == "range":
            start, end = moment(charts.times[0]), moment(charts.times[-1] + 60)
            bars = await data.get_bars(COIN, "1m", start=start, end=end)
        else:
            bars = []
            await data.stream_bars(
                COIN, "1m", bars.append, bars_back=20_000, max_pending=30_000, status_callback=statuses.append
            )
            await heard(bars, 20_000)
            await asyncio.sleep(5)
        assert [bar.open_time_ns // 10**9 for bar in bars] == charts.times
        assert charts.cuts == []
        assert len(venue.lines) == 2

    wire(talk, charts.answers, subscribe_timeout=60)


def moment(time_s: float) -> datetime:
    return datetime.fromtimestamp(time_s, tz=UTC)


@pytest.mark.parametrize("method", ["timescale_update", "du"])
@pytest.mark.parametrize(("ends", "pages"), [("end", 2), ("limit", 2), ("", 3)])
def test_fewer_bars_than_were_asked_for_end_with_the_signal_or_with_a_page_that_brings_nothing(
    wire: Callable[..., None], method: str, ends: str, pages: int
) -> None:
    charts = Charts(700, page=400, ends=ends, method=method, volume=False)

    async def talk(venue: RawVenue, client: Client) -> None:
        began = asyncio.get_running_loop().time()
        bars = await client.market_data.get_bars(COIN, "1m", limit=5_000)
        assert asyncio.get_running_loop().time() - began < 5
        assert [bar.open_time_ns // 10**9 for bar in bars] == charts.times
        assert {bar.volume for bar in bars} == {None}
        assert len(venue.called("request_more_data")) == pages - 1

    wire(talk, charts.answers)


def test_one_completion_for_a_series_that_was_modified_is_enough(wire: Callable[..., None]) -> None:
    charts = Charts(3_000)
    answers = {**charts.answers, "create_series": silent}

    async def talk(_venue: RawVenue, client: Client) -> None:
        bars = await client.market_data.get_bars(COIN, "1m", start=moment(charts.times[5]), end=moment(charts.times[9]))
        assert [bar.open_time_ns // 10**9 for bar in bars] == charts.times[5:9]

    wire(talk, answers)


async def silent(_line: Line, _arguments: list[Any]) -> None:
    """Answer nothing."""


@pytest.mark.parametrize("method", ["timescale_update", "du"])
def test_a_bar_that_opens_in_either_message_closes_the_one_before(wire: Callable[..., None], method: str) -> None:
    charts = Charts(3)

    async def create(line: Line, arguments: list[Any]) -> None:
        await charts.answers["create_series"](line, arguments)
        last = charts.times[-1]
        for time_s, close in ((last, 5.0), (last, 6.0), (last + 60, 7.0), (last + 60, 8.0), (last + 120, 9.0)):
            part = {"s": [{"i": 2, "v": [time_s, close, close, close, close, 1]}], "t": "s1"}
            name = method if close in {7.0, 9.0} else "du"
            await line.say(name, arguments[0], {"sds_1": part}, {"index": 2, "changes": [time_s]})

    async def talk(_venue: RawVenue, client: Client) -> None:
        events: list[Any] = []
        await client.market_data.stream_bars(COIN, "1m", events.append, bars_back=2)
        await heard(events, 8)
        closed = [(bar.open_time_ns // 10**9, bar.close) for bar in events if bar.is_closed]
        last = charts.times[-1]
        assert closed[-1] == (last + 60, 8.0)
        assert len(closed) == len({time_s for time_s, _ in closed})

    wire(talk, {**charts.answers, "create_series": create})


REFUSALS: list[tuple[str, list[Any], type[Exception]]] = [
    ("symbol_error", ["sds_sym_1", "invalid symbol"], InvalidSymbolError),
    ("series_error", ["sds_1", "s1", "custom_resolution"], UnsupportedError),
    ("series_error", ["sds_1", "s1", "seconds_not_entitled"], UnsupportedError),
    ("unsupported_resolution", ["sds_1", "s1", "7Q"], UnsupportedError),
    ("critical_error", ["exceed limit of series in the session", "method: create_series."], StreamLimitError),
    ("critical_error", ["invalid parameters", "method: create_series."], RequestError),
]


@pytest.mark.parametrize(("method", "arguments", "kind"), REFUSALS)
def test_what_the_venue_refuses_of_one_chart_is_raised_at_once_and_harms_no_other(
    wire: Callable[..., None], method: str, arguments: list[Any], kind: type[Exception]
) -> None:
    charts = Charts(10)

    async def create(line: Line, given: list[Any]) -> None:
        if given[4] == "5":
            await line.say(method, given[0], *arguments)
        else:
            await charts.answers["create_series"](line, given)

    async def add(line: Line, _: list[Any]) -> None:
        await line.send(quote(lp=1.0), complete())

    async def talk(venue: RawVenue, client: Client) -> None:
        events: list[Any] = []
        statuses: list[Any] = []
        await client.market_data.stream_quotes(COIN, events.append, status_callback=statuses.append)
        bars = await client.market_data.stream_bars(COIN, "1m", events.append, status_callback=statuses.append)
        began = asyncio.get_running_loop().time()
        with pytest.raises(kind) as caught:
            await client.market_data.get_bars(COIN, "5m", limit=5)
        assert asyncio.get_running_loop().time() - began < 1
        assert COIN in str(caught.value)
        with pytest.raises(kind):
            await client.market_data.stream_bars(COIN, "5m", events.append)
        assert bars.state == "live"
        assert len(venue.lines) == 1
        assert not [status for status in statuses if isinstance(status, Gap)]

    wire(talk, {**charts.answers, "create_series": create, "quote_add_symbols": add})


@pytest.mark.parametrize("nothing", [None, "NaN", 1e100])
def test_a_study_without_a_value_has_none(wire: Callable[..., None], nothing: Any) -> None:
    charts = Charts(600)

    async def study(line: Line, arguments: list[Any]) -> None:
        rows = [{"i": 1, "v": [charts.times[-2], nothing, 1.5]}, {"i": 2, "v": [charts.times[-1], 2.5, nothing]}]
        await line.say("study_loading", arguments[0], "st1", "s1_st1")
        await line.say("du", arguments[0], {"st1": {"st": rows, "ns": {"d": "", "indexes": []}, "t": "s1_st1"}})
        await line.say("study_completed", arguments[0], "st1", "s1_st1")

    async def talk(_venue: RawVenue, client: Client) -> None:
        found = await client.market_data.get_study(COIN, "1m", "Thing@tv-basicstudies", limit=2)
        assert [list(point.values.values()) for point in found] == [[None, 1.5], [2.5, None]]

    wire(talk, {**charts.answers, "create_study": study})
