"""tvkit's module of this name."""

from brokerwire.compat.tvkit.data_exporter import DataExporter

__all__ = ["DataExporter"]
