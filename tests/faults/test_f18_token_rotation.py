"""F18: a crash between the answer with a rotated refresh token and its being kept."""

import signal
from pathlib import Path

import pytest
from tests.faults.conftest import IS_FULL, Row
from tests.faults.token_process import TokenProcess

KILL_POINTS = {"the draft is opened": "open", "the draft takes the place of the file": "os.rename"}


def check_private(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path


async def start(row: Row, folder: Path, *, dies_at: str = "") -> TokenProcess:
    process = TokenProcess(row.simulators[0].endpoints, folder, dies_at=dies_at)
    await process.start()
    row.owned.append(process)
    return process


if IS_FULL:  # it starts processes

    @pytest.mark.process
    @pytest.mark.parametrize("is_rotated", [True, False], ids=["rotated", "kept"])
    @pytest.mark.parametrize("point", KILL_POINTS)
    def test_after_a_crash_before_the_token_is_kept_it_is_good_or_a_new_login_is_asked_for(
        row: Row, tmp_path: Path, point: str, is_rotated: bool
    ) -> None:
        async def main(row: Row) -> None:
            await row.simulator("tradestation", settings={"rotate_refresh_tokens": is_rotated})
            folder = tmp_path / "tokens"
            dying = await start(row, folder, dies_at=KILL_POINTS[point])
            assert await dying.ask() == {}
            assert await dying.close() == -signal.SIGKILL
            check_private(folder)
            again = await start(row, folder)
            answer = await again.ask()
            if is_rotated:  # the venue takes the old one no more, and the new one is lost
                assert answer["kind"] == "ReauthenticationRequired"
                assert "log in again" in answer["text"]
            else:
                assert answer["kind"] == "quote"
                assert len([path for path in folder.iterdir() if path.suffix != ".lock"]) == 1
            assert await again.close() == 0

        row.in_real_time(main)

    @pytest.mark.process
    def test_after_a_crash_once_the_token_is_kept_everything_goes_on(row: Row, tmp_path: Path) -> None:
        async def main(row: Row) -> None:
            simulator = await row.simulator("tradestation", settings={"rotate_refresh_tokens": True})
            folder = tmp_path / "tokens"
            first = await start(row, folder)
            assert (await first.ask())["kind"] == "quote"
            assert first._process is not None
            first._process.kill()
            assert await first.close() == -signal.SIGKILL
            check_private(folder)
            second = await start(row, folder)
            assert await second.ask() == {"kind": "quote", "text": "AAPL", "refreshes": 0}
            simulator.faults.set("expire_token:1200")
            third = await start(row, folder)
            assert await third.ask() == {"kind": "quote", "text": "AAPL", "refreshes": 1}
            check_private(folder)

        row.in_real_time(main)
