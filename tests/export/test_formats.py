import io
from typing import Any

import pyarrow.parquet
import pytest
from tests.export.samples import BARS, STUDIES

from brokerwire.errors import ConfigurationError
from brokerwire.export import formats
from brokerwire.export.formats import EVENT_WRITERS, ROW_WRITERS, batches, check_format, format_of, parquet_rows


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.json", "json"), ("a.b.CSV", "csv"), ("x/a.parquet", "parquet"), ("a.pq", "parquet"), ("a.jsonl", "ndjson")],
)
def test_the_extension_names_the_format(name: str, expected: str) -> None:
    assert format_of(name) == expected


@pytest.mark.parametrize("name", ["a", "a.xlsx", "json", ""])
def test_an_unknown_extension_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(ConfigurationError, match="json, ndjson, csv, parquet"):
        format_of(name)


def test_a_format_by_its_name() -> None:
    assert check_format("csv") == "csv"
    with pytest.raises(ConfigurationError, match="json, ndjson"):
        check_format("xml")


def test_batches_are_of_one_size_but_the_last() -> None:
    assert list(batches(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batches([], 2)) == []


def test_large_tables_are_written_in_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = io.BytesIO()
    EVENT_WRITERS["csv"](whole, "bar", BARS)
    monkeypatch.setattr(formats, "batches", lambda items: batches(items, 2))
    parquet, csv = io.BytesIO(), io.BytesIO()
    EVENT_WRITERS["parquet"](parquet, "bar", iter(BARS))
    EVENT_WRITERS["csv"](csv, "bar", iter(BARS))
    assert pyarrow.parquet.ParquetFile(parquet).metadata.num_row_groups == 2
    assert csv.getvalue() == whole.getvalue()


def test_csv_reads_like_this() -> None:
    file = io.BytesIO()
    EVENT_WRITERS["csv"](file, "study", STUDIES)
    assert file.getvalue().decode().splitlines() == [
        "venue,symbol,time,received,study,interval,open_time,Macd,Signal",
        "tradingview,NASDAQ:AAPL,2025-11-29T17:00:00.123456789Z,2025-11-29T17:00:00.123456790Z,MACD,1d,"
        "1970-01-01T00:00:00.000000010Z,1.5,",
        "tradingview,NASDAQ:AAPL,,2025-11-29T17:00:00.123456790Z,MACD,1d,1970-01-01T00:00:00.000000020Z,,-2.0",
    ]


ROWS: list[dict[str, Any]] = [{"a": 1, "b": "x"}, {"a": None, "b": "y,z"}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("json", '[\n{"a":1,"b":"x"},\n{"a":null,"b":"y,z"}\n]\n'),
        ("ndjson", '{"a":1,"b":"x"}\n{"a":null,"b":"y,z"}\n'),
        ("csv", 'a,b\n1,x\n,"y,z"\n'),
    ],
)
def test_rows_read_like_this(name: Any, text: str) -> None:
    file = io.BytesIO()
    ROW_WRITERS[name](file, ROWS, ["a", "b"])
    assert file.getvalue().decode() == text


def test_rows_as_parquet_have_the_types_of_their_values() -> None:
    file = io.BytesIO()
    parquet_rows(file, [{"a": 1}, {"a": 2.5, "c": ["x"]}], ["a", "c"])
    assert pyarrow.parquet.read_table(file).to_pylist() == [{"a": 1.0, "c": None}, {"a": 2.5, "c": ["x"]}]


@pytest.mark.parametrize("values", [[1, "x"], [{}, 1], [10**30]])
def test_a_column_of_several_types_is_refused_by_name(values: list[Any]) -> None:
    with pytest.raises(ConfigurationError, match="'a' are not of one type"):
        parquet_rows(io.BytesIO(), [{"a": value} for value in values], ["a"])
