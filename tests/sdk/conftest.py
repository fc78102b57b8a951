"""Runs a program that uses someone else's client, in that client's environment, against a simulator process."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

FOLDER = Path(__file__).parent
SDK_PYTHON = FOLDER.parent.parent / ".venv-sdk" / "bin" / "python"
MOST_S = 100.0
"""A program that takes longer is stuck; it takes a quarter of it on an idle machine."""

collect_ignore_glob = [] if SDK_PYTHON.exists() else ["test_[!e]*.py"]
"""Without the environment only the test that says so is left."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.timeout(MOST_S + 20))


class Seen:
    """What a program reported, by step; a step that failed or never came fails whoever looks at it."""

    def __init__(self, lines: list[str], *, complaint: str, journal: list[dict[str, Any]]) -> None:
        self._steps = {step.pop("step"): step for step in map(json.loads, lines)}
        self._complaint = complaint
        self.journal = journal

    def __getitem__(self, step: str) -> dict[str, Any]:
        found = self._steps.get(step)
        assert found is not None, f"the program never came to {step!r}; it said: {self._complaint[-2000:]}"
        assert "error" not in found, f"{step}: {found['error']}"
        return found

    def errors(self) -> dict[str, str]:
        """Return what failed, by step."""
        return {name: step["error"] for name, step in self._steps.items() if "error" in step}

    def requests(self, path: str) -> int:
        """Return how many requests for a path the venue saw."""
        details = [entry["detail"] for entry in self.journal if entry["kind"] == "request"]
        return sum(detail.get("path") == path for detail in details)

    def violations(self) -> list[dict[str, Any]]:
        """Return the limits of the venue that the program broke."""
        return [entry for entry in self.journal if entry["kind"] == "violation"]


@contextmanager
def _simulator(venue: str) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "brokerwire", "simulate", "--venue", venue, "--seed", "7", "--json"]
    with subprocess.Popen(command, stdout=PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603  # our own command
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def _journal(line: dict[str, Any]) -> list[dict[str, Any]]:
    address = f"{next(iter(line['endpoints'].values()))}/_control/journal"
    with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310  # on loopback
        return list(json.load(answer))


def _communicate(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return what a program writes until its end, which is brought about if it does not come."""
    try:
        return process.communicate(timeout=MOST_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()


@pytest.fixture(scope="module")
def run_sdk(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Seen]:
    """``run_sdk(program, venue=...)``: everything that the program saw of a fresh simulator."""

    def run(program: str, *, venue: str) -> Seen:
        folder = tmp_path_factory.mktemp(program)
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
        with _simulator(venue) as line:
            command = [str(SDK_PYTHON), str(FOLDER / "programs" / f"{program}.py"), json.dumps(line)]
            with subprocess.Popen(  # noqa: S603  # a program of this folder
                command, stdout=PIPE, stderr=PIPE, text=True, cwd=folder, env=environment
            ) as process:
                out, complaint = _communicate(process)
            seen = Seen(out.splitlines(), complaint=complaint, journal=_journal(line))
        assert process.returncode == 0, f"{out[-2000:]}\n{complaint[-2000:]}"
        return seen

    return run
