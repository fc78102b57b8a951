import io
import logging
from collections.abc import Iterator

import pytest

from brokerwire.client.log_filter import RedactingFilter
from brokerwire.redact import MASK, Redactor

SECRET = "canary/secret+4711"


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    """What a plain handler at the root writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def logger() -> logging.Logger:
    return logging.getLogger("brokerwire.test_log_filter")


@pytest.fixture
def installed(logger: logging.Logger) -> Iterator[RedactingFilter]:
    redactor = Redactor()
    redactor.learn(SECRET)
    found = RedactingFilter(redactor)
    found.install()
    yield found
    found.remove()


def test_secrets_in_text_and_arguments_are_masked(
    installed: RedactingFilter, logger: logging.Logger, output: io.StringIO
) -> None:
    logger.warning("text %s and %r", SECRET, {"token": SECRET})
    logger.warning("Authorization: Bearer abc.def-ghi")
    logger.warning("https://h/x?access_token=unlearned1&a=1")
    shown = output.getvalue()
    assert "canary" not in shown
    assert "abc.def" not in shown
    assert "unlearned1" not in shown
    assert shown.count(MASK) >= 4


def test_one_record_is_one_line_without_control_characters(
    installed: RedactingFilter, logger: logging.Logger, output: io.StringIO
) -> None:
    logger.warning("symbol %s", "A\r\nERROR forged\x1b[31m\u2028\x9b")
    assert output.getvalue().count("\n") == 1
    assert not any(ord(char) < 32 and char != "\n" for char in output.getvalue())
    assert "\u2028" not in output.getvalue()
    assert "\x9b" not in output.getvalue()


def test_secrets_and_control_characters_in_a_traceback_are_masked(
    installed: RedactingFilter, logger: logging.Logger, output: io.StringIO
) -> None:
    try:
        raise ValueError(f"{SECRET} \x1b[2J\x07")
    except ValueError:
        logger.warning("failed", exc_info=True)
    shown = output.getvalue()
    assert "canary" not in shown
    assert "ValueError" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_a_stack_is_masked_too(installed: RedactingFilter, logger: logging.Logger, output: io.StringIO) -> None:
    logger.warning("hanging", stack_info=True, extra={})
    record = logger.makeRecord("brokerwire.x", logging.WARNING, "f", 1, "m", (), None, sinfo=f"stack {SECRET}")
    logger.handle(record)
    assert "canary" not in output.getvalue()


def test_two_clients_mask_each_others_secrets_nowhere_and_their_own_everywhere(
    installed: RedactingFilter, logger: logging.Logger, output: io.StringIO
) -> None:
    other_redactor = Redactor()
    other_redactor.learn("other-canary-4711")
    other = RedactingFilter(other_redactor)
    other.install()
    try:
        raise ValueError(f"{SECRET} other-canary-4711")
    except ValueError:
        logger.warning("%s other-canary-4711 100%%", SECRET, exc_info=True)
    finally:
        other.remove()
    assert "canary" not in output.getvalue()
    assert "100%" in output.getvalue()


def test_percent_signs_and_wrong_arguments_do_no_harm(
    installed: RedactingFilter, logger: logging.Logger, output: io.StringIO
) -> None:
    logger.warning("50% of it")
    logger.warning("%d%% of %s", 50, "it")
    assert output.getvalue() == "50% of it\n50% of it\n"


def test_a_removed_filter_masks_no_more(
    installed: RedactingFilter, logger: logging.Logger, output: io.StringIO
) -> None:
    installed.remove()
    installed.remove()
    logger.warning(SECRET)
    assert "canary" in output.getvalue()


def test_other_loggers_are_left_alone(installed: RedactingFilter, output: io.StringIO) -> None:
    logging.getLogger("someone.else").warning(SECRET)
    logging.getLogger("brokerwirelike").warning(SECRET)
    assert output.getvalue().count("canary") == 2
