import asyncio
import gc
import itertools
import logging
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brokerwire.auth.token_manager import TokenManager
from brokerwire.auth.token_store import FileTokenStore, MemoryTokenStore, StoredToken, TokenStore, fingerprint
from brokerwire.config import Credentials, Secret
from brokerwire.errors import (
    AuthenticationError,
    BrokerwireError,
    ReauthenticationRequired,
    StreamError,
    VenueUnavailableError,
)
from brokerwire.redact import MASK, Redactor
from brokerwire.testing.virtual_time import VirtualClock
from brokerwire.venue import Request, Response, TokenGrant, TokenSpec

GIVEN = "given-refresh-token"


def build_refresh(credentials: Credentials, refresh_token: Secret) -> Request:
    return Request(method="POST", path="/token", body=refresh_token.reveal().encode())


def parse_grant(response: Response) -> TokenGrant:
    if response.status == 403:
        raise ReauthenticationRequired(f"refused: {response.body.decode()}")
    if response.status >= 500:
        raise VenueUnavailableError("the token endpoint is down")
    if response.status != 200:
        raise AuthenticationError(f"refused: {response.body.decode()}")
    return msgspec.json.decode(response.body, type=TokenGrant, dec_hook=lambda kind, value: kind(value))


SPEC = TokenSpec(
    build_refresh=build_refresh, build_exchange=build_refresh, build_authorize=build_refresh, parse_grant=parse_grant
)


class Endpoint:
    """A token endpoint: counts what it is asked, rotates if told, and fails if told."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.asked: list[tuple[float, str]] = []
        self.life_s = 1200.0
        self.delay_s = 0.0
        self.rotates = False
        self.fails_with: tuple[int, str] | None = None
        self.good = {GIVEN}

    async def send(self, request: Request) -> Response:
        used = (request.body or b"").decode()
        self.asked.append((self.clock.monotonic(), used))
        number = len(self.asked)
        if self.delay_s:
            await self.clock.sleep(self.delay_s)
        if self.fails_with is not None:
            return Response(self.fails_with[0], {}, self.fails_with[1].encode())
        if used not in self.good:
            return Response(403, {}, b"invalid_grant")
        grant: dict[str, Any] = {"access_token": f"access-token-{number}", "expires_in_s": self.life_s}
        if self.rotates:
            self.good = {f"rotated-refresh-token-{number}"}
            grant["refresh_token"] = f"rotated-refresh-token-{number}"
        return Response(200, {}, msgspec.json.encode(grant))


class Bench:
    """What a test of the manager needs: an endpoint, a store, and managers that are closed at the end."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.endpoint = Endpoint(clock)
        self.redactor = Redactor()
        self.managers: list[TokenManager] = []

    def manager(self, store: TokenStore | None = None, refresh_token: str | None = GIVEN) -> TokenManager:
        manager = TokenManager(
            SPEC,
            Credentials({"refresh_token": refresh_token or ""}),
            send=self.endpoint.send,
            store=store or MemoryTokenStore(),
            clock=self.clock,
            redactor=self.redactor,
        )
        self.managers.append(manager)
        return manager


Run = Callable[[Callable[[Bench], Awaitable[None]]], None]


@pytest.fixture
def run(virtual: Any) -> Run:
    """Runs a test in virtual time and closes its managers."""

    def runner(test: Callable[[Bench], Awaitable[None]]) -> None:
        async def main() -> None:
            bench = Bench(virtual.clock)
            try:
                await test(bench)
            finally:
                for manager in bench.managers:
                    await manager.close()

        virtual(main)

    return runner


class BrokenDisk(FileTokenStore):
    """A file whose writes fail while ``is_broken``."""

    is_broken = True

    def write(self, token: StoredToken) -> None:
        if self.is_broken:
            raise OSError(28, "No space left on device")
        super().write(token)


# Handing out


def test_a_token_is_fetched_once_and_handed_out_while_it_is_good(run: Run) -> None:
    async def test(bench: Bench) -> None:
        manager = bench.manager()
        assert not manager.is_valid
        assert manager.current is None
        first = await manager.token()
        assert (await manager.token()).reveal() == first.reveal() == "access-token-1"
        assert manager.is_valid
        assert manager.current == first
        assert manager.refresh_count == len(bench.endpoint.asked) == 1

    run(test)


def test_a_hundred_callers_cause_one_refresh(run: Run) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.delay_s = 3
        manager = bench.manager()
        tokens = await asyncio.gather(*(manager.token() for _ in range(100)))
        assert {token.reveal() for token in tokens} == {"access-token-1"}
        assert len(bench.endpoint.asked) == 1

    run(test)


