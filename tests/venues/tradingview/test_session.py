import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest
from tests.venues.tradingview.conftest import TIME_NS, Driver, bars_packet, completed, packet

from brokerwire import Client
from brokerwire.errors import (
    AuthenticationError,
    ConnectionLostError,
    InvalidSymbolError,
    ProtocolError,
    RequestError,
    StreamLimitError,
    UnsupportedError,
)
from brokerwire.events import Bar, Gap, Quote, StudyPoint, Topic
from brokerwire.venue import Accepted, Failed, GapFound, Identify, Ready, Refused, Remark

QUOTE, OTHER = Topic("quote", "KRAKEN:SOLEUR"), Topic("quote", "NYSE:KO")
BAR = Topic("bar", "NYSE:KO", "5m;2")
HISTORY = Topic("history", "NYSE:KO", "5m;limit=4;#1")
STUDY = Topic("study", "NYSE:KO", "5m;RSI@tv-basicstudies;length=14")
NOW_S = TIME_NS // 10**9
QS, CS = "qs_000000000001", "cs_000000000001"
Run = Callable[..., None]


def qsd(symbol: str, status: str = "ok", /, **values: Any) -> bytes:
    return packet("qsd", QS, {"n": symbol, "s": status, "v": values})


def bar_at(number: int, close: float = 70.0) -> list[float]:
    return [NOW_S - 300 + 300.0 * number, 70.0, 71.0, 69.0, close, 100.0]


def last_bar(number: int, *, is_closed: bool = True, topic: Topic = BAR) -> Bar:
    open_ns = int(bar_at(number)[0]) * 10**9
    return Bar("tradingview", topic.symbol, None, 1, "5m", open_ns, 70.0, 71.0, 69.0, 70.0, 100.0, is_closed=is_closed)


# The connection


def test_nothing_is_said_before_the_token_which_comes_first() -> None:
    driver = Driver(QUOTE, BAR)
    assert driver.heard(Identify)
    assert driver.calls == []
    driver.identify()
    assert driver.calls[0] == ["set_auth_token", "unauthorized_user_token"]
    assert driver.calls[1] == ["set_locale", "en", "US"]
    assert ["quote_add_symbols", QS, "KRAKEN:SOLEUR"] in driver.calls
    spec = '={"adjustment":"splits","session":"regular","symbol":"NYSE:KO"}'
    assert [call[1:] for call in driver.called("resolve_symbol")] == [["cs_000000000002", "sds_sym_1", spec]]


def test_a_heartbeat_is_answered_alone_and_packed_behind_data() -> None:
    driver = Driver(QUOTE)
    driver.identify()
    driver.receive(b"~m~4~m~~h~1")
    driver.receive(qsd("KRAKEN:SOLEUR", lp=141.0), packet("quote_completed", QS, "KRAKEN:SOLEUR"), b"~m~5~m~~h~17")
    assert driver.texts == [b"~h~1", b"~h~17"]


def test_a_new_token_is_said_on_the_live_socket_and_the_same_one_is_not() -> None:
    driver = Driver(QUOTE)
    first, second = jwt(NOW_S + 1000), jwt(NOW_S + 9000)
    driver.identify(first)
    driver.pass_time(850)
    assert len(driver.heard(Identify)) == 2
    driver.identify(first, time_ns=TIME_NS + 850 * 10**9)
    driver.pass_time(130)
    driver.identify(second, time_ns=TIME_NS + 980 * 10**9)
    assert [call[1] for call in driver.called("set_auth_token")] == [first, second]
    assert len(driver.called("set_locale")) == 1


def test_a_token_that_nobody_can_renew_is_spoken_of_before_it_ends() -> None:
    driver = Driver(QUOTE)
    driver.identify(given=jwt(NOW_S + 50))
    assert "runs out" in driver.heard(Remark)[0].text


def test_where_the_clock_here_cannot_be_right_a_renewed_token_is_said_and_asked_for_now_and_then() -> None:
    driver = Driver(QUOTE)
    first, second = jwt(NOW_S + 1000, NOW_S - 200), jwt(NOW_S + 2000, NOW_S + 800)
    driver.identify(first, time_ns=TIME_NS + 3600 * 10**9)
    assert driver.heard(Failed) == driver.heard(Remark) == []
    for _ in range(3):
        driver.pass_time(30)
        driver.identify(first, time_ns=TIME_NS + 3700 * 10**9)
    driver.identify(second, time_ns=TIME_NS + 3800 * 10**9)
    assert len(driver.heard(Identify)) == 4
    assert [call[1] for call in driver.called("set_auth_token")] == [first, second]


