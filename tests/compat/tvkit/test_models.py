import pytest

from brokerwire.compat.tvkit import (
    OHLCVBar,
    OHLCVResponse,
    QuoteCompletedMessage,
    QuoteSymbolData,
    SeriesUpdate,
    TimescaleUpdateResponse,
    WebSocketMessage,
)
from brokerwire.compat.tvkit.models import counted, known, session_of
from brokerwire.events import Bar, Quote, stamp, tie

DU = {
    "m": "du",
    "p": [
        "cs_1",
        {
            "sds_1": {
                "s": [{"i": 2, "v": [1795445700.0, 70.19, 70.24, 70.14, 70.23, 11876.0]}],
                "ns": {"d": "", "indexes": "nochange"},
                "t": "s1",
                "lbs": {"bar_close_time": 1795446000},
            },
            "st1": {"st": [{"i": 2, "v": [1795445700.0, 1.0]}], "t": "s1_st1"},
        },
    ],
}


def test_a_bar_is_read_from_numbers_with_and_without_a_volume() -> None:
    bar = OHLCVBar.from_array([1795445700.0, 70.19, 70.24, 70.14, 70.23, 11876.0])
    assert (bar.timestamp, bar.close, bar.volume) == (1795445700, 70.23, 11876)
    assert isinstance(bar.volume, int)
    assert OHLCVBar.from_array([1.0, 1, 1, 1, 1]).volume == 0
    assert OHLCVBar.from_array([1.0, 1, 1, 1, 1, 1e100]).volume == 0
    assert OHLCVBar.from_array([1.0, 1, 1, 1, 1, "7"]).volume == 7
    with pytest.raises(ValueError, match="OHLCVBar"):
        OHLCVBar.from_array([1.0, 1, 1, 1, "x"])
    with pytest.raises(ValueError, match="not 3"):
        OHLCVBar.from_array([1.0, 2.0, 3.0])


def test_a_volume_in_fractions_stays_exact() -> None:
    bar = Bar("tradingview", "BINANCE:BTCUSDT", None, 0, "1m", 60_000_000_000, 1.0, 2.0, 0.5, 1.5, 0.95889)
    assert OHLCVBar.from_event(bar) == OHLCVBar(timestamp=60, open=1.0, high=2.0, low=0.5, close=1.5, volume=0.95889)


@pytest.mark.parametrize(("number", "expected"), [(None, None), (1e100, None), (3.0, 3), (0.5, 0.5)])
def test_no_value_is_none_and_whole_numbers_are_whole(number: float | None, expected: float | None) -> None:
    assert counted(number) == expected


def quote() -> Quote:
    event = Quote("tradingview", "NASDAQ:AAPL", None, 7, last=141.37)
    fields = b'{"lp":141.37,"ch":-2.05,"chp":-1.43,"volume":48210.0,"open_price":1e+100,"bid":null}'
    stamp(event, None, (fields,))  # type: ignore[arg-type]  # no topic is needed here
    tie(event, "_frame", b'{"m":"qsd","p":["qs_7",{"n":"NASDAQ:AAPL","s":"ok","v":{"lp":141.37}}]}')
    return event


def test_a_quote_says_what_tvkit_reads() -> None:
    told = QuoteSymbolData.from_event(quote())
    assert (told.current_price, told.change, told.change_percent, told.volume) == (141.37, -2.05, -1.43, 48210)
    assert told.symbol_info == {"lp": 141.37, "ch": -2.05, "chp": -1.43, "volume": 48210.0}
    assert told.quote_data["n"] == "NASDAQ:AAPL"
    assert (told.message_type, told.session_id) == ("qsd", "qs_7")


def test_fields_without_a_value_are_not_known() -> None:
    assert set(known(quote())) == {"lp", "ch", "chp", "volume"}


def test_a_quote_made_by_hand_has_no_session() -> None:
    assert session_of(Quote("tradingview", "X:Y", None, 0)) == ""


def test_bars_are_found_in_a_message_and_studies_are_not() -> None:
    response = OHLCVResponse.model_validate(DU)
    assert list(response.series_updates) == ["sds_1"]
    assert [bar.close for bar in response.ohlcv_bars] == [70.23]
    assert response.series_updates["sds_1"].last_bar_status.bar_close_time == 1795446000
    assert response.series_updates["sds_1"].namespace.indexes == "nochange"
    assert response.session_id == "cs_1"


def test_a_page_is_a_timescale_update() -> None:
    page = TimescaleUpdateResponse.model_validate({**DU, "m": "timescale_update"})
    assert page.ohlcv_bars[0].timestamp == 1795445700
    with pytest.raises(ValueError, match="timescale_update"):
        TimescaleUpdateResponse.model_validate(DU)


def test_messages_without_arguments_have_nothing_to_say() -> None:
    assert WebSocketMessage.model_validate({"m": "x", "p": []}).data == {}
    assert WebSocketMessage.model_validate({"m": "x", "p": ["cs_1", {"a": 1}]}).data == {"a": 1}
    assert QuoteCompletedMessage.model_validate({"m": "quote_completed", "p": ["qs_1", "NYSE:KO"]}).symbol == "NYSE:KO"
    assert QuoteCompletedMessage.model_validate({"m": "quote_completed", "p": []}).symbol == ""
    assert QuoteSymbolData.model_validate({"m": "qsd", "p": ["qs_1", {"n": "X:Y"}]}).symbol_info == {}


def test_fields_that_an_update_has_besides_do_not_hide_its_bars() -> None:
    part = {**DU["p"][1]["sds_1"], "node": "a", "ns": {"d": "", "indexes": []}}  # type: ignore[index]  # plain JSON
    response = OHLCVResponse(message_type="du", parameters=["cs_1", {"sds_1": part}])
    assert [bar.close for bar in response.ohlcv_bars] == [70.23]
    with pytest.raises(ValueError, match="no field node"):
        SeriesUpdate(**part)


def test_a_message_with_bars_has_a_session_and_data() -> None:
    with pytest.raises(ValueError, match="a session and its data"):
        OHLCVResponse(message_type="du", parameters=["cs_1"])
