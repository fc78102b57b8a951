import signal
import threading
from types import FrameType
from typing import Any

import pytest

from brokerwire.client.latch import Latch


def test_it_opens_once_for_everybody() -> None:
    latch = Latch()
    assert latch.wait(0.001) is False
    through: list[bool] = []
    threads = [threading.Thread(target=lambda: through.append(latch.wait(20))) for _ in range(3)]
    for thread in threads:
        thread.start()
    latch.open()
    for thread in threads:
        thread.join()
    assert through == [True] * 3
    assert latch.wait(0)


def test_a_signal_interrupts_whoever_waits_and_leaves_it_in_order() -> None:
    class Interrupt(Exception):
        pass

    def interrupt(_number: int, _frame: FrameType | None) -> Any:
        raise Interrupt

    latch = Latch()
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        timer = threading.Timer(0.05, signal.pthread_kill, [threading.get_ident(), signal.SIGUSR1])
        timer.start()
        with pytest.raises(Interrupt):
            latch.wait(20)
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    latch.open()
    assert latch.wait(20)