def test_a_token_that_could_not_be_had_is_asked_for_again() -> None:
    driver = Driver(QUOTE)
    driver.identify(jwt(NOW_S + 1000))
    driver.pass_time(850)
    driver.pass_time(30)
    assert len(driver.heard(Identify)) == 3


def test_a_quote_that_is_complete_and_empty_is_served_and_one_that_is_not_answered_ends_the_connection() -> None:
    driver = Driver(QUOTE)
    driver.identify()
    driver.receive(packet("quote_completed", QS, QUOTE.symbol))
    assert driver.heard(Accepted)
    assert driver.heard(Ready)
    driver.pass_time(60)
    assert driver.heard(Failed) == []
    (quote,) = driver.receive(qsd(QUOTE.symbol, lp=5.0))
    assert quote.last == 5.0
    silent = Driver(QUOTE)
    silent.identify()
    silent.pass_time(20)
    assert isinstance(silent.heard(Failed)[0].error, ConnectionLostError)
    assert silent.session.deadline is None


@pytest.mark.parametrize(("is_managed", "action"), [(True, "refresh"), (False, "stop")])
def test_a_token_that_has_run_out_ends_the_connection(is_managed: bool, action: str) -> None:
    driver = Driver(QUOTE)
    token = jwt(NOW_S - 1)
    driver.identify(token if is_managed else None, given=token)
    (failed,) = driver.heard(Failed)
    assert isinstance(failed.error, AuthenticationError)
    assert failed.error.action == action
    assert driver.called("set_auth_token") == []


@pytest.mark.parametrize(
    ("text", "kind", "action"),
    [
        ("bad auth token", AuthenticationError, "stop"),
        ("banned by ip", Exception, "stop"),
        ("user connections limit reached", ConnectionLostError, "retry"),
        ("wrong data", ConnectionLostError, "retry"),
    ],
)
def test_what_the_venue_ends_a_connection_with_says_what_to_do(text: str, kind: type[Exception], action: str) -> None:
    driver = Driver(QUOTE)
    driver.identify()
    driver.receive(packet("protocol_error", text))
    (failed,) = driver.heard(Failed)
    assert isinstance(failed.error, kind)
    assert failed.error.action == action


def test_a_packet_that_cannot_be_read_does_not_cost_those_beside_it() -> None:
    driver = Driver(QUOTE)
    driver.identify()
    driver.receive(qsd("KRAKEN:SOLEUR", lp=141.0), packet("quote_completed", QS, "KRAKEN:SOLEUR"))
    for spoiled in (b'~m~9~m~{"m":"qsd', b'~m~11~m~{"m":"qsd",', b"~m~99999~m~{}", b"noise"):
        events = driver.receive(spoiled, qsd("KRAKEN:SOLEUR", lp=143.0))
        assert [event.last for event in events] == [143.0]
    assert driver.heard(Remark)


def test_a_frame_that_holds_nothing_readable_breaks_the_protocol() -> None:
    driver = Driver(QUOTE)
    driver.identify()
    for frame in (b"nonsense", b'~m~15~m~{"m":"qsd","p":', b"\xff\xfe"):
        with pytest.raises(ProtocolError):
            driver.receive(frame)


def test_what_is_not_known_is_counted_and_what_was_given_back_is_not() -> None:
    driver = Driver(QUOTE)
    driver.identify()
    driver.receive(packet("news_flash", QS, {}), packet("qsd", "qs_other", {"n": "X:Y", "v": {}}))
    assert driver.session.unknown_messages == 2
    driver.session.unsubscribe([QUOTE], driver.now)
    driver.take()
    driver.receive(qsd("KRAKEN:SOLEUR", lp=141.0))
    assert driver.session.unknown_messages == 2
    assert driver.called("quote_delete_session")


# Quotes


