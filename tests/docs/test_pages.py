"""What the pages show works: Python blocks run, console blocks exit with 0, commands and variables exist.

A ``python`` block runs after those above it on its page, in one namespace, with ``await`` at its top level and an
offline ``client``; one that calls ``asyncio.run`` runs as a program. A ``console`` block runs as one shell script.
A ``sh`` block needs a person, a network or another terminal: only its ``brokerwire`` commands are looked up.
"""

import ast
import asyncio
import inspect
import os
import re
import shlex
import signal
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import brokerwire
from brokerwire import Client, TradeStationClient
from brokerwire.cli.app import app
from brokerwire.client.client import describe_venues
from brokerwire.simulator import Simulator

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
DEADLINE_S = 30.0

_BLOCK = re.compile(r"^( *)```(\w+)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_INCLUDED = "--8<--"
_EXAMPLE_SECONDS = re.compile(r"(python examples/\w+\.py) [\d.]+")


def _blocks(page: Path, language: str) -> list[str]:
    found = _BLOCK.finditer(page.read_text())
    return [textwrap.dedent(block[3]) for block in found if block[2] == language and _INCLUDED not in block[3]]


def _pages_with(language: str) -> list[Any]:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES if _blocks(page, language)]


@pytest.fixture(autouse=True)
def _offline_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing that a page shows may leave this machine, or write into the project."""
    monkeypatch.setenv("BROKERWIRE_ENVIRONMENT", "offline")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)


async def _run_block(block: str, namespace: dict[str, Any]) -> None:
    code = compile(block, "<block>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = types.FunctionType(code, namespace)()
    if inspect.isawaitable(result):
        await result


async def _run_process(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            out, errors = await process.communicate()
    except (TimeoutError, asyncio.CancelledError):
        os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()
        raise
    assert process.returncode == 0, errors.decode()
    return out.decode()


async def _close_all(namespace: dict[str, Any]) -> None:
    for value in list(namespace.values()):
        if isinstance(value, Client | Simulator):
            await value.close()


@pytest.mark.parametrize("page", _pages_with("python"))
async def test_python_blocks_run(page: Path, nothing_left: None) -> None:
    namespace: dict[str, Any] = {"asyncio": asyncio, "client": TradeStationClient()}
    first_client = namespace["client"]
    try:
        async with asyncio.timeout(DEADLINE_S):
            for block in _blocks(page, "python"):
                if "asyncio.run(" in block:
                    assert await _run_process(sys.executable, "-c", block)
                else:
                    await _run_block(block, namespace)
    finally:
        await _close_all({"first": first_client, **namespace})


@pytest.mark.process
@pytest.mark.parametrize("page", _pages_with("console"))
async def test_console_blocks_exit_with_0(page: Path) -> None:
    async with asyncio.TaskGroup() as scripts:
        for block in _blocks(page, "console"):
            commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
            assert commands, f"a console block without a command: {block}"
            script = _EXAMPLE_SECONDS.sub(r"\1 0.5", "\n".join(commands))
            scripts.create_task(_run_process("bash", "-euo", "pipefail", "-c", script))


# Commands and options


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*path, name))


COMMANDS = dict(_commands(typer.main.get_command(app)))


def _options(command: Any) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


def _shown_commands(page: Path) -> Iterator[list[str]]:
    for block in (*_blocks(page, "sh"), *_blocks(page, "console")):
        for line in block.splitlines():
            if line.removeprefix("$ ").startswith("brokerwire "):
                yield shlex.split(line.removeprefix("$ "), comments=True)[1:]


@pytest.mark.parametrize("page", [page for page in PAGES if list(_shown_commands(page))], ids=lambda page: page.stem)
def test_shown_commands_and_options_exist(page: Path) -> None:
    for words in _shown_commands(page):
        path: tuple[str, ...] = ()
        while len(words) > len(path) and (*path, words[len(path)]) in COMMANDS:
            path = (*path, words[len(path)])
        assert path, f"no such command: {words}"
        own = words[: words.index("|")] if "|" in words else words
        options = {word for word in own if word.startswith("--")}
        assert options <= _options(COMMANDS[path]) | {"--help"}, f"{path}: {options}"


def test_command_reference_names_every_command_and_option() -> None:
    text = (ROOT / "docs/reference/command-line.md").read_text()
    for path, command in COMMANDS.items():
        name = " ".join(("brokerwire", *path))
        assert f"`{name}`\n" in text, f"{name} is missing; see docs/contributing.md for how the page is made"
        section = text.split(f"`{name}`\n", 1)[1].split("\n#", 1)[0]
        for option in _options(command):
            assert option in section or not option.startswith("--"), f"{name} {option} is missing"


def test_command_tree_is_found() -> None:
    assert ("stream", "quotes") in COMMANDS


@pytest.mark.process
@pytest.mark.parametrize("arguments", [["nonsense"], ["stream", "quotes", "AAPL", "--for", "soon"]])
async def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    process = await asyncio.create_subprocess_exec("brokerwire", *arguments, stderr=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 2


@pytest.mark.process
async def test_binance_streams_offline_from_the_command_line() -> None:
    assert await _run_process("brokerwire", "stream", "trades", "BTCUSDT", "--venue", "binance", "--count", "1")


# Environment variables


def test_env_example_names_every_variable_that_is_read() -> None:
    text = (ROOT / ".env.example").read_text()
    named = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    expected = {"BROKERWIRE_VENUE", "BROKERWIRE_ENVIRONMENT", "BROKERWIRE_TOKEN_DIR", "HTTPS_PROXY", "NO_PROXY"}
    for venue in describe_venues():
        expected |= {*venue["credentials"].values(), f"{venue['venue'].upper()}_ENVIRONMENT"}
    assert expected <= named


def test_env_example_explains_every_variable_and_sets_no_secret() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    for above, line in zip(["", *lines], lines, strict=False):
        if re.match(r"#? ?[A-Z][A-Z0-9_]+=", line):
            assert above.startswith("# "), f"{line} has no comment"
            assert not re.search(r"(SECRET|TOKEN|KEY|ID)=.", line), f"{line} sets a secret"


# Pages


def test_reference_shows_every_public_name() -> None:
    text = "\n".join(page.read_text() for page in (ROOT / "docs/reference").glob("*.md"))
    shown = {name.rsplit(".", 1)[-1] for name in re.findall(r"^::: (brokerwire\.[\w.]+)$", text, re.MULTILINE)}
    assert set(brokerwire.__all__) - shown == set()


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / ".mkdocs.yml").read_text()
    for page in (ROOT / "docs").rglob("*.md"):
        assert str(page.relative_to(ROOT / "docs")) in navigation, page


def test_every_example_is_on_a_page() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    for example in (ROOT / "examples").glob("*.py"):
        assert example.name in text, example.name


def test_every_decision_is_listed() -> None:
    index = (ROOT / "docs/decisions/index.md").read_text()
    for page in (ROOT / "docs/decisions").glob("[0-9]*.md"):
        assert f"({page.name})" in index, page.name


def test_every_venue_has_a_page() -> None:
    for venue in describe_venues():
        assert (ROOT / "docs/venues" / f"{venue['venue']}.md").is_file()


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", (ROOT / "README.md").read_text()):
        assert "://" in target or (ROOT / target).exists(), target
