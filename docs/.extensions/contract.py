"""Puts the tables of the reliability contract, with the newest result of each row, into its page."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / ".contract"
PAGE = "reference/reliability-contract.md"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill the page of the contract in; others stay as they are."""
    if page.file.src_uri != PAGE:
        return markdown
    contract = tomllib.loads((FOLDER / "rows.toml").read_text(encoding="utf-8"))
    results = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
    filled = markdown.replace("{{ invariants }}", invariants_table(contract["invariant"]))
    return filled.replace("{{ rows }}", rows_table(contract["row"], results)).replace(
        "{{ summary }}", summary(contract["row"], results)
    )


def invariants_table(invariants: Sequence[Mapping[str, str]]) -> str:
    """Return the invariants as a table."""
    return _table(
        ("", "", "holds, whatever happens"), [(each["id"], each["name"], each["text"]) for each in invariants]
    )


def rows_table(rows: Sequence[Mapping[str, str]], results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the rows as a table, each with its newest result."""
    head = ("", "what goes wrong", "what must happen", "passes if", "newest result")
    return _table(
        head,
        [(row["id"], row["fault"], row["required"], row["passes"], result_of(row, results)) for row in rows],
    )


def result_of(row: Mapping[str, str], results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return in a few words how a row came out last."""
    if "part" in row:
        return f"comes with {row['part']}"
    found = results.get(row["id"])
    if found is None:
        return "not written down yet"
    cases = found["cases"] - found["skipped"]
    verdict = f"{found['passed']} of {cases} passed"
    verdict = verdict if found["passed"] == cases else f"**{verdict}**"
    seeds = "".join(f", seed {seed}" for seed in found["seeds"])
    return f"{verdict} in {found['seconds']:.1f} s{seeds}; {found['date']}, `{found['command']}`"


def summary(rows: Sequence[Mapping[str, str]], results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how many rows there are, and how they came out, in a sentence."""
    here = [row["id"] for row in rows if "part" not in row]
    told = [results[row_id] for row_id in here if row_id in results]
    passed = sum(1 for found in told if found["passed"] == found["cases"] - found["skipped"])
    cases = sum(found["passed"] for found in told)
    return (
        f"{len(rows)} rows; {len(rows) - len(here)} come with parts that are not there yet. Of the {len(here)} others "
        f"{passed} passed when they were last written down, in {cases} cases"
        + (f"; {len(here) - len(told)} have not been written down yet." if len(told) < len(here) else ".")
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