def test_the_first_quote_comes_when_its_values_are_complete_and_changes_are_merged() -> None:
    driver = Driver(QUOTE)
    driver.identify()
    assert driver.receive(qsd("KRAKEN:SOLEUR", lp=141.0, bid=140.9, volume=1e100, short_name="SOLEUR")) == []
    assert driver.heard(Accepted)
    assert not driver.heard(Ready)
    assert driver.receive(qsd("KRAKEN:SOLEUR", ask=141.1, lp_time=NOW_S)) == []
    (quote,) = driver.receive(packet("quote_completed", QS, "KRAKEN:SOLEUR"))
    assert isinstance(quote, Quote)
    assert (quote.last, quote.bid, quote.ask, quote.volume) == (141.0, 140.9, 141.1, None)
    assert quote.time_ns == TIME_NS
    (changed,) = driver.receive(qsd("KRAKEN:SOLEUR", lp=142.5, ch=None))
    assert (changed.last, changed.bid, changed.change) == (142.5, 140.9, None)
    assert changed["short_name"] == "SOLEUR"
    assert changed.raw["p"][1]["v"] == {"lp": 142.5, "ch": None}


def test_values_of_which_the_venue_does_not_say_that_they_are_complete_are_delivered_in_time() -> None:
    driver = Driver(QUOTE)
    driver.identify()
    driver.receive(qsd("KRAKEN:SOLEUR", lp=141.0))
    (quote,) = driver.pass_time(3.0)
    assert quote.last == 141.0
    assert driver.heard(Ready)


def test_one_unknown_symbol_does_not_cost_the_others() -> None:
    driver = Driver(QUOTE, OTHER)
    driver.identify()
    driver.receive(qsd("NYSE:KO", "error"), qsd("KRAKEN:SOLEUR", lp=1.0))
    (refused,) = driver.heard(Refused)
    assert refused.topic == OTHER
    assert isinstance(refused.error, RequestError)
    assert driver.called("quote_remove_symbols") == [["quote_remove_symbols", QS, "NYSE:KO"]]
    assert driver.receive(packet("quote_completed", QS, "KRAKEN:SOLEUR"))


def test_a_symbol_that_errs_later_keeps_its_values() -> None:
    driver = Driver(QUOTE)
    driver.identify()
    driver.receive(qsd("KRAKEN:SOLEUR", lp=1.0), packet("quote_completed", QS, "KRAKEN:SOLEUR"))
    assert driver.receive(qsd("KRAKEN:SOLEUR", "permission_denied")) == []
    assert driver.heard(Remark)[0].topic == QUOTE
    (quote,) = driver.receive(qsd("KRAKEN:SOLEUR", bid=2.0))
    assert quote.last == 1.0


def test_symbols_come_and_go_in_one_session_and_the_fast_ones_are_said_whole() -> None:
    driver = Driver(QUOTE)
    driver.identify()
    driver.session.subscribe([OTHER], driver.now)
    driver.session.unsubscribe([QUOTE], driver.now)
    driver.take()
    assert [call[1:] for call in driver.called("quote_fast_symbols")] == [
        [QS, "KRAKEN:SOLEUR"],
        [QS, "KRAKEN:SOLEUR", "NYSE:KO"],
        [QS, "NYSE:KO"],
    ]


# Charts


def test_history_comes_first_then_the_forming_bar_which_changes_and_closes() -> None:
    driver = Driver(BAR)
    driver.identify()
    assert driver.called("create_series")[0][4:] == ["sds_sym_1", "5", 3, ""]
    page = bars_packet(CS, [bar_at(-2), bar_at(-1), bar_at(0), bar_at(1)], closes=NOW_S + 300)
    assert driver.receive(packet("series_loading", CS, "sds_1", "s1"), page) == []
    bars = driver.receive(completed(CS))
    assert [(bar.is_closed, bar.origin) for bar in bars] == [(True, "backfill"), (True, "backfill"), (False, "stream")]
    assert driver.heard(Accepted)
    (changed,) = driver.receive(bars_packet(CS, [bar_at(1, 70.5)], method="du", closes=NOW_S + 300))
    assert (changed.close, changed.is_closed, changed.origin) == (70.5, False, "stream")
    assert driver.receive(bars_packet(CS, [bar_at(1, 70.5)], method="du", closes=NOW_S + 300)) == []
    closed, opened = driver.receive(bars_packet(CS, [bar_at(2, 70.6)], closes=NOW_S + 600))
    assert (closed.open_time_ns, closed.is_closed, closed.close) == (bars[-1].open_time_ns, True, 70.5)
    assert not opened.is_closed
    assert driver.receive(bars_packet(CS, [bar_at(1, 70.4)], method="du")) == []
    assert "was changed after it closed" in driver.heard(Remark)[0].text


