from datetime import UTC, datetime, timedelta, timezone

import pytest
from tests.export.samples import BARS, QUOTES, TRADES

from brokerwire.errors import ConfigurationError
from brokerwire.export import file_name
from brokerwire.export.naming import name_for, safe_part, symbols_part

TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_name_says_what_is_in_the_file_and_when_it_was_made() -> None:
    assert file_name("bar", "AAPL", "1h", extension="csv", time=TIME) == "bar_aapl_1h_20260102-030405.csv"


def test_parts_that_there_are_not_are_left_out() -> None:
    assert file_name("trade", "BTC/USDT", extension=".json", time=TIME) == "trade_btc-usdt_20260102-030405.json"
    assert file_name("ohlc", extension="parquet", time=TIME) == "ohlc_20260102-030405.parquet"


def test_the_time_is_utc() -> None:
    there = TIME.astimezone(timezone(timedelta(hours=9)))
    assert file_name("bar", extension="csv", time=there) == file_name("bar", extension="csv", time=TIME)
    assert file_name("bar", extension="csv", time=TIME.replace(tzinfo=None)).endswith("20260102-030405.csv")


def test_without_a_time_it_is_now() -> None:
    stamp = file_name("bar", extension="csv").removeprefix("bar_").removesuffix(".csv")
    made = datetime.strptime(stamp, "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - made) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("NASDAQ:AAPL", "NASDAQ-AAPL"),
        ("BRK.B", "BRK.B"),
        ("@ES=F", "ES-F"),
        ("BTC_USDT", "BTC-USDT"),
        ("../../etc/passwd", "etc-passwd"),
        ("a b\tc\n\0", "a-b-c"),
        ("株式", "株式"),
        ("***", "unnamed"),
        ("..", "unnamed"),
        ("x" * 300, "x" * 80),
        ("株" * 100, "株" * 26),
    ],
)
def test_parts_are_safe_for_file_systems(text: str, safe: str) -> None:
    assert safe_part(text) == safe


@pytest.mark.parametrize("extension", ["", "..", "a/b", "csv "])
def test_what_is_no_extension_is_refused(extension: str) -> None:
    with pytest.raises(ConfigurationError, match="extension"):
        file_name("bar", extension=extension)


def test_many_symbols_are_counted() -> None:
    assert symbols_part([]) is None
    assert symbols_part(["A", "B", "A"]) == "A-B"
    assert symbols_part("ABCD") == "4-symbols"


def test_the_interval_is_named_where_it_is_one() -> None:
    assert name_for("bar", BARS, extension="csv").startswith("bar_btc-usdt-åäö-株_1h_")
    assert name_for("quote", QUOTES, extension="csv").startswith("quote_aapl-msft_2")
    assert name_for("trade", TRADES, extension="csv").startswith("trade_aapl_2")
    assert name_for("trade", [], extension="csv").startswith("trade_2")
