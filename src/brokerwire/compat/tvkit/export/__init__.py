"""tvkit's package of this name: bars as frames and files."""

from brokerwire.compat.tvkit.data_exporter import DataExporter
from brokerwire.compat.tvkit.export_models import ExportConfig, ExportFormat, ExportMetadata, ExportResult

__all__ = ["DataExporter", "ExportConfig", "ExportFormat", "ExportMetadata", "ExportResult"]
