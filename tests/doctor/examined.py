"""Rows of the doctor, examined by their id."""

from brokerwire.doctor.examination import examine
from brokerwire.doctor.finding import Verdict
from brokerwire.doctor.table import ROWS


def examined(row_id: str, venue: str, *, seed: int = 7) -> Verdict:
    """Return the verdict of a row that holds; fails with what was seen otherwise."""
    (row,) = [row for row in ROWS if row.id == row_id]
    verdict = examine(row, venue, seed=seed)
    assert verdict.holds, verdict.text
    assert verdict.figures
    return verdict


def figure(verdict: Verdict, name: str) -> float:
    """Return one of its figures."""
    (value,) = [each.value for each in verdict.figures if each.name == name]
    return value
