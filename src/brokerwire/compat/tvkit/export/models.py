"""tvkit's module of this name: how bars are written, and what has become of it."""

from brokerwire.compat.tvkit.export_models import ExportConfig, ExportFormat, ExportMetadata, ExportResult

__all__ = ["ExportConfig", "ExportFormat", "ExportMetadata", "ExportResult"]
