"""tvkit's package of this name: times as text, and whether symbols exist."""

from brokerwire.compat.tvkit.arguments import convert_timestamp_to_iso, validate_symbols

__all__ = ["convert_timestamp_to_iso", "validate_symbols"]
