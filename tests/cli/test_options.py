from pathlib import Path

import pytest
import typer

from brokerwire.cli.options import new_client, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10", 10), ("10s", 10), ("500ms", 0.5), ("2m", 120), ("1h", 3600), ("1d", 86400), (" 1.5m ", 90)],
)
def test_durations_have_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "ten", "-5s", "5 s", "5w", "1.5.2s", "s", "1e3"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a duration"):
        parse_duration(text)


def test_the_venue_is_the_option_the_variable_or_tradestation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert new_client(None, "offline").venue == "tradestation"
    monkeypatch.setenv("BROKERWIRE_VENUE", "binance")
    assert new_client(None, "offline").venue == "binance"
    assert new_client("tradestation", "offline").venue == "tradestation"
    monkeypatch.setenv("BROKERWIRE_ENVIRONMENT", "paper")
    assert new_client(None, None).environment == "paper"
