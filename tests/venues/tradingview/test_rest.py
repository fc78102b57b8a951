import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from brokerwire import Client
from brokerwire.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionLostError,
    InvalidSymbolError,
    ProtocolError,
    RateLimitError,
    RequestError,
    VenueUnavailableError,
)
from brokerwire.events import Bar
from brokerwire.venue import Heard, Response
from brokerwire.venues.tradingview import spec
from brokerwire.venues.tradingview.rest import (
    build_dial,
    close_error,
    error_from,
    get_bars,
    get_study_details,
    search_studies,
    search_symbols,
    validate_symbols,
)

Run = Callable[..., None]
MINUTE_NS = 60 * 10**9


def bar(minute: int, close: float = 1.0) -> Bar:
    return Bar("tradingview", "NASDAQ:AAPL", None, 1, "1m", minute * MINUTE_NS, 1.0, 1.0, 1.0, close)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, b"", RequestError),
        (401, b"", AuthenticationError),
        (429, b"", RateLimitError),
        (503, b"", VenueUnavailableError),
        (0, b"", VenueUnavailableError),
        (200, b"<title>Captcha Challenge</title>", AuthenticationError),
    ],
)
def test_refusals_are_typed(status: int, body: bytes, kind: type[Exception]) -> None:
    error = error_from(Response(status, {"retry-after": "7"}, body))
    assert type(error) is kind
    assert error.status == status
    assert (error.action == "retry") == (kind in {RateLimitError, VenueUnavailableError})
    assert error.retry_after_s == (7.0 if status == 429 else None)


def test_every_close_is_a_reason_to_dial_again() -> None:
    for code in (1000, 1001, 1005, 1006):
        error = close_error(code, "why")
        assert isinstance(error, ConnectionLostError)
        assert error.close_code == code


def test_the_dial_names_the_venues_own_pages_as_its_origin() -> None:
    dial = build_dial(spec.DATA, [])
    assert dial.headers["Origin"] == "https://www.tradingview.com"
    assert dial.target == "/socket.io/websocket?from=chart&type=chart"


def test_a_range_is_asked_for_in_segments_from_the_newest_until_one_is_cut_short() -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    conversation = get_bars("NASDAQ:AAPL", "1m", start=start, end=start + timedelta(minutes=20_000))
    listen = next(conversation)
    assert listen.topics[0].variant.startswith("1m;from_s=")
    listen = conversation.send(Heard([bar(5), bar(6)]))
    gap: Any = object()
    with pytest.raises(StopIteration) as stop:
        conversation.send(Heard([bar(4), bar(5, 2.0)], [gap]))
    assert [each.open_time_ns // MINUTE_NS for each in stop.value.value] == [4, 5, 6]


@pytest.mark.parametrize(
    ("interval", "traded", "asked"),
    [("1s", 3, 3 + 173), ("1m", 1, 4), ("1m", 0, 12)],  # ten days and a part after the last one that holds something
)
def test_segments_without_a_bar_are_passed_over_but_not_without_end(interval: str, traded: int, asked: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    end = start + timedelta(days=40)
    conversation = get_bars("NASDAQ:AAPL", interval, start=start, end=end)
    next(conversation)
    for count in range(1, asked):
        conversation.send(Heard([bar(count)] if count <= traded else []))
    with pytest.raises(StopIteration) as stop:
        conversation.send(Heard([]))
    assert len(stop.value.value) == traded


def test_a_night_without_a_bar_does_not_end_a_range() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    conversation = get_bars("NASDAQ:AAPL", "1m", start=start, end=start + timedelta(minutes=4_999 * 3))
    next(conversation)
    for heard in (Heard([bar(9)]), Heard([])):
        conversation.send(heard)
    with pytest.raises(StopIteration) as stop:
        conversation.send(Heard([bar(1)]))
    assert len(stop.value.value) == 2


def test_ranges_that_make_no_sense_are_refused_before_anything_is_asked() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    for start, end in ((now, now - timedelta(days=1)), (now - timedelta(days=20_000), now)):
        with pytest.raises(ConfigurationError):
            next(get_bars("NASDAQ:AAPL", "1s", start=start, end=end))
    with pytest.raises(ConfigurationError):
        next(get_bars("NASDAQ:AAPL", "7x"))


def test_a_search_pages_until_there_are_enough() -> None:
    rows = [{"symbol": f"S{at}", "exchange": "NYSE Arca", "prefix": "" if at else "AMEX"} for at in range(50)]
    operation = search_symbols("s", limit=60)
    assert ("start", "0") in next(operation).query
    request = operation.send(Response(200, {}, msgspec.json.encode({"symbols": rows, "symbols_remaining": 9})))
    assert ("start", "50") in request.query
    with pytest.raises(StopIteration) as stop:
        operation.send(Response(200, {}, msgspec.json.encode({"symbols": rows[:9], "symbols_remaining": 0})))
    found = stop.value.value
    assert len(found) == 59
    assert [row["id"] for row in found[:2]] == ["AMEX:S0", "NYSE:S1"]


def test_a_search_that_is_refused_or_garbled_raises() -> None:
    for response, kind in ((Response(429), RateLimitError), (Response(200, {}, b"<html>"), Exception)):
        operation = search_symbols("s")
        next(operation)
        with pytest.raises(kind):
            operation.send(response)


def test_studies_are_searched_among_those_built_in_and_public_ones() -> None:
    def rows(*names: str) -> list[dict[str, Any]]:
        return [{"scriptIdPart": f"STD;{name}", "scriptName": name, "version": "2.0"} for name in names]

    operation = search_studies()
    assert next(operation).target == "/pine-facade/list?filter=standard"
    with pytest.raises(StopIteration) as stop:
        operation.send(Response(200, {}, msgspec.json.encode(rows("RSI", "MACD"))))
    facts = {"name": "RSI", "id": "STD;RSI", "version": "2.0", "author": ""}
    assert stop.value.value[0] == facts | rows("RSI")[0]

    operation = search_studies("rs")
    next(operation)
    request = operation.send(Response(200, {}, msgspec.json.encode(rows("RSI", "MACD"))))
    assert request.target == "/pubscripts-suggest-json/?search=rs"
    public = {"scriptIdPart": "PUB;1", "scriptName": "Mine", "version": 3, "author": {"username": "Lars"}}
    with pytest.raises(StopIteration) as stop:
        operation.send(Response(200, {}, msgspec.json.encode({"results": [*rows("RSI"), public]})))
    assert [(row["id"], row["author"]) for row in stop.value.value] == [("STD;RSI", ""), ("PUB;1", "Lars")]


def test_details_of_a_study_that_is_none_are_refused() -> None:
    operation = get_study_details("STD;NoSuch@2.0")
    assert next(operation).path == "/pine-facade/translate/STD%3BNoSuch/2.0"
    with pytest.raises(RequestError, match="NoSuch"):
        operation.send(Response(200, {}, b'{"success":false,"reason":"not found"}'))


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"<html>", ProtocolError), (b"\xff", ProtocolError), (b'{"success":true,"result":{"metaInfo":7}}', RequestError)],
)
def test_details_that_cannot_be_read_are_told(body: bytes, kind: type[Exception]) -> None:
    operation = get_study_details("STD;RSI")
    next(operation)
    with pytest.raises(kind):
        operation.send(Response(200, {}, body))


