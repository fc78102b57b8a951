"""What a run of the fault rows came to, written to a file when that is asked for."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct, field

_ROW = re.compile(r"tests/faults/test_(f\d\d)_\w+\.py::")
_SEED = re.compile(r"\bseed(\d+)\b")
_COMMANDS = {"contract": "make contract", "full": "make faults"}


class Result(Struct, kw_only=True):
    """How one row came out; ``seconds`` is the sum of its cases'."""

    date: str
    command: str
    cases: int = 0
    passed: int = 0
    skipped: int = 0
    seeds: list[int] = field(default_factory=list)
    seconds: float = 0.0


class Results:
    """A plugin of the process that sees every report; rows that were not run keep what the file says of them."""

    def __init__(self, path: Path, counts: str) -> None:
        self._path = path
        self._command = _COMMANDS.get(counts, "pytest tests/faults")
        self._rows: dict[str, Result] = {}
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = _ROW.match(report.nodeid)
        if found is None:
            return
        today = datetime.now(UTC).date().isoformat()
        row = self._rows.setdefault(found[1].upper(), Result(date=today, command=self._command))
        row.seconds += report.duration
        row.seeds = sorted({*row.seeds, *map(int, _SEED.findall(report.nodeid))})
        if report.failed and report.nodeid not in self._failed:
            self._failed.add(report.nodeid)
            row.passed -= report.when == "teardown"  # it had been counted
        if report.when == "setup":
            row.cases += 1
            row.skipped += report.skipped
        elif report.when == "call":
            row.passed += report.passed
            row.skipped += report.skipped

    def pytest_sessionfinish(self, exitstatus: int | pytest.ExitCode) -> None:
        if exitstatus not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            return
        for row in self._rows.values():
            row.seconds = round(row.seconds, 1)
        known: dict[str, Any] = msgspec.json.decode(self._path.read_bytes()) if self._path.exists() else {}
        told = {**known, **msgspec.to_builtins(self._rows)}
        text = msgspec.json.format(msgspec.json.encode(dict(sorted(told.items()))), indent=2)
        self._path.write_bytes(text + b"\n")
