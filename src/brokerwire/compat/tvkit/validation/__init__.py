"""tvkit's package of this name: whether bars can be what they say."""

from brokerwire.compat.tvkit.integrity import (
    ContextValue,
    DataIntegrityError,
    ValidationResult,
    Violation,
    ViolationContext,
    ViolationType,
    validate_ohlcv,
)

__all__ = [
    "ContextValue",
    "DataIntegrityError",
    "ValidationResult",
    "Violation",
    "ViolationContext",
    "ViolationType",
    "validate_ohlcv",
]
