"""Faults that strike requests, asked one by one."""

import pytest

from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts.binance.refusals import Refusal
from brokerwire.simulator.fronts.binance.request_faults import RequestFaults
from brokerwire.testing.virtual_time import VirtualClock


@pytest.fixture
def board():
    return Faults()


@pytest.fixture
def faults(board):
    return RequestFaults(board, clock=VirtualClock(), now_ns=lambda: 10**18)


async def test_nothing_strikes_while_no_fault_is_on(faults):
    await faults.strike("/api/v3/ping")
    faults.check_credentials("/api/v3/order")
    assert faults.snapshot_age_ns("/api/v3/depth") == 0
    assert faults.lost_answer("/api/v3/order") is None
    assert faults.trickle("/api/v3/ping") is None
    await faults.delay_snapshot("/api/v3/depth")


async def test_channel_limits_a_fault_to_paths(board, faults):
    board.set("rate_limit:5", channel="/depth", times=1)
    await faults.strike("/api/v3/ping")
    with pytest.raises(Refusal) as caught:
        await faults.strike("/api/v3/depth")
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "5")
    await faults.strike("/api/v3/depth")


@pytest.mark.parametrize("script", ["reject_auth", "expire_token"])
async def test_credentials_are_refused(board, faults, script):
    board.set(script)
    with pytest.raises(Refusal, match="-2015"):
        faults.check_credentials("/api/v3/order")


async def test_answer_is_lost_as_often_as_asked(board, faults):
    board.set("drop_answer:504", times=1)
    lost = faults.lost_answer("/api/v3/order")
    assert lost is not None
    assert (lost.code, lost.status) == (-1007, 504)
    assert faults.lost_answer("/api/v3/order") is None


async def test_late_snapshot_may_be_old_as_well(board, faults):
    board.set("late_snapshot:0.01", age_s=3, times=1)
    assert faults.snapshot_age_ns("/api/v3/depth?symbol=A") == 3_000_000_000
    await faults.delay_snapshot("/api/v3/depth?symbol=A")
    assert faults.snapshot_age_ns("/api/v3/depth?symbol=A") == 0


async def test_body_is_written_byte_by_byte(board, faults):
    board.set("slow_loris:0.001")
    written = []

    async def write(data: bytes) -> None:
        written.append(data)

    trickle = faults.trickle("/api/v3/ping")
    assert trickle is not None
    await trickle(b"{}", write)
    assert written == [b"{", b"}"]