def test_a_hundred_callers_with_the_same_stale_token_cause_one_refresh(run: Run) -> None:
    async def test(bench: Bench) -> None:
        manager = bench.manager()
        stale = await manager.token()
        bench.endpoint.delay_s = 1
        tokens = await asyncio.gather(*(manager.refresh(stale) for _ in range(100)))
        late = await manager.refresh(stale)
        assert {token.reveal() for token in [*tokens, late]} == {"access-token-2"}
        assert len(bench.endpoint.asked) == 2

    run(test)


def test_all_callers_hear_of_one_failure_and_the_next_call_tries_again(run: Run) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.delay_s = 1
        bench.endpoint.fails_with = (500, "")
        manager = bench.manager()
        results = await asyncio.gather(*(manager.token() for _ in range(10)), return_exceptions=True)
        assert all(isinstance(result, VenueUnavailableError) for result in results)
        bench.endpoint.fails_with = None
        assert (await manager.token()).reveal() == "access-token-2"

    run(test)


def test_a_caller_that_gives_up_does_not_take_the_refresh_along(run: Run) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.delay_s = 5
        manager = bench.manager()
        impatient = asyncio.create_task(manager.token())
        await bench.clock.sleep(1)
        patient = asyncio.create_task(manager.token())
        await bench.clock.sleep(1)
        impatient.cancel()
        assert (await patient).reveal() == "access-token-1"
        assert impatient.cancelled()
        assert len(bench.endpoint.asked) == 1

    run(test)


def test_a_refresh_that_fails_after_everybody_gave_up_is_nobodys_surprise(run: Run) -> None:
    async def test(bench: Bench) -> None:
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
        bench.endpoint.delay_s = 5
        bench.endpoint.fails_with = (500, "down")
        impatient = asyncio.create_task(bench.manager().token())
        await bench.clock.sleep(1)
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
        await bench.clock.sleep(10)
        gc.collect()
        assert told == []

    run(test)


def test_a_token_in_its_last_half_minute_is_not_handed_out(run: Run) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.life_s = 20
        manager = bench.manager()
        assert (await manager.token()).reveal() == "access-token-1"
        assert not manager.is_valid
        assert (await manager.token()).reveal() == "access-token-2"

    run(test)


# Renewing ahead


def test_a_token_is_renewed_at_four_fifths_of_its_life_all_day(run: Run) -> None:
    async def test(bench: Bench) -> None:
        manager = bench.manager()
        await manager.token()
        await bench.clock.sleep(86_410)
        times = [time for time, _ in bench.endpoint.asked]
        assert times == pytest.approx([960 * number for number in range(len(times))], abs=1)
        assert len(times) == 91
        assert manager.is_valid

    run(test)


