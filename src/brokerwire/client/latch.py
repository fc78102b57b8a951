"""Latch: opens once, for threads that wait to be interrupted anywhere."""

import threading

PATIENCE_S = 0.5
"""How long a waiting thread sleeps at most before it looks for signals: some systems deliver none to a sleeper."""


class Latch:
    """One lock of the interpreter and nothing around it.

    ``Event``, ``Condition`` and ``Future`` are written in Python: Ctrl-C in the midst of them leaves their locks in
    disorder, or becomes another exception.
    """

    def __init__(self) -> None:
        self.is_open = False
        self._lock = threading.Lock()
        self._lock.acquire()

    def open(self) -> None:
        """Let everybody through; called once."""
        self.is_open = True
        self._lock.release()

    def wait(self, seconds: float = PATIENCE_S) -> bool:
        """Wait for it to open; tells whether it is."""
        if not self.is_open and self._lock.acquire(timeout=seconds):
            self._lock.release()
        return self.is_open
