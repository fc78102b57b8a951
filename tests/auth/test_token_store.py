import asyncio
import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from brokerwire.auth.token_store import FileTokenStore, MemoryTokenStore, StoredToken, fingerprint
from brokerwire.clock import SystemClock
from brokerwire.config import Secret
from brokerwire.errors import AuthenticationError, ConfigurationError

TOKEN = StoredToken(given="g", refresh_token="r", access_token="a", expires_at_ns=5, scope="s")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_is_read_again_until_it_is_erased(tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "deep" / "tokens" / "t.json")
    assert store.read() is None
    store.write(TOKEN)
    assert store.read() == TOKEN
    store.erase()
    store.erase()
    assert store.read() is None


def test_what_is_kept_in_memory_cannot_be_copied() -> None:
    store = MemoryTokenStore()
    assert store.read() is None
    store.write(TOKEN)
    assert store.read() == TOKEN
    with pytest.raises(TypeError):
        pickle.dumps(store)
    store.erase()
    assert store.read() is None


def test_the_file_and_its_folder_are_private_whatever_the_umask(tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "tokens" / "t.json")
    before = os.umask(0)
    try:
        store.write(TOKEN)
    finally:
        os.umask(before)
    assert mode(store.path) == 0o600
    assert mode(store.path.parent) == 0o700


def test_a_write_replaces_the_file_as_a_whole_and_leaves_no_draft(tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "t.json")
    store.write(TOKEN)
    before = store.path.stat().st_ino
    with store.path.open("rb") as reader:
        store.write(StoredToken(given="g", refresh_token="r2"))
        assert b'"r"' in reader.read()
    assert store.path.stat().st_ino != before
    assert [path.name for path in tmp_path.iterdir()] == ["t.json"]
    assert mode(store.path) == 0o600


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660, 0o777])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, bits: int) -> None:
    store = FileTokenStore(tmp_path / "t.json")
    store.write(TOKEN)
    store.path.chmod(bits)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        store.read()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"given": 5}', b"\xff\xfe"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    store = FileTokenStore(tmp_path / "t.json")
    store.write(TOKEN)
    store.path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"t\.json is damaged"):
        store.read()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.json").mkdir()
    with pytest.raises(ConfigurationError, match=r"t\.json cannot be read"):
        FileTokenStore(tmp_path / "t.json").read()


def test_a_failed_write_leaves_the_old_token_and_no_draft(tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "t.json")
    (tmp_path / "t.json").mkdir()
    with pytest.raises(OSError, match=r"t\.json"):
        store.write(TOKEN)
    assert [path.name for path in tmp_path.iterdir()] == ["t.json"]


def test_the_memory_store_forgets_what_is_erased() -> None:
    store = MemoryTokenStore()
    assert store.read() is None
    store.write(TOKEN)
    assert store.read() == TOKEN
    store.erase()
    assert store.read() is None


def test_a_fingerprint_tells_tokens_apart_and_does_not_hold_them() -> None:
    assert fingerprint(Secret("canary-1")) != fingerprint(Secret("canary-2"))
    assert fingerprint(Secret("canary-1")) == fingerprint(Secret("canary-1"))
    assert "canary" not in fingerprint(Secret("canary-1"))


async def test_the_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    first, second = (FileTokenStore(tmp_path / "sub" / "t.json") for _ in range(2))
    inside = 0

    async def enter(store: FileTokenStore) -> None:
        nonlocal inside
        async with store.lock(SystemClock()):
            inside += 1
            assert inside == 1
            await asyncio.sleep(0)
            inside -= 1

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for store in (first, second, first, second):
            group.create_task(enter(store))
    assert mode(tmp_path / "sub" / "t.lock") == 0o600


def test_a_lock_that_never_comes_free_is_said_after_half_a_minute(tmp_path: Path, virtual: Any) -> None:
    async def main() -> None:
        store = FileTokenStore(tmp_path / "t.json")
        async with store.lock(virtual.clock):
            with pytest.raises(AuthenticationError, match="another process holds the token file") as caught:
                async with store.lock(virtual.clock):
                    pytest.fail("two hold one lock")
            assert caught.value.action == "retry"
            assert virtual.clock.monotonic() == pytest.approx(30, abs=0.2)
        async with store.lock(virtual.clock):
            pass

    virtual(main)


async def test_the_memory_store_holds_off_nobody() -> None:
    store = MemoryTokenStore()
    async with store.lock(SystemClock()), store.lock(SystemClock()):
        pass


@pytest.mark.process
async def test_a_process_that_dies_lets_go_of_its_lock(tmp_path: Path) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from brokerwire.auth.token_store import FileTokenStore
from brokerwire.clock import SystemClock
async def main():
    async with FileTokenStore(Path(sys.argv[1])).lock(SystemClock()):
        print("locked", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""
    path = tmp_path / "t.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(path), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"locked\n"
            waiting = asyncio.create_task(_pass(FileTokenStore(path)))
            process.kill()
            await waiting
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _pass(store: FileTokenStore) -> None:
    async with store.lock(SystemClock()):
        return


def test_a_stored_token_does_not_show_itself() -> None:
    token = StoredToken(given="canary", refresh_token="canary", access_token="canary", expires_at_ns=7, scope="canary")
    assert repr(token) == "StoredToken(expires_at_ns=7)"
