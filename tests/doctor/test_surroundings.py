import logging
import os

import pytest

from brokerwire.doctor.surroundings import kept_log, private_place


def test_the_log_is_kept_and_not_shown_for_as_long_as_it_lasts(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("brokerwire.streaming")
    with kept_log() as log:
        logger.warning("a callback has not returned")
        logger.info("live")
    logger.warning("afterwards")
    assert log.lines("not returned") == ["a callback has not returned"]
    assert log.lines("live") == []
    assert log.lines("live", logging.INFO) == ["live"]
    assert [record.getMessage() for record in caplog.records] == ["afterwards"]


def test_tokens_and_proxies_are_nobodys_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "mine")
    monkeypatch.delenv("no_proxy", raising=False)
    usual = os.environ["BROKERWIRE_TOKEN_DIR"]
    with private_place():
        folder = os.environ["BROKERWIRE_TOKEN_DIR"]
        assert folder != usual
        assert os.path.isdir(folder)
        assert os.environ["NO_PROXY"] == "127.0.0.1"
    assert not os.path.exists(folder)
    assert os.environ["BROKERWIRE_TOKEN_DIR"] == usual
    assert os.environ["NO_PROXY"] == "mine"
    assert "no_proxy" not in os.environ
