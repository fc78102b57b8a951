from typing import Any

import pytest

from brokerwire.compat.tvkit.export_models import (
    CSV_OPTIONS,
    ExportConfig,
    ExportFormat,
    ExportMetadata,
    known_options,
)


def test_a_configuration_has_tvkits_defaults() -> None:
    config = ExportConfig(**{"format": "csv"})
    assert (config.format, config.timestamp_format, config.include_metadata) == (ExportFormat.CSV, "iso", True)
    assert (config.file_path, config.options) == (None, {})


@pytest.mark.parametrize("wrong", [{"format": "xlsx"}, {"timestamp_format": "tomorrow"}, {"options": 1}], ids=str)
def test_a_wrong_configuration_is_a_value_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="ExportConfig"):
        ExportConfig(**{"format": "csv", **wrong})


def test_metadata_say_when_they_were_made() -> None:
    told = ExportMetadata(source="ohlcv", record_count=3, format=ExportFormat.JSON)
    assert told.export_timestamp.tzinfo is not None


def test_options_are_those_that_there_are() -> None:
    assert known_options({"delimiter": ";"}, CSV_OPTIONS) == {"delimiter": ";"}
    with pytest.raises(ValueError, match="colour is no option here; there are delimiter"):
        known_options({"colour": 1}, CSV_OPTIONS)
