import pytest

from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts.tradestation.mangling import Mangler, heartbeat

LINE = b'{"Symbol":"AAPL","Last":"262.5"}'


def test_without_faults_a_line_is_itself() -> None:
    assert Mangler(Faults(), "/x").lines(LINE) == [LINE]


def test_reordered_line_comes_after_the_next() -> None:
    faults = Faults()
    faults.set("reorder", times=1)
    mangler = Mangler(faults, "/x")
    assert mangler.lines(b"1") == []
    assert mangler.lines(b"2") == [b"2", b"1"]


def test_damage_differs_from_the_line_and_stays_on_one() -> None:
    faults = Faults(["bad_json"], seed=3)
    mangler = Mangler(faults, "/x")
    damaged = [mangler.lines(LINE)[0] for _ in range(60)]
    assert all(b"\n" not in line for line in damaged)
    assert len(set(damaged)) > 6


@pytest.mark.parametrize(("fault", "size"), [("huge_frame:5000", 5000), ("deep_nesting", 200_000)])
def test_large_lines_come_first(fault: str, size: int) -> None:
    found = Mangler(Faults([fault]), "/x").lines(LINE)
    assert len(found[0]) >= size
    assert found[1] == LINE


def test_heartbeat_has_its_two_fields() -> None:
    assert heartbeat(3, "now") == {"Heartbeat": 3, "Timestamp": "now"}
