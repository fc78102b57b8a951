"""tvkit's module of this name."""

from brokerwire.compat.tvkit.models import Adjustment

__all__ = ["Adjustment"]