def test_a_day_with_rotation_uses_each_refresh_token_once(run: Run, tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.rotates = True
        await bench.manager(FileTokenStore(tmp_path / "t.json")).token()
        await bench.clock.sleep(86_410)
        used = [token for _, token in bench.endpoint.asked]
        assert len(used) == len(set(used)) == 91

    run(test)


def test_a_token_without_life_does_not_flood_the_endpoint(run: Run) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.life_s = 0
        await bench.manager().token()
        await bench.clock.sleep(600)
        assert len(bench.endpoint.asked) <= 600 / 5 + 1

    run(test)


def test_a_token_endpoint_that_is_down_leaves_the_good_token_in_use(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def test(bench: Bench) -> None:
        manager = bench.manager()
        await manager.token()
        bench.endpoint.fails_with = (503, "")
        await bench.clock.sleep(1150)
        assert (await manager.token()).reveal() == "access-token-1"
        failures = [time for time, _ in bench.endpoint.asked[1:]]
        assert failures[0] == pytest.approx(960, abs=1)
        waits = [later - earlier for earlier, later in itertools.pairwise(failures)]
        assert waits == pytest.approx([5, 10, 20, 40, 60][: len(waits)], abs=1)
        bench.endpoint.fails_with = None
        await bench.clock.sleep(61)
        assert manager.is_valid

    with caplog.at_level(logging.WARNING, "brokerwire"):
        run(test)
    assert "240 s before it expires" in caplog.text


def test_a_token_endpoint_that_stays_down_is_told_when_the_token_has_run_out(run: Run) -> None:
    async def test(bench: Bench) -> None:
        manager = bench.manager()
        await manager.token()
        bench.endpoint.fails_with = (503, "")
        await bench.clock.sleep(1300)
        with pytest.raises(VenueUnavailableError):
            await manager.token()

    run(test)


def test_an_endpoint_that_is_slow_is_asked_by_one_at_a_time(run: Run) -> None:
    async def test(bench: Bench) -> None:
        manager = bench.manager()
        await manager.token()
        bench.endpoint.delay_s = 60
        await bench.clock.sleep(965)
        assert (await manager.token()).reveal() == "access-token-1"
        assert len(bench.endpoint.asked) == 2
        await bench.clock.sleep(60)
        assert (await manager.token()).reveal() == "access-token-2"

    run(test)


def test_a_login_that_has_ended_is_said_once_and_asked_no_more(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def test(bench: Bench) -> None:
        manager = bench.manager()
        await manager.token()
        bench.endpoint.fails_with = (403, "invalid_grant")
        await bench.clock.sleep(1100)
        assert (await manager.token()).reveal() == "access-token-1"
        assert len(bench.endpoint.asked) == 2

    with caplog.at_level(logging.ERROR, "brokerwire"):
        run(test)
    assert len([record for record in caplog.records if "the login has ended" in record.message]) == 1


def test_renewal_begins_anew_after_a_new_login(run: Run, tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        store = FileTokenStore(tmp_path / "t.json")
        manager = bench.manager(store)
        await manager.token()
        bench.endpoint.fails_with = (403, "invalid_grant")
        await bench.clock.sleep(1300)
        with pytest.raises(ReauthenticationRequired):
            await manager.token()
        bench.endpoint.fails_with = None
        await manager.token()
        asked = len(bench.endpoint.asked)
        await bench.clock.sleep(2000)
        assert len(bench.endpoint.asked) == asked + 2

    run(test)


def test_a_bug_in_the_venues_code_does_not_end_the_renewal(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def test(bench: Bench) -> None:
        manager = bench.manager()
        await manager.token()
        bench.endpoint.fails_with = (200, "not json")
        await bench.clock.sleep(970)
        bench.endpoint.fails_with = None
        await bench.clock.sleep(60)
        assert manager.refresh_count == len(bench.endpoint.asked)
        await bench.clock.sleep(5000)
        assert manager.is_valid

    with caplog.at_level(logging.WARNING, "brokerwire"):
        run(test)


# Keeping


def test_a_rotated_token_is_on_disk_before_the_new_token_is_used(run: Run, tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.rotates = True
        store = FileTokenStore(tmp_path / "t.json")
        await bench.manager(store).token()
        stored = store.read()
        assert stored is not None
        assert stored.refresh_token == "rotated-refresh-token-1"
        assert stored.given == fingerprint(Secret(GIVEN))
        assert GIVEN not in store.path.read_text()
        assert store.path.stat().st_mode & 0o777 == 0o600

    run(test)


def test_after_a_restart_the_rotated_token_wins_over_the_given_one(run: Run, tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.rotates = True
        store = FileTokenStore(tmp_path / "t.json")
        stale = await bench.manager(store).token()
        await bench.managers[0].close()
        again = bench.manager(store)
        await again.refresh(stale)
        assert bench.endpoint.asked[-1][1] == "rotated-refresh-token-1"

    run(test)


def test_a_restart_uses_the_stored_access_token_while_it_is_good(run: Run, tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        store = FileTokenStore(tmp_path / "t.json")
        await bench.manager(store).token()
        await bench.managers[0].close()
        await bench.clock.sleep(600)
        assert (await bench.manager(store).token()).reveal() == "access-token-1"
        await bench.clock.sleep(500)
        assert [time for time, _ in bench.endpoint.asked] == pytest.approx([0, 1080], abs=1)

    run(test)


def test_a_token_given_anew_wins_over_the_file(run: Run, tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.rotates = True
        store = FileTokenStore(tmp_path / "t.json")
        await bench.manager(store).token()
        bench.endpoint.good = {"brand-new-token"}
        await bench.manager(store, "brand-new-token").token()
        assert bench.endpoint.asked[-1][1] == "brand-new-token"
        stored = store.read()
        assert stored is not None
        assert stored.given == fingerprint(Secret("brand-new-token"))

    run(test)


def test_without_a_given_token_the_stored_one_is_used(run: Run, tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        store = FileTokenStore(tmp_path / "t.json")
        store.write(StoredToken(given="x", refresh_token=GIVEN))
        assert (await bench.manager(store, None).token()).reveal() == "access-token-1"

    run(test)


def test_nobody_logged_in_is_said_with_what_to_do(run: Run) -> None:
    async def test(bench: Bench) -> None:
        with pytest.raises(ReauthenticationRequired, match="brokerwire auth login"):
            await bench.manager(refresh_token=None).token()

    run(test)


def test_two_managers_of_one_file_cause_one_refresh(run: Run, tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.rotates = True
        bench.endpoint.delay_s = 1
        first, second = (bench.manager(FileTokenStore(tmp_path / "t.json")) for _ in range(2))
        tokens = await asyncio.gather(first.token(), second.token(), first.token(), second.token())
        assert {token.reveal() for token in tokens} == {"access-token-1"}
        assert len(bench.endpoint.asked) == 1
        stale = tokens[0]
        tokens = await asyncio.gather(first.refresh(stale), second.refresh(stale))
        assert {token.reveal() for token in tokens} == {"access-token-2"}
        assert len(bench.endpoint.asked) == 2

    run(test)


def test_two_managers_of_one_file_share_the_renewals_of_a_day(run: Run, tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.rotates = True
        for _ in range(2):
            await bench.manager(FileTokenStore(tmp_path / "t.json")).token()
        await bench.clock.sleep(86_400)
        assert len(bench.endpoint.asked) <= 92
        assert all(manager.is_valid for manager in bench.managers)

    run(test)


def test_a_disk_that_is_full_does_not_end_a_service_whose_token_is_good(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.rotates = True
        store = BrokenDisk(tmp_path / "t.json")
        manager = bench.manager(store)
        await manager.token()
        await bench.clock.sleep(3000)
        assert manager.is_valid
        assert len(bench.endpoint.asked) == 4
        store.is_broken = False
        await bench.clock.sleep(1000)
        stored = store.read()
        assert stored is not None
        assert {stored.refresh_token} == bench.endpoint.good

    with caplog.at_level(logging.ERROR, "brokerwire"):
        run(test)
    assert "No space left" in caplog.text
    assert "rotated-refresh-token" not in caplog.text


def test_a_folder_that_cannot_be_made_does_not_end_a_service_whose_token_is_good(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")

    async def test(bench: Bench) -> None:
        class Unwritable(FileTokenStore):
            def read(self) -> StoredToken | None:
                return None

        manager = bench.manager(Unwritable(tmp_path / "file" / "t.json"))
        assert (await manager.token()).reveal() == "access-token-1"
        await bench.clock.sleep(1000)
        assert manager.is_valid

    with caplog.at_level(logging.ERROR, "brokerwire"):
        run(test)
    assert "could not be locked" in caplog.text


def test_a_login_is_kept_and_used(run: Run, tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.rotates = True
        bench.endpoint.good = {"the-code"}
        store = FileTokenStore(tmp_path / "t.json")
        manager = bench.manager(store, None)
        await manager.take_login(Request(path="/token", body=b"the-code"))
        assert (await manager.token()).reveal() == "access-token-1"
        await bench.clock.sleep(1000)
        assert [used for _, used in bench.endpoint.asked] == ["the-code", "rotated-refresh-token-1"]

    run(test)


def test_a_login_without_a_refresh_token_is_refused_and_nothing_is_kept(run: Run, tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        store = FileTokenStore(tmp_path / "t.json")
        manager = bench.manager(store, None)
        with pytest.raises(AuthenticationError, match="offline_access"):
            await manager.take_login(Request(path="/token", body=GIVEN.encode()))
        assert store.read() is None

    run(test)


# Secrets and the end


def test_no_secret_shows_even_where_the_endpoint_repeats_it(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def test(bench: Bench) -> None:
        bench.redactor.learn("canary-refresh-4711")
        manager = bench.manager(refresh_token="canary-refresh-4711")
        bench.endpoint.fails_with = (401, "canary-refresh-4711 is unknown here")
        with pytest.raises(BrokerwireError) as caught:
            await manager.token()
        shown = "".join(traceback.format_exception(caught.value)) + repr(manager) + str(vars(manager))
        assert "canary" not in shown
        assert f"{MASK} is unknown here" in str(caught.value)

    run(test)
    assert "canary" not in caplog.text


def test_tokens_are_masked_from_the_moment_they_are_known(run: Run) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.rotates = True
        await bench.manager().token()
        assert bench.redactor("access-token-1 rotated-refresh-token-1") == f"{MASK} {MASK}"

    run(test)


def test_a_closed_manager_hands_out_nothing_and_runs_nothing(run: Run) -> None:
    async def test(bench: Bench) -> None:
        bench.endpoint.delay_s = 5
        manager = bench.manager()
        waiting = asyncio.create_task(manager.token())
        await bench.clock.sleep(1)
        await manager.close()
        await manager.close()
        await asyncio.gather(waiting, return_exceptions=True)
        assert not manager.is_valid
        with pytest.raises(StreamError, match="closed"):
            await manager.token()
        await bench.clock.sleep(3000)
        assert len(bench.endpoint.asked) == 1

    run(test)
