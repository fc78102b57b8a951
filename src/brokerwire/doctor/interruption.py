"""Ctrl-C, taken where it does no harm: it cancels what runs, and is remembered."""

import asyncio
import signal
from types import FrameType, TracebackType
from typing import Any, Self


class Interruption:
    """Takes SIGINT for as long as the context lasts; to be used in the main thread.

    An exception that is raised wherever the interpreter happens to be would be lost in a destructor, and would tear at
    what is being closed.

    Attributes:
        came: Whether the signal came.
    """

    def __init__(self) -> None:
        self.came = False
        self._task: asyncio.Task[Any] | None = None
        self._before: Any = None

    def cancels(self, task: asyncio.Task[Any] | None) -> None:
        """Cancel this task when the signal comes, None for none; at once, if it has come already."""
        self._task = task
        if self.came and task is not None:
            task.cancel()

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._strike)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _strike(self, _number: int, _frame: FrameType | None) -> None:
        self.came = True
        if self._task is not None and not self._task.done():
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)
