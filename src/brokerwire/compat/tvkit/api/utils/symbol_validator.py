"""tvkit's module of this name."""

from brokerwire.compat.tvkit.arguments import validate_symbols

__all__ = ["validate_symbols"]