def test_both_spellings_are_validated_and_doubt_counts_as_yes() -> None:
    operation = validate_symbols(["NASDAQ:AAPL", "nasdaq-nosuch", "nonsense", "X:A/B"])
    assert next(operation).path == "/symbols/NASDAQ-AAPL/"
    assert operation.send(Response(301)).path == "/symbols/NASDAQ-NOSUCH/"
    assert operation.send(Response(404)).path == "/symbols/X-A%2FB/"
    with pytest.raises(StopIteration) as stop:
        operation.send(Response(503))
    assert stop.value.value == {"NASDAQ:AAPL": True, "nasdaq-nosuch": False, "nonsense": False, "X:A/B": True}


# Against the simulator


def times_of(bars: list[Bar]) -> list[int]:
    return [each.open_time_ns for each in bars]


def test_the_newest_bars_come_oldest_first(run: Run) -> None:
    async def scenario(_simulator: Any, client: Client) -> None:
        bars = await client.market_data.get_bars("nasdaq-aapl", "5m", limit=700)
        assert len(bars) == 700
        assert times_of(bars) == sorted(set(times_of(bars)))
        assert {each.symbol for each in bars} == {"nasdaq-aapl"}
        assert all(each.is_closed for each in bars[:-1])

    run(scenario)


def test_a_long_range_is_whole_and_keeps_to_its_ends(run: Run) -> None:
    async def scenario(_simulator: Any, client: Client) -> None:
        newest = (await client.market_data.get_bars("BINANCE:BTCUSDT", "1m", limit=1))[-1]
        end = datetime.fromtimestamp(newest.open_time_ns / 1e9, UTC) - timedelta(minutes=100)
        start = end - timedelta(minutes=12_000)
        bars = await client.market_data.get_bars("BINANCE:BTCUSDT", "1m", start=start, end=end)
        first = int(start.timestamp()) // 60
        assert [each.open_time_ns // MINUTE_NS for each in bars] == list(range(first, first + 12_000))

    run(scenario)


def test_a_long_history_is_whole_across_a_disconnect_in_the_middle(run: Run) -> None:
    async def scenario(simulator: Any, client: Client) -> None:
        simulator.faults.set("reset_mid_frame", channel="bars/BINANCE:BTCUSDT", times=1)
        bars = await client.market_data.get_bars("BINANCE:BTCUSDT", "1m", limit=20_000)
        assert simulator.journal.count("dial") == 2
        minutes = [each.open_time_ns // MINUTE_NS for each in bars]
        assert minutes == list(range(minutes[0], minutes[0] + 20_000))

    run(scenario)


def test_a_long_range_is_whole_across_disconnects_and_goes_on_where_it_was(run: Run) -> None:
    async def scenario(simulator: Any, client: Client) -> None:
        newest = (await client.market_data.get_bars("BINANCE:BTCUSDT", "1m", limit=1))[-1]
        end = datetime.fromtimestamp(newest.open_time_ns / 1e9, UTC)
        await client.market_data.stream_quotes("BINANCE:BTCUSDT")
        simulator.faults.set("reset_mid_frame", channel="bars/BINANCE:BTCUSDT", probability=0.2)
        bars = await client.market_data.get_bars(
            "BINANCE:BTCUSDT", "1m", start=end - timedelta(minutes=19_000), end=end
        )  # fmt: skip
        first = int(end.timestamp()) // 60 - 19_000
        assert [each.open_time_ns // MINUTE_NS for each in bars] == list(range(first, first + 19_000))
        assert simulator.journal.count("dial") > 2

    run(scenario)


@pytest.mark.parametrize(("plan", "most"), [("", 5_000), ("pro", 10_000), ("pro_premium", 20_000)])
def test_a_plan_gives_what_it_gives_and_not_what_is_asked_for(run: Run, plan: str, most: int) -> None:
    async def scenario(_simulator: Any, client: Client) -> None:
        bars = await client.market_data.get_bars("BINANCE:BTCUSDT", "1m", limit=50_000)
        assert most <= len(bars) <= 1.3 * most

    run(scenario, settings={"plan": plan})


def test_nobody_in_particular_gets_quotes_and_bars_of_the_free_plan(run: Run) -> None:
    async def scenario(simulator: Any, client: Client) -> None:
        assert client.tokens is None
        bars = await client.market_data.get_bars("BINANCE:BTCUSDT", "5m", limit=20_000)
        assert 5_000 <= len(bars) <= 6_600
        quotes = await client.market_data.get_quotes(["BINANCE:BTCUSDT", "nasdaq-aapl"])
        assert [quote.symbol for quote in quotes] == ["BINANCE:BTCUSDT", "nasdaq-aapl"]
        assert {entry.detail["host"] for entry in simulator.journal.entries("dial")} == {"data"}

    run(scenario, credentials={})


def test_one_unknown_symbol_is_named(run: Run) -> None:
    async def scenario(_simulator: Any, client: Client) -> None:
        with pytest.raises(InvalidSymbolError) as caught:
            await client.market_data.get_quotes(["NASDAQ:AAPL", "NASDAQ:NOSUCH"])
        assert caught.value.symbol == "NASDAQ:NOSUCH"
        assert await client.market_data.validate_symbols(["NASDAQ-AAPL", "NASDAQ:NOSUCH"]) == {
            "NASDAQ-AAPL": True,
            "NASDAQ:NOSUCH": False,
        }
        found = await client.market_data.search_symbols("apple")
        assert "NASDAQ:AAPL" in {row["id"] for row in found}

    run(scenario)


def test_studies_come_for_every_bar(run: Run) -> None:
    async def scenario(_simulator: Any, client: Client) -> None:
        points = await client.market_data.get_study("NASDAQ:AAPL", "5m", "RSI@tv-basicstudies", limit=50, length=14)
        assert len(points) == 50
        assert all(0 < (point.values["plot_0"] or 0) < 100 for point in points)
        script = await client.market_data.get_study("NASDAQ:AAPL", "5m", "STD;EMA", limit=20)
        assert "STD;EMA" in {row["id"] for row in await client.market_data.search_studies()}
        assert {row["id"] for row in await client.market_data.search_studies("strength")} == {"STD;RSI"}
        assert (await client.market_data.get_study_details("STD;EMA"))["scriptIdPart"] == "STD;EMA"
        assert len(script) == 20
        live: list[Any] = []
        await client.market_data.stream_studies("BINANCE:BTCUSDT", "1m", "RSI@tv-basicstudies", callback=live.append)
        await asyncio.sleep(130)
        assert len({point.open_time_ns for point in live}) >= 3
        with pytest.raises(RequestError):
            await client.market_data.get_study("NASDAQ:AAPL", "5m", "STD;NoSuchThing")

    run(scenario)
