from decimal import Decimal

import msgspec
import pytest

from brokerwire.compat.tvkit import IndicatorData, OHLCData, OHLCVBar, SeriesError, StreamData, WebSocketMessage


def test_a_record_is_read_from_the_wires_names_and_dumped_by_its_own() -> None:
    message = WebSocketMessage.model_validate({"m": "du", "p": ["cs_1", {"sds_1": {}}]})
    assert message.model_dump() == {"message_type": "du", "parameters": ["cs_1", {"sds_1": {}}]}


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
    from brokerwire.compat.tvkit import OHLCVResponse

    with pytest.raises(SeriesError, match="not 'qsd'"):
        OHLCVResponse.model_validate({"m": "qsd", "p": []})


def test_decimals_stay_exact_in_json() -> None:
    from brokerwire.compat.tvkit import OHLCVData

    prices = dict.fromkeys(("open", "high", "low", "close"), Decimal("0.1"))
    row = OHLCVData(index=0, timestamp=1, **prices)
    assert row.model_dump()["open"] == Decimal("0.1")
    assert '"open":"0.1"' in row.model_dump_json()
