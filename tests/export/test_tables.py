import pytest
from tests.export.samples import SAMPLES, STUDIES, TIME_NS

from brokerwire.events import Trade
from brokerwire.export import KINDS, Kind
from brokerwire.export.schemas import columns_of, plots_of
from brokerwire.export.tables import to_columns, to_events


@pytest.mark.parametrize("kind", KINDS)
def test_events_come_back_the_same(kind: Kind) -> None:
    events = SAMPLES[kind]
    columns = columns_of(kind, plots_of(events))
    assert to_events(kind, columns, to_columns(events, columns)) == events


@pytest.mark.parametrize("kind", KINDS)
def test_no_events_are_columns_without_values(kind: Kind) -> None:
    columns = columns_of(kind)
    values = to_columns([], columns)
    assert values == {column.name: [] for column in columns}
    assert to_events(kind, columns, values) == []


def test_absent_values_are_none_and_not_zero() -> None:
    values = to_columns(SAMPLES["bar"], columns_of("bar"))
    assert values["volume"] == [12.5, None, 0.0]
    assert values["trade_count"] == [7, None, 0]
    assert values["time"] == [None, TIME_NS + 3, 1]


def test_a_plot_that_a_point_lacks_is_none() -> None:
    values = to_columns(STUDIES, columns_of("study", ("Signal", "Histogram")))
    assert (values["Signal"], values["Histogram"]) == ([None, -2.0], [None, None])


def test_ids_that_are_numbers_become_text() -> None:
    trade = Trade("binance", "BTCUSDT", 1, 2, 1.0, 1.0, None, 4711)
    assert to_columns([trade], columns_of("trade"))["trade_id"] == ["4711"]