def test_a_bar_that_nothing_follows_is_closed_by_the_clock_and_told_of_if_its_end_comes_late() -> None:
    driver = Driver(BAR)
    driver.identify()
    driver.receive(bars_packet(CS, [bar_at(0), bar_at(1)], closes=NOW_S + 300), completed(CS, data_completed="end"))
    assert driver.pass_time(301) == []
    (closed,) = driver.pass_time(2)
    assert closed.is_closed
    assert driver.pass_time(400) == []
    assert driver.receive(bars_packet(CS, [bar_at(1, 70.9)], method="du")) == []
    assert driver.receive(bars_packet(CS, [bar_at(1, 70.8)], method="du")) == []
    (remark,) = driver.heard(Remark)
    assert f"opened at {NOW_S} was changed after it closed" in remark.text


def test_pages_are_asked_for_until_there_are_enough() -> None:
    driver = Driver(HISTORY)
    driver.identify()
    assert driver.receive(bars_packet(CS, [bar_at(1), bar_at(2)]), completed(CS)) == []
    assert driver.called("request_more_data")
    bars = driver.receive(bars_packet(CS, [bar_at(-2), bar_at(-1), bar_at(0), bar_at(1)]), completed(CS))
    assert [bar.open_time_ns for bar in bars] == [int(bar_at(at)[0]) * 10**9 for at in (-1, 0, 1, 2)]
    assert driver.heard(Ready)


@pytest.mark.parametrize("info", [{"data_completed": "end"}, {"data_completed": "limit"}, {}])
def test_history_ends_by_the_signal_or_when_a_page_brings_nothing_new(info: dict[str, str]) -> None:
    driver = Driver(HISTORY)
    driver.identify()
    bars = driver.receive(bars_packet(CS, [bar_at(1), bar_at(2)]), completed(CS, **info))
    if not info:
        assert bars == []
        bars = driver.receive(packet("series_loading", CS, "sds_1", "s1"), completed(CS))
    assert len(bars) == 2
    assert not driver.heard(GapFound)[0].filled


def test_a_range_is_the_series_modified_and_answers_to_the_first_request_are_not_taken_for_it() -> None:
    topic = Topic("history", "NYSE:KO", f"5m;from_s={NOW_S - 900};until_s={NOW_S + 300};#1")
    driver = Driver(topic)
    driver.identify()
    assert driver.called("modify_series") == []
    driver.receive(packet("symbol_resolved", CS, "sds_sym_1", {}))
    assert driver.called("modify_series")[0][3:] == ["s2", "sds_sym_1", "5", f"r,{NOW_S - 900}:{NOW_S + 300}"]
    assert driver.receive(bars_packet(CS, [bar_at(5)]), completed(CS, "s1")) == []
    page = bars_packet(CS, [bar_at(at) for at in range(-4, 4)])
    bars = driver.receive(page, completed(CS, "s2"))
    assert [bar.open_time_ns // 10**9 for bar in bars] == [NOW_S - 900, NOW_S - 600, NOW_S - 300, NOW_S]


def test_bars_missed_between_two_connections_come_first_and_only_once() -> None:
    driver = Driver(BAR, recalled={BAR: last_bar(-3)})
    driver.identify()
    page = bars_packet(CS, [bar_at(at) for at in range(-5, 2)], closes=NOW_S + 300)
    bars = driver.receive(page, completed(CS))
    assert [bar.open_time_ns for bar in bars] == [int(bar_at(at)[0]) * 10**9 for at in (-2, -1, 0, 1)]
    assert [bar.origin for bar in bars] == ["backfill"] * 3 + ["stream"]
    assert driver.heard(GapFound)[0].filled


def test_a_bar_that_was_forming_when_the_connection_ended_comes_again() -> None:
    driver = Driver(BAR, recalled={BAR: last_bar(-1, is_closed=False)})
    driver.identify()
    bars = driver.receive(bars_packet(CS, [bar_at(at) for at in (-2, -1, 0)]), completed(CS))
    assert [bar.open_time_ns for bar in bars] == [int(bar_at(at)[0]) * 10**9 for at in (-1, 0)]


def test_a_hole_that_the_venue_does_not_reach_back_to_stays_a_gap() -> None:
    driver = Driver(BAR, recalled={BAR: last_bar(-30)})
    driver.identify()
    page = bars_packet(CS, [bar_at(-1), bar_at(0)])
    assert driver.receive(page, completed(CS, data_completed="limit"))
    assert not driver.heard(GapFound)[0].filled


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("symbol_error", CS, "sds_sym_1", "invalid symbol"), InvalidSymbolError),
        (("series_error", CS, "sds_1", "s1", "custom_resolution"), UnsupportedError),
        (("series_error", CS, "sds_1", "s1", "resolve error", "node"), RequestError),
        (("critical_error", CS, "invalid parameters", "method: create_series"), RequestError),
        (("critical_error", CS, "exceed limit of series in the session", ""), StreamLimitError),
        (("critical_error", CS, {"error_code": "unauthorized_access"}, ""), AuthenticationError),
        (("unsupported_resolution", CS, "sds_1", "s1", "7"), UnsupportedError),
    ],
)
def test_what_is_refused_of_a_chart_is_typed_and_ends_that_topic_only(
    arguments: tuple[Any, ...], kind: type[Exception]
) -> None:
    driver = Driver(BAR)
    driver.identify()
    driver.receive(packet(*arguments))
    (refused,) = driver.heard(Refused)
    assert type(refused.error) is kind
    assert refused.topic == BAR
    assert driver.called("chart_delete_session") == [["chart_delete_session", CS]]
    assert not driver.heard(Failed)


