import copy
import math
import pickle
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from brokerwire.compat.tvkit import (
    IndicatorData,
    OHLCData,
    OHLCVBar,
    OHLCVData,
    OHLCVResponse,
    QuoteSymbolData,
    SeriesData,
    SeriesError,
    StreamData,
    WebSocketMessage,
)


def test_a_record_is_read_from_the_wires_names_and_dumped_by_its_own() -> None:
    message = WebSocketMessage.model_validate({"m": "du", "p": ["cs_1", {"sds_1": {}}]})
    dumped = {"message_type": "du", "parameters": ["cs_1", {"sds_1": {}}], "session_id": "cs_1"}
    assert message.model_dump() == dumped
    assert message.model_dump(by_alias=True, exclude={"session_id"}) == {"m": "du", "p": ["cs_1", {"sds_1": {}}]}
    assert message.model_dump(include={"session_id"}) == {"session_id": "cs_1"}


def test_records_inside_are_dumped_too() -> None:
    row = OHLCData(index=0, timestamp=1.0, open=1.0, high=2.0, low=0.5, close=1.5, volume=3)
    data = StreamData(ohlc=[row], indicator=[IndicatorData(index=0, timestamp=1.0, values={"a": None})])
    dumped = data.model_dump()
    assert dumped["ohlc"] == [row.model_dump()]
    assert dumped["indicator"][0]["values"] == {"a": None}
    assert msgspec.json.decode(data.model_dump_json()) == dumped


def test_a_missing_field_is_a_value_error_that_names_it() -> None:
    with pytest.raises(ValueError, match=r"OHLCVBar.*close"):
        OHLCVBar.model_validate({"timestamp": 1, "open": 1, "high": 1, "low": 1})


def test_a_wrong_kind_of_message_is_refused() -> None:
    with pytest.raises(SeriesError, match="not 'qsd'"):
        OHLCVResponse.model_validate({"m": "qsd", "p": []})


def test_decimals_stay_exact_in_json() -> None:
    prices = dict.fromkeys(("open", "high", "low", "close"), Decimal("0.1"))
    row = OHLCVData(index=0, timestamp=1, volume=Decimal(0), **prices)
    assert row.model_dump()["open"] == Decimal("0.1")
    assert row.model_dump(mode="json")["open"] == "0.1"
    assert '"open":"0.1"' in row.model_dump_json()
    assert '"open": "0.1"' in row.model_dump_json(indent=2, exclude={"index"})


# Checks, as pydantic's models have them

BAR: dict[str, Any] = {"timestamp": 1, "open": 1, "high": 2, "low": 0.5, "close": 1, "volume": 3}


@pytest.mark.parametrize(
    "wrong",
    [
        {"timestamp": "x"},
        {"timestamp": None},
        {"timestamp": math.nan},
        {"timestamp": math.inf},
        {"timestamp": -1},
        {"timestamp": 1_795_000_000_000},
        {"open": "x"},
        {"close": None},
        {"volume": [1]},
        {"colour": "red"},
    ],
    ids=str,
)
def test_a_bar_that_is_none_cannot_be_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(SeriesError) as told:
        OHLCVBar(**{**BAR, **wrong})
    assert isinstance(told.value, ValueError)


def test_numbers_may_be_text_or_of_another_kind() -> None:
    bar = OHLCVBar(**{**BAR, "timestamp": "5", "open": "1.5", "high": Decimal("2.5"), "volume": 3.0})
    assert (bar.timestamp, bar.open, bar.high, bar.volume) == (5, 1.5, 2.5, 3)
    assert isinstance(bar.volume, int)
    assert OHLCVBar(**{**BAR, "close": math.nan, "timestamp": 1.5}).timestamp == 1.5  # tvkit takes these too


def test_numbers_of_numpy_are_taken() -> None:
    class Scalar:
        """What numpy's numbers have."""

        shape = ()

        def item(self) -> float:
            return 4.5

    assert OHLCVBar(**{**BAR, "open": Scalar()}).open == 4.5


def test_fields_are_named_and_none_is_left_out() -> None:
    with pytest.raises(TypeError):
        OHLCVBar(1, 1, 2, 0.5, 1, 3)  # type: ignore[misc]  # that is the point
    with pytest.raises(SeriesError, match="volume"):
        OHLCVBar(timestamp=1, open=1, high=2, low=0.5, close=1)  # type: ignore[call-arg]  # that is the point


def test_messages_take_the_wires_names_and_the_attributes() -> None:
    wire: dict[str, Any] = {"m": "du", "p": ["cs_1", {}]}
    assert OHLCVResponse(**wire) == OHLCVResponse(message_type="du", parameters=["cs_1", {}])
    assert WebSocketMessage(**wire).message_type == "du"
    assert QuoteSymbolData(**{**wire, "m": "qsd"}).session_id == "cs_1"
    assert SeriesData(**{"i": 1, "v": ["1", 2, 3, 4, 5]}).ohlcv_bar.timestamp == 1
    with pytest.raises(SeriesError, match="both of its names"):
        WebSocketMessage(**wire, message_type="du")


@pytest.mark.parametrize("wrong", [{"m": 1}, {"p": "x"}, {"p": None}], ids=str)
def test_a_message_of_wrong_types_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SeriesError):
        WebSocketMessage(**{"m": "du", "p": ["cs_1", {}], **wrong})


def test_some_messages_keep_further_fields_and_some_refuse_them() -> None:
    wire: dict[str, Any] = {"m": "du", "p": ["cs_1", {}], "t": 5}
    response = OHLCVResponse(**wire)
    assert (response.t, response.model_extra) == (5, {"t": 5})
    assert response.model_dump(by_alias=True) == {**wire, "session_id": "cs_1", "series_updates": {}, "ohlcv_bars": []}
    assert not hasattr(response, "t_ms")
    with pytest.raises(SeriesError, match="no field t"):
        QuoteSymbolData(**{**wire, "m": "qsd"})


def test_a_record_is_read_from_json_or_from_itself() -> None:
    bar = OHLCVBar(**BAR)
    assert OHLCVBar.model_validate(bar) is bar
    assert OHLCVBar.model_validate_json(bar.model_dump_json()) == bar
    for wrong in ("{", "[1]"):
        with pytest.raises(SeriesError, match="not a OHLCVBar"):
            OHLCVBar.model_validate_json(wrong)


def test_copies_are_equal_but_for_what_is_changed() -> None:
    bar = OHLCVBar(**BAR)
    assert copy.deepcopy(bar) == pickle.loads(pickle.dumps(bar)) == bar.model_copy() == bar  # noqa: S301  # our own
    assert bar.model_copy(update={"close": "2"}).close == 2.0
    with pytest.raises(SeriesError):
        bar.model_copy(update={"close": "x"})


def test_what_is_known_to_be_right_is_not_checked() -> None:
    assert OHLCVBar.model_construct(**BAR) == OHLCVBar(**BAR)
    assert OHLCVBar.model_construct(**{**BAR, "open": "x"}).open == "x"


def test_values_that_are_none_can_be_left_out_of_a_dump() -> None:
    data = IndicatorData(index=0, timestamp=1.0)
    assert data.model_dump(exclude_none=True) == {"index": 0, "timestamp": 1.0, "values": {}}
