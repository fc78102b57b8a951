import pytest

from brokerwire.doctor.finding import Figure, Finding, Verdict


@pytest.mark.parametrize(
    ("bounds", "holds", "shown"),
    [
        ({}, True, "waited 18.2 s"),
        ({"at_most": 25.0}, True, "waited 18.2 s (allowed 25)"),
        ({"at_most": 18.2}, True, "waited 18.2 s (allowed 18.2)"),
        ({"at_most": 18.0}, False, "waited 18.2 s (allowed 18)"),
        ({"at_least": 20}, False, "waited 18.2 s (at least 20)"),
        ({"at_least": 10, "at_most": 20}, True, "waited 18.2 s (at least 10, allowed 20)"),
        ({"at_most": 0}, False, "waited 18.2 s (must be 0)"),
    ],
)
def test_a_figure_keeps_its_bounds_and_shows_them(bounds: dict[str, float], holds: bool, shown: str) -> None:
    figure = Figure(name="waited", value=18.2, unit="s", **bounds)  # type: ignore[arg-type]
    assert figure.holds == holds
    assert str(figure) == shown


def test_a_finding_says_what_was_done_and_seen() -> None:
    finding = Finding("the network was cut", (Figure(name="gaps", value=1, at_least=1, at_most=1),))
    assert str(finding) == "the network was cut: gaps 1 (must be 1)"


def test_a_verdict_holds_if_nothing_is_broken() -> None:
    verdict = Verdict(row="F01", venue="binance", title="t", verdict="holds", seconds=1.0, text="x")
    assert verdict.holds
