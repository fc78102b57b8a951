import polars
import pyarrow
import pytest
from tests.export.samples import BARS, SAMPLES, TIME_NS, TRADES

from brokerwire.errors import ConfigurationError
from brokerwire.export import KINDS, Kind, from_arrow, from_polars, to_arrow, to_polars


@pytest.mark.parametrize("kind", KINDS)
def test_events_come_back_from_a_frame_and_a_table(kind: Kind) -> None:
    events = SAMPLES[kind]
    assert from_polars(to_polars(events)) == events
    assert from_arrow(to_arrow(iter(events))) == events


@pytest.mark.parametrize("kind", KINDS)
def test_no_events_have_the_columns_and_types_of_some(kind: Kind) -> None:
    fixed = len(to_polars([], kind=kind).columns)
    empty, full = to_polars([], kind=kind), to_polars(SAMPLES[kind])
    assert list(empty.schema.items()) == list(full.schema.items())[:fixed]
    assert empty.height == 0
    table = to_arrow([], kind=kind)
    assert (table.num_rows, table.column_names) == (0, empty.columns)
    assert table.schema.metadata == {b"brokerwire.kind": kind.encode()}


def test_types_are_fixed() -> None:
    schema = to_polars(TRADES).schema
    assert schema["time"] == polars.Datetime("ns", "UTC")
    assert schema["conditions"] == polars.List(polars.String)
    assert schema["price"] == polars.Float64
    assert to_arrow(BARS).schema.field("open_time").type == pyarrow.timestamp("ns", "UTC")


def test_times_are_exact_and_absent_ones_null() -> None:
    frame = to_polars(BARS)
    assert frame["open_time"].to_physical().to_list() == [TIME_NS, TIME_NS + 2, 3]
    assert frame["time"].is_null().to_list() == [True, False, False]
    assert frame["volume"].to_list() == [12.5, None, 0.0]


def test_both_libraries_see_the_same_table() -> None:
    for events in SAMPLES.values():
        assert polars.from_arrow(to_arrow(events)).equals(to_polars(events))  # type: ignore[union-attr, arg-type]  # a table is a frame


def test_mixed_kinds_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="one kind"):
        to_polars([*BARS, *TRADES])


def test_a_frame_of_something_else_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no table"):
        from_polars(polars.DataFrame({"a": [1]}))
