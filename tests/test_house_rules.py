"""What every file must keep to, read from the files themselves."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

import pytest
from tests.conftest import ON_VIRTUAL_TIME

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "brokerwire"
TESTS = ROOT / "tests"

MOST_LINES = 600
MOST_BODY_LINES = 50
MEDIAN_BODY_LINES = 7

VENUE_FILES = {"__init__.py", "auth.py", "codec.py", "rest.py", "session.py", "spec.py", "wire.py"}

UNTESTED = {
    "src/brokerwire/simulator/fronts/binance/__init__.py": "a factory that every test of the front goes through",
    "src/brokerwire/simulator/fronts/tradestation/__init__.py": "a factory that every test of the front goes through",
    "src/brokerwire/simulator/fronts/tradingview/__init__.py": "a factory that every test of the front goes through",
    "src/brokerwire/venues/tradestation/__init__.py": "the record of the venue, which tests/test_venue.py looks at",
    "src/brokerwire/testing/peers.py": "measures other packages, which are not among those installed for development",
}
"""Module without a test file of its own → why; each reason must hold, and the module must exist."""

NAMED_BY_OTHERS = {
    "src/brokerwire/compat/tv_scraper/streaming/utils.py": "users of tv-scraper import its functions from there",
}
"""Module with a name that ours do not have → why."""

THROUGH_A_FIXTURE = {"faults", "conformance"}
"""Folders whose tests run through a fixture of their own, on virtual time."""

SOURCES = sorted(SOURCE.rglob("*.py"))
TEST_FILES = sorted(TESTS.rglob("*.py"))

Function = ast.FunctionDef | ast.AsyncFunctionDef


@pytest.fixture(scope="module", autouse=True)
def _forget_the_trees() -> Iterator[None]:
    """Every collection of garbage after these tests would have to walk them."""
    yield
    tree_of.cache_clear()
    text_of.cache_clear()


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, Function):
            yield node


def body_lines(function: Function) -> int:
    """Lines of a body, its docstring left out."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return 0 if not body else (body[-1].end_lineno or 0) - body[0].lineno + 1


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_no_file_is_too_long() -> None:
    lengths = {name_of(path): len(text_of(path).splitlines()) for path in [*SOURCES, *TEST_FILES]}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_no_function_is_too_long() -> None:
    lengths = {f"{name_of(path)} {each.name}": body_lines(each) for path in SOURCES for each in functions(path)}
    assert {name: length for name, length in lengths.items() if length > MOST_BODY_LINES} == {}


def test_the_middle_function_is_short() -> None:
    lengths = [body_lines(function) for path in SOURCES for function in functions(path)]
    assert median(lengths) <= MEDIAN_BODY_LINES


def test_every_module_says_what_lives_there() -> None:
    docstrings = {name_of(path): ast.get_docstring(tree_of(path)) or "" for path in SOURCES}
    assert [name for name, text in docstrings.items() if not text.partition("\n")[0].endswith(".")] == []


def test_no_module_has_a_name_for_anything() -> None:
    vague = {"utils", "util", "helpers", "common", "core", "base", "misc"}
    found = {name_of(path) for path in [*SOURCES, *TEST_FILES] if path.stem in vague}
    assert found - NAMED_BY_OTHERS.keys() == set()


@pytest.mark.parametrize(
    "folder", sorted(path for path in (SOURCE / "venues").iterdir() if (path / "__init__.py").exists()), ids=name_of
)
def test_a_venue_has_the_seven_files_and_no_other(folder: Path) -> None:
    assert {path.name for path in folder.glob("*.py")} == VENUE_FILES


def test_every_module_has_its_test() -> None:
    def test_of(module: Path) -> Path:
        relative = module.relative_to(SOURCE)
        if module.name == "__main__.py":
            return TESTS / "test_main.py"
        if module.name == "__init__.py":
            return TESTS / relative.parent / f"test_{relative.parent.name or 'public_api'}.py"
        return TESTS / relative.parent / f"test_{module.stem}.py"

    def has_code(module: Path) -> bool:
        """Whether a module does anything: records, protocols and names passed on from others do not."""
        return any(not isinstance(each.body[-1], ast.Expr) or body_lines(each) > 1 for each in functions(module))

    missing = [
        name_of(module)
        for module in SOURCES
        if has_code(module) and not test_of(module).exists() and name_of(module) not in UNTESTED
    ]
    assert missing == []


def test_exceptions_are_still_needed() -> None:
    exceptions = {**UNTESTED, **NAMED_BY_OTHERS}
    assert all((ROOT / name).exists() and reason for name, reason in exceptions.items())


def test_no_test_mocks_anything() -> None:
    mocks = ("mock", "unittest.mock", "pytest_mock")
    assert [name_of(path) for path in TEST_FILES if any(name.startswith(mocks) for name in imports_of(path))] == []


def is_virtual(path: Path) -> bool:
    """Whether the tests of a file run on virtual time, where a sleep takes none; the fault rows all do."""
    text = text_of(path)
    if 'loop_factories=["real"]' in text or "pytest.mark.process" in text:
        return False
    folder = path.relative_to(TESTS).parts[0]
    return folder in ON_VIRTUAL_TIME | THROUGH_A_FIXTURE or "virtual" in text or "VirtualTimeLoop" in text


def test_no_test_in_real_time_waits_for_a_duration() -> None:
    waiting = re.compile(r"\b(?:asyncio|time)\.sleep\(\s*(?!0\s*[,)])[\d.]+\s*[,)]")
    found = {name_of(path): waiting.findall(text_of(path)) for path in TEST_FILES if not is_virtual(path)}
    assert {name: waits for name, waits in found.items() if waits} == {}


def test_nothing_is_left_to_do() -> None:
    unfinished = re.compile(r"(?i)\b(?:todo|fixme|xxx|placeholder)\b|NotImplementedError")
    found = {name_of(path): unfinished.findall(text_of(path)) for path in SOURCES}
    assert {name: words for name, words in found.items() if words} == {}
