"""Finds venue folders by name and loads one on demand."""

import importlib
import pkgutil

from brokerwire.errors import ConfigurationError
from brokerwire.venue import Venue


def venue_names() -> list[str]:
    """Return the names of all venues, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)


def load_venue(name: str) -> Venue:
    """Return the venue ``name``; upper and lower case are one.

    Raises:
        ConfigurationError: There is no such venue; the text lists those that exist.
    """
    known = venue_names()
    if name.lower() not in known:
        raise ConfigurationError(f"there is no venue {name!r}; there are: {', '.join(known)}", venue=name)
    module = importlib.import_module(f"{__name__}.{name.lower()}")
    venue: Venue = module.VENUE
    return venue
