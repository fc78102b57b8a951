import os
import sqlite3
import stat
from pathlib import Path

import pytest

from brokerwire.errors import ConfigurationError
from brokerwire.orders.journal_file import SCHEMA_VERSION, FileLock, open_file

OWNER = "tradestation offline"


def make(path: Path) -> None:
    open_file(path, owner=OWNER).close()


def refusal(path: Path, owner: str = OWNER) -> str:
    """Opens what must not be opened; checks that it is as it was."""
    before = path.read_bytes()
    with pytest.raises(ConfigurationError) as caught:
        open_file(path, owner=owner)
    assert path.read_bytes() == before
    return str(caught.value)


def test_a_new_journal_is_private_and_durable(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "orders.db"
    connection = open_file(path, owner=OWNER)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.execute("INSERT INTO facts VALUES ('a', 'b')")
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    connection.close()


def test_a_journal_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    make(path)
    make(path)


def test_an_empty_file_is_a_new_journal(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    path.touch(0o600)
    make(path)
    assert path.stat().st_size > 0


@pytest.mark.parametrize("content", [b"hello", b"x" * 5000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "orders.db"
    path.write_bytes(content)
    path.chmod(0o600)
    assert "aside" in refusal(path)


@pytest.mark.parametrize("sound", [100, 4096])
def test_a_damaged_journal_is_refused_and_left_alone(tmp_path: Path, sound: int) -> None:
    path = tmp_path / "orders.db"
    make(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:sound] + b"\xaa" * (len(whole) - sound))
    assert "aside" in refusal(path)


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (a)")
    connection.close()
    path.chmod(0o600)
    assert "another program" in refusal(path)


def test_a_marked_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA application_id=77")
    connection.close()
    path.chmod(0o600)
    assert "another program" in refusal(path)


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    make(path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    assert "newer version" in refusal(path)


def test_the_journal_of_another_venue_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    make(path)
    assert "belongs to tradestation offline" in refusal(path, "tradestation live")


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    make(path)
    path.chmod(0o640)
    assert "chmod 600" in refusal(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        open_file(tmp_path, owner=OWNER)


def test_a_path_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        open_file(tmp_path / "file" / "orders.db", owner=OWNER)


def test_a_device_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not a file"):
        open_file(Path(os.devnull), owner=OWNER)


def test_a_lock_holds_off_a_second_one_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    lock = FileLock(path)
    with pytest.raises(ConfigurationError, match="in use by another client"):
        FileLock(path)
    lock.release()
    lock.release()
    FileLock(path).release()