def test_a_chart_that_is_not_answered_ends_the_connection() -> None:
    driver = Driver(BAR)
    driver.identify()
    driver.receive(b"~m~4~m~~h~1")
    driver.pass_time(20)
    assert isinstance(driver.heard(Failed)[0].error, ConnectionLostError)


def test_where_a_login_hears_nothing_but_heartbeats_its_token_is_renewed() -> None:
    driver = Driver(BAR)
    driver.identify(jwt(NOW_S + 9000))
    driver.pass_time(20)
    error = driver.heard(Failed)[0].error
    assert isinstance(error, AuthenticationError)
    assert error.action == "refresh"


# Studies


def test_a_study_is_made_once_its_bars_are_there_and_its_values_come_bar_by_bar() -> None:
    driver = Driver(STUDY)
    driver.identify()
    driver.receive(bars_packet(CS, [bar_at(0), bar_at(1)]))
    assert driver.called("create_study") == []
    driver.receive(completed(CS, data_completed="end"))
    assert driver.called("create_study")[0][1:] == [
        CS,
        "st1",
        "st1",
        "sds_1",
        "RSI@tv-basicstudies-241",
        {"length": 14},
    ]
    rows = [{"i": 0, "v": [bar_at(0)[0], None]}, {"i": 1, "v": [bar_at(1)[0], 55.5, 1e100, "NaN"]}]
    driver.receive(packet("du", CS, {"st1": {"st": rows, "t": "s1_st1"}}))
    (point,) = driver.receive(packet("study_completed", CS, "st1", "s1_st1"))
    assert isinstance(point, StudyPoint)
    assert point.values == {"plot_0": 55.5, "plot_1": None, "plot_2": None}
    assert (point.study, point.interval) == ("RSI@tv-basicstudies", "5m")
    both = packet("du", CS, {"sds_1": {"s": []}, "st1": {"st": [{"i": 1, "v": [bar_at(1)[0], 56.0]}]}})
    (changed,) = driver.receive(both)
    assert changed.values == {"plot_0": 56.0}
    assert driver.receive(both) == []


def test_a_script_is_made_from_its_metadata_and_its_plots_have_names() -> None:
    driver = Driver(Topic("study", "NYSE:KO", "5m;STD;EMA;length=21"))
    driver.identify()
    driver.receive(bars_packet(CS, [bar_at(0)]), completed(CS, data_completed="end"))
    assert driver.called("create_study") == []
    info = {
        "scriptIdPart": "STD;EMA",
        "pine": {"version": "31.0"},
        "inputs": [
            {"id": "text", "defval": "x", "type": "text"},
            {"id": "in_0", "name": "Length", "defval": 9, "type": "integer"},
        ],
        "plots": [{"id": "plot_0", "type": "line"}],
        "styles": {"plot_0": {"title": "EMA"}},
    }
    driver.answer({"success": True, "result": {"ilTemplate": "abc", "metaInfo": info}})
    inputs = driver.called("create_study")[0][6]
    assert inputs["in_0"]["v"] == 21
    assert (inputs["text"], inputs["pineId"], inputs["pineVersion"]) == ("abc", "STD;EMA", "31.0")
    rows = [{"i": 0, "v": [bar_at(0)[0], 70.0]}]
    driver.receive(packet("du", CS, {"st1": {"st": rows}}))
    (point,) = driver.receive(packet("study_completed", CS, "st1", "s1_st1"))
    assert point.values == {"EMA": 70.0}


