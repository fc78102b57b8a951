import pytest
from tests.compat.tvkit.conftest import WITHIN_S  # noqa: F401  # the fixtures are its neighbours

from brokerwire.compat.tvkit import convert_timestamp_to_iso, validate_symbols
from brokerwire.compat.tvkit.arguments import check_count


def test_a_time_is_written_with_its_offset() -> None:
    assert convert_timestamp_to_iso(1640995200) == "2022-01-01T00:00:00+00:00"
    assert convert_timestamp_to_iso(1640995200.5) == "2022-01-01T00:00:00.500000+00:00"


@pytest.mark.parametrize("count", [0, -1, True, 1.5, "10"])
def test_a_number_of_bars_is_whole_and_positive(count: object) -> None:
    with pytest.raises(ValueError, match="bars_count"):
        check_count("bars_count", count)  # type: ignore[arg-type]  # that is the point


async def test_symbols_are_validated_in_both_spellings(nothing_left: None) -> None:
    assert await validate_symbols("BINANCE:BTCUSDT") is True
    assert await validate_symbols(["BINANCE:BTCUSDT", "NASDAQ-AAPL", "NYSE:TSLA", "FX_IDC-USDCAD"]) is True
    with pytest.raises(ValueError, match="NASDAQ:NOSUCH"):
        await validate_symbols(["NASDAQ:AAPL", "NASDAQ:NOSUCH"])
    with pytest.raises(ValueError, match="at least one"):
        await validate_symbols([])
