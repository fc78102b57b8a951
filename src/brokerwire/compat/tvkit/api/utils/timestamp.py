"""tvkit's module of this name."""

from brokerwire.compat.tvkit.arguments import convert_timestamp_to_iso

__all__ = ["convert_timestamp_to_iso"]
