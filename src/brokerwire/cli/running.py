"""Runs the coroutines of commands: the event loop, signals, the working directory's ``.env``."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeVar

import typer
from dotenv import load_dotenv
from dotenv.parser import parse_stream

from brokerwire.errors import ConfigurationError

T = TypeVar("T")

INTERRUPTED = 130
TERMINATED = 143


class Ended(Exception):
    """Ends the command with an exit code and without a word."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


def load_environment() -> None:
    """Read the ``.env`` of the working directory, if there is one, and say so; what is set already stays.

    Raises:
        ConfigurationError: A line of it cannot be read.
    """
    path = Path(".env")
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        broken = [binding.original.line for binding in parse_stream(file) if binding.error]
    if broken:
        raise ConfigurationError(f".env, line {broken[0]}: not of the form NAME=value")
    load_dotenv(path)
    typer.echo("using .env of this directory", err=True)


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``main()`` on uvloop where it is installed; Ctrl-C and SIGTERM cancel it and set the exit code."""
    try:
        with _interrupted_once(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
            try:
                return runner.run(_until_terminated(main))
            finally:  # everything of ours is closed; the loop is taken down, which an interrupt would leave in disorder
                signal.signal(signal.SIGINT, _leave)
    except KeyboardInterrupt:
        raise Ended(INTERRUPTED) from None
    except BrokenPipeError:
        forget_output()
        raise Ended(0) from None


@contextmanager
def _interrupted_once() -> Iterator[None]:
    """Leave Ctrl-C as it was found."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """End the process without another word, but for what has been written."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(INTERRUPTED)


def forget_output() -> None:
    """Write nowhere: whoever read us has gone, there is nobody to tell, and the interpreter must not try at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ModuleNotFoundError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _until_terminated(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in one
    is_terminated = False

    def terminate() -> None:
        nonlocal is_terminated
        is_terminated = True
        task.cancel()

    if sys.platform != "win32":  # pragma: no branch - there is no such signal there
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
    try:
        return await main()
    except asyncio.CancelledError:
        if is_terminated:
            raise Ended(TERMINATED) from None
        raise
