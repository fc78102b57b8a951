import os
import threading
from pathlib import Path

import pytest

from brokerwire.export import patient_file
from brokerwire.export.patient_file import Patience, PatientFile


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_file, "FIRST_RETRY_S", 0.001)


class Disk:
    """Takes a few bytes at a time, and refuses every second time until it is well."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.calls = 0

    def write(self, descriptor: int, data: memoryview) -> int:
        self.calls += 1
        if self.calls % 2 == 0 and self.refusals > 0:
            self.refusals -= 1
            raise OSError(28, "No space left on device")
        return os.write(descriptor, data[:3])


def test_everything_arrives_once_and_in_order(tmp_path: Path) -> None:
    heard: list[OSError | None] = []
    file = PatientFile(tmp_path / "x", patience=Patience(heard.append), write=Disk(2).write)
    assert file.write(b"0123456789") == 10
    assert file.write(memoryview(b"abc")) == 3
    file.flush()
    file.sync()
    assert file.tell() == 13
    file.close()
    file.close()
    assert file.closed
    assert (tmp_path / "x").read_bytes() == b"0123456789abc"
    assert [error is None for error in heard] == [False, True, False, True]


def test_the_disk_is_asked_a_last_time_when_nobody_waits_any_more(tmp_path: Path) -> None:
    patience = Patience(lambda _: None)
    patience.given_up.set()
    file = PatientFile(tmp_path / "x", patience=patience, write=Disk(1).write)
    assert file.write(b"012345") == 6
    file.close()


def test_giving_up_ends_the_waiting(tmp_path: Path) -> None:
    def refuse(_descriptor: int, _data: memoryview) -> int:
        raise OSError(5, "Input/output error")

    refused = threading.Event()
    patience = Patience(lambda _: refused.set())
    file = PatientFile(tmp_path / "x", patience=patience, write=refuse)
    caught: list[OSError] = []

    def write() -> None:
        try:
            file.write(b"0")
        except OSError as exc:
            caught.append(exc)

    thread = threading.Thread(target=write)
    thread.start()
    assert refused.wait(10)
    patience.given_up.set()
    thread.join(10)
    file.close()
    assert [exc.errno for exc in caught] == [5]
