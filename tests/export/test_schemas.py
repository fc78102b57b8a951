from pathlib import Path
from typing import Any

import pytest
from tests.export.samples import BARS, SAMPLES, STUDIES, TRADES

from brokerwire.errors import ConfigurationError
from brokerwire.events import Fill
from brokerwire.export import KINDS, SCHEMAS, Kind
from brokerwire.export.frames import polars_schema
from brokerwire.export.schemas import EVENT_TYPES, check_kind, columns_named, columns_of, kind_of, of_one_kind, plots_of

NO_EVENTS: list[object] = [None, {"Bid": 1}, Fill("x", "y", 1, 2, "a", "o", "f", 1, 1)]  # type: ignore[arg-type]  # its numbers do not matter


@pytest.mark.parametrize("kind", KINDS)
def test_the_columns_are_the_fields_of_the_event_in_order(kind: str) -> None:
    fields = EVENT_TYPES[kind].__struct_fields__  # type: ignore[index]  # one of the kinds
    assert [column.field for column in columns_of(kind)] == [name for name in fields if name != "values"]  # type: ignore[arg-type]  # the same


def test_only_times_lose_their_unit_from_the_name() -> None:
    for columns in SCHEMAS.values():
        for column in columns:
            assert (column.type == "time") == (column.name != column.field), column.name


@pytest.mark.parametrize("kind", KINDS)
def test_events_say_their_kind(kind: str) -> None:
    assert kind_of(SAMPLES[kind][0]) == kind


@pytest.mark.parametrize("event", NO_EVENTS)
def test_what_has_no_table_is_refused_with_the_kinds_that_have(event: object) -> None:
    with pytest.raises(ConfigurationError, match="bar, quote, trade, study"):
        kind_of(event)


def test_no_kind_of_that_name() -> None:
    with pytest.raises(ConfigurationError, match="no table 'depth'"):
        check_kind("depth")


def test_mixed_kinds_are_refused_when_they_are_reached() -> None:
    kind, events = of_one_kind([*BARS, *TRADES])
    assert kind == "bar"
    with pytest.raises(ConfigurationError, match="a trade among events of the kind bar"):
        list(events)


def test_another_kind_than_the_one_asked_for_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="a trade among events of the kind bar"):
        list(of_one_kind(TRADES, "bar")[1])


def test_no_events_need_a_kind() -> None:
    with pytest.raises(ConfigurationError, match="kind='bar'"):
        of_one_kind([])
    assert of_one_kind([], "quote")[0] == "quote"


def test_plots_are_columns_in_the_order_they_first_appear() -> None:
    assert plots_of(STUDIES) == ("Macd", "Signal")
    assert [column.name for column in columns_of("study", ("Macd", "Signal"))[-2:]] == ["Macd", "Signal"]


def test_a_plot_named_like_a_column_keeps_apart_and_comes_back() -> None:
    columns = columns_of("study", ("symbol", "plot_x"))
    assert [column.name for column in columns[-2:]] == ["plot_symbol", "plot_x"]
    assert columns_named(column.name for column in columns) == ("study", columns)


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_is_known_by_its_columns(kind: str) -> None:
    columns = SCHEMAS[kind]  # type: ignore[index]  # one of the kinds
    assert columns_named(column.name for column in columns) == (kind, columns)


def test_other_columns_are_refused_with_their_names() -> None:
    with pytest.raises(ConfigurationError, match="no table: date, open"):
        columns_named(["date", "open"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_shows_the_table(kind: Kind) -> None:
    page = (Path(__file__).parents[2] / "docs/reference/export.md").read_text()
    schema = polars_schema(SCHEMAS[kind])
    rows = [f"| `{column.name}` | `{shown(schema[column.name])}` | {column.holds} |" for column in SCHEMAS[kind]]
    assert "\n".join(rows) in page


def shown(dtype: Any) -> str:
    return str(dtype).replace("time_unit='ns', time_zone='UTC'", '"ns", "UTC"')
