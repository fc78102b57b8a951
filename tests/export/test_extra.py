import sys

import pytest

from brokerwire.errors import ConfigurationError
from brokerwire.export.extra import load, require


def test_a_module_is_loaded() -> None:
    assert load("pyarrow.parquet").ParquetWriter


@pytest.mark.parametrize("module", ["polars", "pyarrow", "pyarrow.parquet"])
def test_a_missing_one_says_what_to_install(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError, match=r'pip install "brokerwire\[export\]"'):
        load(module)


def test_what_is_there_is_not_loaded_to_know_that(monkeypatch: pytest.MonkeyPatch) -> None:
    require("pyarrow")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match="needs pyarrow"):
        require("pyarrow")
