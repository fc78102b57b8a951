"""Keeps secrets and control characters out of the library's own log records."""

import logging
import traceback
from types import TracebackType
from typing import TypeAlias

from brokerwire.redact import Redactor, escape

ROOT = "brokerwire"
_MARGIN = "  | "
_ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class RedactingFilter(logging.Filter):
    """Rewrites each record of the library before any handler sees it: one line, no secrets; a traceback is set in."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record; every record passes."""
        record.msg = escape(self._redactor(record.getMessage()))
        record.args = ()
        if record.exc_info and record.exc_info[0] is not None:
            # another client's filter may have been here before
            record.exc_text = self._clean_lines(record.exc_text or _traceback_of(record.exc_info))
        if record.stack_info:
            record.stack_info = self._clean_lines(record.stack_info)
        return True

    def _clean_lines(self, text: str) -> str:
        """Set the lines of a traceback in: what an exception says over several lines must not look like records."""
        lines = (line.removeprefix(_MARGIN) for line in self._redactor(text).split("\n"))
        return "\n".join(_MARGIN + escape(line) for line in lines)

    def install(self) -> None:
        """Filter every logger of the library that exists; those of modules loaded later are added by the next one."""
        for logger in _loggers():
            logger.addFilter(self)

    def remove(self) -> None:
        """Filter no more."""
        for logger in _loggers():
            logger.removeFilter(self)


def _traceback_of(exc_info: _ExcInfo) -> str:
    return "".join(traceback.format_exception(*exc_info)).rstrip()


def _loggers() -> list[logging.Logger]:
    names = [name for name in logging.root.manager.loggerDict if name == ROOT or name.startswith(f"{ROOT}.")]
    return [logging.getLogger(name) for name in names]
