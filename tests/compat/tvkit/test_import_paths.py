"""``brokerwire.compat.`` in front of an import of tvkit's makes it one of ours."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import brokerwire.compat.tvkit as flat

# Every import of the two guides and of tvkit's README and docstrings, of names that there are here.
LINES = """
from tvkit import OHLCV, DataExporter, ExportFormat, convert_timestamp_to_iso, validate_symbols
from tvkit.api.chart import OHLCV, Adjustment, StreamConnectionError
from tvkit.api.chart.exceptions import NoHistoricalDataError, SeriesError, StreamConnectionError
from tvkit.api.chart.ohlcv import OHLCV
from tvkit.api.chart.models import StreamConfig
from tvkit.api.chart.models.adjustment import Adjustment
from tvkit.api.chart.models.ohlcv import OHLCVBar, OHLCVResponse, QuoteSymbolData, WebSocketMessage
from tvkit.api.chart.models.stream_models import OHLCVData, StreamerResponse, TradeData
from tvkit.api.chart.realtime import ExportConfig, IndicatorConfig, RealtimeStreamer, StreamConfig, StreamData
from tvkit.api.utils import convert_timestamp_to_iso, validate_symbols
from tvkit.api.utils.symbol_validator import validate_symbols
from tvkit.api.utils.timestamp import convert_timestamp_to_iso
from tvkit.export import DataExporter, ExportConfig, ExportFormat
from tvkit.export.data_exporter import DataExporter
from tvkit.export.models import ExportMetadata, ExportResult
from tvkit.validation import DataIntegrityError, ViolationType, validate_ohlcv
""".strip().splitlines()

ELSEWHERE = {
    "NoHistoricalDataError": "DataNotFoundError",
    "StreamConnectionError": "WebSocketException",
}
"""tvkit's name of an error of ours."""


@pytest.mark.parametrize("line", LINES)
def test_the_import_line_works_with_ours_in_front(line: str) -> None:
    parts = re.fullmatch(r"from (\S+) import (.+)", line)
    assert parts is not None
    module = import_module(f"brokerwire.compat.{parts[1]}")
    for name in parts[2].split(", "):
        found = getattr(module, name)
        ours = ELSEWHERE.get(name, name)
        if hasattr(flat, ours) and not (name == "ExportConfig" and "export" in parts[1]):
            assert found is getattr(flat, ours)


FOLDERS = [Path(flat.__file__).parent / name for name in ("api", "export", "validation")]


@pytest.mark.parametrize(
    "path", [path for folder in FOLDERS for path in sorted(folder.rglob("*.py"))], ids=lambda path: path.stem
)
def test_a_path_only_passes_names_on(path: Path) -> None:
    kinds = {line.split(maxsplit=1)[0] for line in path.read_text().splitlines() if re.match(r"\w", line)}
    assert kinds <= {"from", "__all__"}
