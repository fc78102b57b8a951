from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.history.bars import MONDAY, bar_at

from brokerwire.errors import ConfigurationError
from brokerwire.history.chunks import Chunk
from brokerwire.history.workspace import Request, Workspace

REQUEST = Request("binance", "live", "BTC/USDT", "1m", 0, None, 100)
FIRST, SECOND = Chunk(0, 10), Chunk(10, 20)
BARS = [bar_at(MONDAY + timedelta(minutes=minute)) for minute in range(3)]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path, REQUEST)
    made.prepare()
    return made


def test_the_folder_is_hidden_and_says_what_it_is_for(workspace: Workspace) -> None:
    assert workspace.folder.name.startswith(".history_btc-usdt_1m_")
    assert msgspec.json.decode((workspace.folder / "manifest.json").read_bytes(), type=Request) == REQUEST


def test_another_request_has_another_folder() -> None:
    names = {msgspec.structs.replace(REQUEST, start_ns=number).folder_name for number in range(10)}
    assert len(names) == 10


def test_parts_are_kept_and_come_back_in_order(workspace: Workspace) -> None:
    assert not workspace.has(FIRST)
    assert workspace.store(SECOND, BARS[2:], is_reached=True) == (1, True)
    assert workspace.store(FIRST, BARS[:2], is_reached=True) == (2, True)
    again = Workspace(workspace.folder.parent, REQUEST)
    assert again.has(FIRST)
    assert list(again.load([FIRST, SECOND])) == BARS


def test_a_part_without_bars_is_there_too(workspace: Workspace) -> None:
    workspace.store(FIRST, [], is_reached=True)
    assert workspace.has(FIRST)
    assert list(workspace.load([FIRST])) == []


def test_a_part_with_a_forming_bar_is_asked_for_again(workspace: Workspace) -> None:
    forming = msgspec.structs.replace(BARS[2], is_closed=False)
    assert workspace.store(FIRST, [*BARS[:2], forming], is_reached=True) == (2, False)
    assert not workspace.has(FIRST)
    assert list(workspace.load([FIRST])) == BARS[:2]
    workspace.store(FIRST, BARS, is_reached=True)
    assert workspace.has(FIRST)
    assert list(workspace.load([FIRST])) == BARS


def test_a_part_that_the_venue_may_not_reach_is_asked_for_again(workspace: Workspace) -> None:
    assert workspace.store(FIRST, BARS[1:], is_reached=False) == (2, False)
    assert not workspace.has(FIRST)
    assert list(workspace.load([FIRST])) == BARS[1:]
    workspace.store(FIRST, BARS, is_reached=True)
    assert workspace.has(FIRST)
    assert list(workspace.load([FIRST])) == BARS


def test_only_final_parts_are_worth_keeping(workspace: Workspace) -> None:
    assert not workspace.is_worth_keeping
    workspace.store(FIRST, BARS, is_reached=False)
    assert not workspace.is_worth_keeping
    workspace.store(SECOND, [], is_reached=True)
    assert workspace.is_worth_keeping


def test_a_place_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"cannot write .*/file: .*/file is a file, not a folder"):
        Workspace(tmp_path / "file", REQUEST).prepare()


def test_a_damaged_part_is_asked_for_again(workspace: Workspace) -> None:
    workspace.store(FIRST, BARS, is_reached=True)
    (path,) = workspace.folder.glob("0-10-*")
    path.write_bytes(path.read_bytes()[:-30])
    assert not workspace.has(FIRST)


def test_another_one_is_kept_out(workspace: Workspace) -> None:
    with workspace.locked(), pytest.raises(ConfigurationError, match="another process"), workspace.locked():
        pass
    with workspace.locked():
        pass


def test_it_is_removed_with_everything_in_it(workspace: Workspace) -> None:
    workspace.store(FIRST, BARS, is_reached=True)
    workspace.remove()
    workspace.remove()
    assert list(workspace.folder.parent.iterdir()) == []
