"""Fixtures for what runs on threads of its own, in real time."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from brokerwire import SyncClient
from brokerwire.client.loop_thread import LoopThread
from brokerwire.simulator import Simulator

DEADLINE_S = 20.0


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when something is so; look at it a hundred times a second."""
    pause = threading.Event()
    until = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < until, "it never came about"
        pause.wait(0.01)


def open_sockets() -> set[str]:
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


@pytest.fixture
def no_leftovers() -> Iterator[None]:
    """Fails if a test leaves a thread or a socket."""
    threads, sockets = set(threading.enumerate()), open_sockets()
    yield
    gc.collect()
    wait_until(lambda: set(threading.enumerate()) <= threads)
    assert open_sockets() <= sockets


class Venues:
    """Simulators on loops of their own, and clients of them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def simulator(self, venue: str) -> tuple[Simulator, LoopThread]:
        """Start a simulator; its faults may be set from here, everything else of it is called in its loop."""
        simulator = Simulator(venue, seed=7)
        host = LoopThread("simulator", simulator.close)
        self._stack.callback(host.stop)
        host.run(simulator.start)
        return simulator, host

    def client(self, simulator: Simulator, **options: Any) -> SyncClient:
        """Return a client of a simulator."""
        client = SyncClient(
            simulator.venue, endpoints=simulator.endpoints, credentials=dict(simulator.credentials), **options
        )
        return self._stack.enter_context(client)


@pytest.fixture
def venues(no_leftovers: None) -> Iterator[Venues]:
    """``venues.simulator(name)`` and ``venues.client(simulator)``; everything ends with the test."""
    with ExitStack() as stack:
        yield Venues(stack)


@pytest.fixture
def run_script() -> Callable[..., tuple[int, str, str]]:
    """``run_script(code, interrupt_at="...")``: its exit code and what it wrote, SIGINT sent when it prints that."""

    def run(code: str, *, interrupt_at: str | None = None) -> tuple[int, str, str]:
        environment = {**os.environ, "BROKERWIRE_ENVIRONMENT": "offline", "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(  # noqa: S603  # our own interpreter
            [sys.executable, "-W", "error", "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        ) as process:
            assert process.stdout is not None
            said = ""
            if interrupt_at is not None:
                while interrupt_at not in said:
                    line = process.stdout.readline()
                    assert line, "it ended before"
                    said += line
                process.send_signal(signal.SIGINT)
            try:
                out, errors = process.communicate(timeout=DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return process.returncode, said + out, errors

    return run
