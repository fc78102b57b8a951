"""The page of the contract, its table and the results: they agree with each other and with the tests that there are."""

import asyncio
import importlib.util
import json
import os
import re
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brokerwire.doctor.table import ROWS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/.contract"
CONTRACT = tomllib.loads((FOLDER / "rows.toml").read_text())
RESULTS = json.loads((FOLDER / "results.json").read_text())
HERE = {row["id"] for row in CONTRACT["row"] if "part" not in row}
SAMPLE = {"date": "2026-11-20", "command": "make faults", "cases": 5, "skipped": 1, "seeds": [7, 11], "seconds": 3.4}


@pytest.fixture(scope="module")
def extension() -> Any:
    """What fills the page in, as mkdocs loads it."""
    spec = importlib.util.spec_from_file_location("contract", ROOT / "docs/.extensions/contract.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_has_every_row_and_every_invariant_in_order() -> None:
    assert [row["id"] for row in CONTRACT["row"]] == [f"F{number:02}" for number in range(1, 57)]
    assert [each["id"] for each in CONTRACT["invariant"]] == [f"I{number}" for number in range(1, 11)]


def test_every_row_says_what_it_must() -> None:
    for row in CONTRACT["row"]:
        assert all(row[name].strip() for name in ("fault", "required", "passes")), row["id"]
    assert {row["id"] for row in CONTRACT["row"]} - HERE == {"F46", "F47", "F48", "F49", "F50"}


def test_every_row_that_is_here_has_a_test_and_every_test_a_row() -> None:
    tested = {
        found[1].upper()
        for path in (ROOT / "tests/faults").glob("test_*.py")
        if (found := re.match(r"test_(f\d\d)_", path.name))
    }
    assert tested == HERE


def test_the_doctor_examines_rows_of_the_table() -> None:
    assert {row.id for row in ROWS} <= HERE


def test_results_are_of_known_rows_and_count_right() -> None:
    assert set(RESULTS) <= HERE
    for row_id, result in RESULTS.items():
        assert set(result) == {*SAMPLE, "passed"}, row_id
        assert 0 <= result["passed"] <= result["cases"] - result["skipped"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", result["date"])


def test_the_page_is_filled_in_and_no_other(extension: Any) -> None:
    text = (ROOT / "docs" / extension.PAGE).read_text()
    filled = extension.on_page_markdown(text, SimpleNamespace(file=SimpleNamespace(src_uri=extension.PAGE)))
    assert "{{" not in filled
    rows = [line for line in filled.splitlines() if re.match(r"\| F\d\d \|", line)]
    assert len(rows) == 56
    assert all(line.count("|") - line.count("\\|") == 6 for line in rows)
    assert "56 rows; 5 come with parts that are not there yet" in filled
    other = SimpleNamespace(file=SimpleNamespace(src_uri="index.md"))
    assert extension.on_page_markdown("{{ rows }}", other) == "{{ rows }}"


def test_a_result_is_told_with_its_date_and_what_failed_stands_out(extension: Any) -> None:
    row = {"id": "F05"}
    assert extension.result_of(row, {}) == "not written down yet"
    assert extension.result_of({"id": "F46", "part": "the bus"}, {}) == "comes with the bus"
    told = extension.result_of(row, {"F05": {**SAMPLE, "passed": 4}})
    assert told == "4 of 4 passed in 3.4 s, seed 7, seed 11; 2026-11-20, `make faults`"
    assert extension.result_of(row, {"F05": {**SAMPLE, "passed": 3}}).startswith("**3 of 4 passed**")
    summary = extension.summary([row], {"F05": {**SAMPLE, "passed": 3}})
    assert summary.endswith("Of the 1 others 0 passed when they were last written down, in 3 cases.")
    assert extension.summary([row], {}).endswith("; 1 have not been written down yet.")


@pytest.mark.process
async def test_results_are_written_when_asked_for_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"F01": {**SAMPLE, "passed": 4}}))
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "2",
            "-p",
            "no:cacheprovider",
            "tests/faults/test_f23_unknown_messages.py",
        ),
        cwd=ROOT,
        env={**os.environ, "BROKERWIRE_RESULTS": str(path), "BROKERWIRE_SEED": "5"},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(50):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    written = json.loads(path.read_text())
    assert list(written) == ["F01", "F23"]
    assert written["F01"]["passed"] == 4
    row = written["F23"]
    assert row["passed"] == row["cases"] > 1
    assert (row["seeds"], row["command"], row["skipped"]) == ([5], "pytest tests/faults", 0)
