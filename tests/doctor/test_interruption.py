import asyncio
import os
import signal

import pytest

from brokerwire.doctor.examination import examine
from brokerwire.doctor.finding import Finding, Row
from brokerwire.doctor.interruption import Interruption
from brokerwire.doctor.ward import Ward


async def interrupt_and_wait(ward: Ward) -> Finding:
    listener = await ward.listen(ward.client(await ward.simulator()), "quotes", ward.symbol)
    await listener.more(5)
    os.kill(os.getpid(), signal.SIGINT)
    await ward.sleep(10**6)
    raise AssertionError("it was not cancelled")


def test_a_row_is_cancelled_and_leaves_nothing(recwarn: pytest.WarningsRecorder) -> None:
    usual = signal.getsignal(signal.SIGINT)
    with Interruption() as interruption, pytest.raises(asyncio.CancelledError):
        examine(Row(id="F00", title="A try", scenario=interrupt_and_wait), "binance", interruption=interruption)
    assert interruption.came
    assert signal.getsignal(signal.SIGINT) is usual
    assert list(recwarn) == []


def test_between_rows_it_is_remembered_and_the_next_is_cancelled() -> None:
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.came
        with pytest.raises(asyncio.CancelledError):
            examine(Row(id="F00", title="A try", scenario=interrupt_and_wait), "binance", interruption=interruption)
