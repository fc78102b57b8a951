"""The file of a journal: private, held by one client at a time, and refused when it is not ours or not whole."""

import fcntl
import os
import sqlite3
import stat
from pathlib import Path

from brokerwire.errors import ConfigurationError

APPLICATION_ID = 0x42575231
"""Marks the file as ours (SQLite's ``application_id``): the letters BWR1."""

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE intents (
    client_order_id TEXT PRIMARY KEY,
    made_ns INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX intents_by_outcome ON intents (outcome);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    order_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    is_final INTEGER NOT NULL,
    dedupe_key TEXT NOT NULL UNIQUE,
    recorded_ns INTEGER NOT NULL,
    body BLOB NOT NULL,
    message BLOB
);
CREATE INDEX events_by_order ON events (account, kind, order_id, seq);
CREATE TABLE accounted (
    account TEXT NOT NULL,
    order_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (account, order_id, symbol)
) WITHOUT ROWID;
CREATE TABLE baselines (account TEXT PRIMARY KEY, since_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE consumers (name TEXT PRIMARY KEY, position INTEGER NOT NULL, is_fresh INTEGER NOT NULL) WITHOUT ROWID;
"""


class FileLock:
    """Holds off every other client, of this process or another, while the journal is open.

    Raises:
        ConfigurationError: Another one holds it.
    """

    def __init__(self, path: Path) -> None:
        # A file of its own: closing any descriptor of the database itself would drop SQLite's locks on it.
        self._descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            raise ConfigurationError(
                f"the journal {path} is in use by another client; give each client a journal of its own"
            ) from None

    def release(self) -> None:
        """Let others have the journal; safe to call twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def open_file(path: Path, *, owner: str) -> sqlite3.Connection:
    """Open the journal at ``path``, or make a new one; ``owner`` says which venue and environment it is for.

    Raises:
        ConfigurationError: It is damaged, foreign, too new, for another venue, or others can read it; it was not
            changed, and the text says what to do.
    """
    try:
        _make_private(path)
        _check_header(path)
        return _connect(path, owner)
    except sqlite3.DatabaseError as exc:
        raise _unusable(path, f"cannot be read ({exc})") from exc
    except OSError as exc:
        raise ConfigurationError(f"the journal {path} cannot be opened: {exc.strerror}") from exc


def _unusable(path: Path, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"the journal {path} {what}; nothing in it was changed. Move it and its -wal file aside and keep them: "
        "a new journal is made in its place, and get_orders tells what the venue knows"
    )


def _make_private(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(f"the journal {path} is not a file")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or status.st_uid != os.geteuid():
        raise ConfigurationError(f"the journal {path} can be read by others; run: chmod 600 {path}")


def _check_header(path: Path) -> None:
    """Look at a file before SQLite does, which might tidy up what is not ours."""
    with path.open("rb") as file:
        header = file.read(100)
    if not header:
        return
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise _unusable(path, "is not a journal, or damaged")
    application, version = header[68:72], header[60:64]
    if application not in (b"\0\0\0\0", APPLICATION_ID.to_bytes(4, "big")):
        raise _unusable(path, "is the database of another program")
    if int.from_bytes(version, "big") > SCHEMA_VERSION:
        raise ConfigurationError(
            f"the journal {path} was written by a newer version of brokerwire; upgrade, or give another path. "
            "Nothing in it was changed"
        )


def _connect(path: Path, owner: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    try:
        _check_content(connection, path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        _make_tables(connection)
        _check_owner(connection, path, owner)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_content(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    has_tables = connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None
    if has_tables and (application, version) != (APPLICATION_ID, SCHEMA_VERSION):
        raise _unusable(path, "is the database of another program")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise _unusable(path, f"is damaged ({verdict})")


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables in one transaction: a process killed in the midst of it leaves an empty file."""
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None:
        return
    connection.executescript(
        f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA application_id={APPLICATION_ID}; "
        f"PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"
    )


def _check_owner(connection: sqlite3.Connection, path: Path, owner: str) -> None:
    connection.execute("INSERT OR IGNORE INTO facts VALUES ('owner', ?)", (owner,))
    (known,) = connection.execute("SELECT value FROM facts WHERE name = 'owner'").fetchone()
    if known != owner:
        raise ConfigurationError(f"the journal {path} belongs to {known}, not to {owner}; give another path")