@pytest.mark.parametrize(
    ("reason", "kind", "text"),
    [
        ("The maximum number of studies per chart has been reached", StreamLimitError, "maximum"),
        ("Study not allowed in this connection", UnsupportedError, "not allowed"),
        ({"ctx": {"argName": "length"}, "error": "bad value for '{argName}'"}, RequestError, "bad value for 'length'"),
    ],
)
def test_the_failure_of_a_study_is_typed_in_both_forms(reason: Any, kind: type[Exception], text: str) -> None:
    driver = Driver(STUDY)
    driver.identify()
    driver.receive(packet("study_error", CS, "st1", "s1_st1", reason, "undefined"))
    (refused,) = driver.heard(Refused)
    assert type(refused.error) is kind
    assert text in str(refused.error)


# Against the simulator


def test_streams_come_through_a_client(run: Run) -> None:
    async def scenario(_simulator: Any, client: Client) -> None:
        quotes: list[Quote] = []
        bars: list[Bar] = []
        await client.market_data.stream_quotes(["nasdaq-aapl", "BINANCE:BTCUSDT"], quotes.append)
        await client.market_data.stream_bars("BINANCE:BTCUSDT", "1m", bars.append, bars_back=3)
        await asyncio.sleep(150)
        assert {quote.symbol for quote in quotes} == {"nasdaq-aapl", "BINANCE:BTCUSDT"}
        assert [bar.origin for bar in bars[:4]] == ["backfill"] * 3 + ["stream"]
        closed = [bar.open_time_ns for bar in bars if bar.is_closed]
        assert closed == sorted(set(closed))
        assert len(closed) >= 5
        assert len(client.streams.active_streams) == 1

    run(scenario)


def test_bars_of_an_outage_are_fetched(run: Run) -> None:
    async def scenario(simulator: Any, client: Client) -> None:
        bars: list[Bar] = []
        statuses: list[Any] = []
        await client.market_data.stream_bars("BINANCE:BTCUSDT", "1m", bars.append, status_callback=statuses.append)
        await asyncio.sleep(70)
        simulator.faults.set("refuse:503")
        simulator.connections.drop()
        await asyncio.sleep(200)
        simulator.faults.clear()
        await asyncio.sleep(150)
        (gap,) = [status for status in statuses if isinstance(status, Gap)]
        assert gap.filled
        closed = [bar.open_time_ns // (60 * 10**9) for bar in bars if bar.is_closed]
        assert closed == list(range(closed[0], closed[-1] + 1))
        assert "backfill" in {bar.origin for bar in bars}

    run(scenario)


def test_packed_heartbeats_keep_the_connection_whatever_the_callback_does(run: Run) -> None:
    async def scenario(simulator: Any, client: Client) -> None:
        async def slow(_quote: Quote) -> None:
            await asyncio.sleep(30)

        await client.market_data.stream_quotes("BINANCE:BTCUSDT", slow)
        await asyncio.sleep(200)
        assert client.health()["streams"][0]["reconnects"] == 0

    run(scenario, settings={"heartbeats": "behind"})


def test_unknown_symbols_raise(run: Run) -> None:
    async def scenario(_simulator: Any, client: Client) -> None:
        for call in (
            client.market_data.stream_quotes("NASDAQ:NOSUCH"),
            client.market_data.stream_bars("NASDAQ:NOSUCH", "5m"),
            client.market_data.stream_quotes("NOSUCH"),
        ):
            with pytest.raises(InvalidSymbolError):
                await call
        assert client.streams.active_streams == ()

    run(scenario)


def jwt(exp: int, iat: int | None = None) -> str:
    """Return a token that ends at a time, and perhaps says when it began."""

    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    since = "" if iat is None else f'"iat":{iat},'
    return ".".join(
        [part('{"alg":"RS512","typ":"JWT"}'), part(f'{{"exp":{exp},{since}"plan":"pro_premium"}}'), part("x")]
    )
