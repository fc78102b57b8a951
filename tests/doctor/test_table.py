import pytest

from brokerwire.doctor.table import ROWS, examinations
from brokerwire.errors import ConfigurationError
from brokerwire.simulator import known_venues

LEAST = {"F04", "F05", "F09", "F13", "F15", "F24", "F30", "F31", "F32", "F33", "F36", "F41"}


def test_the_rows_that_were_promised_are_there_in_order() -> None:
    ids = [row.id for row in ROWS]
    assert set(ids) >= LEAST
    assert ids == sorted(set(ids))


def test_every_row_is_for_venues_that_have_a_simulator() -> None:
    assert all(row.venues and set(row.venues) <= set(known_venues()) for row in ROWS)


def test_rows_are_chosen_by_id_and_venue() -> None:
    assert [(row.id, venue) for row, venue in examinations(["f05", "F41"])] == [
        ("F05", "tradestation"),
        ("F05", "binance"),
        ("F05", "tradingview"),
        ("F41", "tradestation"),
    ]
    assert {venue for _, venue in examinations(venue="binance")} == {"binance"}


@pytest.mark.parametrize(("wanted", "venue"), [(["F99"], None), (["F41"], "binance"), ([], "nowhere")])
def test_what_is_not_there_is_refused(wanted: list[str], venue: str | None) -> None:
    with pytest.raises(ConfigurationError):
        examinations(wanted, venue=venue)
