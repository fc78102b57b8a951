from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import typer

from brokerwire.cli.options import free_path, new_client, parse_duration, parse_format, parse_moment
from brokerwire.errors import ConfigurationError


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


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T14:30", datetime(2026, 1, 31, 14, 30, tzinfo=UTC)),
        (" 2026-01-31T14:30:05.5Z", datetime(2026, 1, 31, 14, 30, 5, 500_000, tzinfo=UTC)),
        ("2026-01-31T14:30+02:00", datetime(2026, 1, 31, 14, 30, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_a_time_without_a_zone_is_utc(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a time"):
        parse_moment(text)


def test_a_format_is_one_of_ours() -> None:
    assert parse_format("csv") == "csv"
    with pytest.raises(typer.BadParameter, match="json, ndjson, csv, parquet"):
        parse_format("xlsx")


def test_a_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    assert free_path(path, is_forced=False) == path
    path.write_text("")
    with pytest.raises(ConfigurationError, match="--force"):
        free_path(path, is_forced=False)
    assert free_path(path, is_forced=True) == path


def test_a_file_has_folders_above_it_and_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="file is a file, not a folder"):
        free_path(tmp_path / "file" / "deeper" / "x.csv", is_forced=True)
    (tmp_path / "y.csv").mkdir()
    with pytest.raises(ConfigurationError, match="is a folder; name a file"):
        free_path(tmp_path / "y.csv", is_forced=True)
