"""A place apart for examinations: nobody's tokens, nobody's proxy, and a log that is kept and not shown."""

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping

_LOGGERS = ("brokerwire", "asyncio", "aiohttp")


class KeptLog(logging.Handler):
    """Keeps what the library and the event loop log, formatted as it would be shown."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)

    def lines(self, text: str, level: int = logging.WARNING) -> list[str]:
        """Return the messages from a level up that hold a text."""
        found = [record.getMessage() for record in self.records if record.levelno >= level]
        return [line for line in found if text in line]


@contextlib.contextmanager
def kept_log() -> Iterator[KeptLog]:
    """Keep the log of the library instead of showing it, for as long as the context lasts."""
    log = KeptLog()
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(log)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
    try:
        yield log
    finally:
        for logger, level, propagates in before:
            logger.removeHandler(log)
            logger.setLevel(level)
            logger.propagate = propagates


@contextlib.contextmanager
def private_place() -> Iterator[None]:
    """Keep tokens in a folder that is gone afterwards, and reach this machine without a proxy."""
    with tempfile.TemporaryDirectory(prefix="brokerwire-doctor-") as folder:
        given = {"BROKERWIRE_TOKEN_DIR": folder, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        with _environment(given):
            yield


@contextlib.contextmanager
def _environment(given: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
