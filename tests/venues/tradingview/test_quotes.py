"""Quotes that flow are read the quick way: what it gives is what the long way gives."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.venues.tradingview.conftest import TIME_NS, Driver, packet

from brokerwire.events import Quote, Topic
from brokerwire.venue import Refused
from brokerwire.venue.layered_message import shape_of
from brokerwire.venues.tradingview import spec
from brokerwire.venues.tradingview.wire import NO_FIGURES, ChangeReader, pack

SYMBOL = "KRAKEN:SOLEUR"
SESSION = "qs_000000000001"
TYPED = {"lp": "last", "bid": "bid", "ask_size": "ask_size", "ch": "change", "open_price": "open"}

figures = st.one_of(st.none(), st.just(1e100), st.integers(-9, 10**12), st.floats(-1e9, 1e9).map(lambda x: round(x, 4)))
changes = st.dictionaries(st.sampled_from([*TYPED, "lp_time", "rtc", "week_1", "week_52", "description"]), figures)


def qsd(values: bytes, symbol: str = SYMBOL, tail: bytes = b"") -> bytes:
    return pack(
        b'{"m":"qsd","p":["%s",{"n":"%s","s":"ok","v":%s%s}]}' % (SESSION.encode(), symbol.encode(), values, tail)
    )


def flowing(symbol: str = SYMBOL) -> Driver:
    driver = Driver(Topic("quote", symbol))
    driver.identify()
    driver.receive(qsd(b"{}", symbol), packet("quote_completed", SESSION, symbol))
    return driver


def value_of(figure: float | None) -> float | None:
    return None if figure is None or figure >= spec.NO_VALUE else figure


@given(st.lists(changes, min_size=1, max_size=12))
def test_every_change_gives_the_whole_quote(steps: list[dict[str, float | None]]) -> None:
    driver, known = flowing(), dict[str, Any]()
    for step in steps:
        frame = qsd(msgspec.json.encode(step))
        known |= step
        (quote,) = driver.receive(frame)
        assert isinstance(quote, Quote)
        for theirs, ours in TYPED.items():
            assert getattr(quote, ours) == value_of(known.get(theirs))
        time_s = value_of(known.get("lp_time"))
        assert quote.time_ns == (None if time_s is None else int(time_s * 1000) * 1_000_000)
        assert {name: quote.get(name) for name in known} == known
        assert quote.raw["p"][1]["v"] == step


def test_a_change_with_more_than_values_is_read_all_the_same() -> None:
    driver = flowing()
    driver.receive(qsd(b'{"lp":1.5}'))
    (quote,) = driver.receive(qsd(b'{"lp":2.5}', tail=b',"errmsg":null'))
    assert isinstance(quote, Quote)
    assert quote.last == 2.5


@pytest.mark.parametrize("values", [b'{"lp":"1.5"}', b'{"lp":1.5.5}', b'{"lp":1.5,}', b'{"lp":[1.5]}', b'{"lp":1.5}}'])
def test_a_change_that_cannot_be_read_changes_nothing(values: bytes) -> None:
    driver = flowing()
    for _ in range(2):
        driver.receive(qsd(b'{"lp":1.5,"bid":1.25}'))
    with pytest.raises(Exception, match="cannot be read"):
        driver.session.receive(qsd(values), driver.now, TIME_NS)
    (quote,) = driver.receive(qsd(b'{"bid":1.0}'))
    assert isinstance(quote, Quote)
    assert (quote.last, quote.bid, quote["lp"], quote["bid"]) == (1.5, 1.0, 1.5, 1.0)


def test_what_was_given_back_is_known_no_more() -> None:
    driver = flowing()
    other = Topic("quote", "NYSE:KO")
    driver.session.subscribe([other], driver.now)
    driver.receive(qsd(b'{"lp":1.5}'))
    driver.session.unsubscribe([Topic("quote", SYMBOL)], driver.now)
    assert driver.receive(qsd(b'{"lp":2.5}')) == []
    driver.session.subscribe([Topic("quote", SYMBOL)], driver.now)
    assert driver.receive(qsd(b'{"lp":3.5}')) == []
    (quote,) = driver.receive(packet("quote_completed", SESSION, SYMBOL))
    assert isinstance(quote, Quote)
    assert quote.last == 3.5


def test_only_so_many_beginnings_of_packets_are_remembered() -> None:
    driver, most = flowing(), 0
    for number in range(spec.MOST_HEADS + 2):
        payload = b'{"m":"qsd","p":["%s",{"n":"%s","x":%d,"s":"ok","v":{"lp":%d}}]}'
        for last in (1, 2):
            (quote,) = driver.receive(pack(payload % (SESSION.encode(), SYMBOL.encode(), number, last)))
            assert isinstance(quote, Quote)
            assert quote.last == last
        most = max(most, len(driver.session._flowing))
    assert most == spec.MOST_HEADS
    assert len(driver.session._flowing) == 2


def test_an_error_of_the_session_refuses_every_symbol_of_it() -> None:
    driver = flowing()
    driver.session.subscribe([Topic("quote", "NYSE:KO")], driver.now)
    driver.receive(packet("critical_error", SESSION, "invalid parameters", "method: quote_add_symbols"))
    assert {refusal.topic.symbol for refusal in driver.heard(Refused)} == {SYMBOL, "NYSE:KO"}


def test_only_so_many_shapes_are_remembered_and_others_are_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spec, "MOST_SHAPES", 1)
    reader, figures = ChangeReader(), NO_FIGURES
    for text in (b'{"lp":1}', b'{"bid":2}', b'{"ask":3}', b'{"bid":4}', b'{"lp":5}'):
        figures = reader.merge(figures, text, shape_of(text))
        assert len(reader._known) == 1
    assert [figure for figure in figures if figure is not None] == [4.0, 3.0, 5.0]


def test_packets_may_be_written_in_another_way() -> None:
    driver = flowing()
    arguments = [SESSION, {"n": SYMBOL, "s": "ok", "v": {"lp": 1.5}}]
    spaced = json.dumps({"m": "qsd", "p": arguments}).encode()
    turned = json.dumps({"p": arguments, "m": "qsd"}, separators=(",", ":")).encode()
    quotes = [quote for payload in (spaced, turned) for quote in driver.receive(pack(payload))]
    assert [quote["lp"] for quote in quotes] == [1.5, 1.5]
    assert driver.session.unknown_messages == 0
