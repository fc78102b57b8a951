"""The only reader of environment variables."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast, get_args
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from brokerwire.config import Environment
from brokerwire.errors import ConfigurationError

_ALIASES = {
    "live": "live",
    "production": "live",
    "paper": "paper",
    "simulation": "paper",
    "sim": "paper",
    "testnet": "paper",
    "offline": "offline",
}


def venue_name(given: str | None) -> str:
    """Return the venue that was given, or ``BROKERWIRE_VENUE``.

    Raises:
        ConfigurationError: Neither is there.
    """
    name = given or os.environ.get("BROKERWIRE_VENUE")
    if not name:
        raise ConfigurationError("name a venue: Client('tradestation'), or set BROKERWIRE_VENUE")
    return name


def environment_of(given: str | None, venue: str) -> Environment:
    """Return the environment: given, ``BROKERWIRE_ENVIRONMENT``, ``<VENUE>_ENVIRONMENT``, else ``live``.

    Raises:
        ConfigurationError: It is none of live, paper, offline.
    """
    variable = f"{venue.upper()}_ENVIRONMENT"
    text = given or os.environ.get("BROKERWIRE_ENVIRONMENT") or os.environ.get(variable) or "live"
    known = _ALIASES.get(text.strip().lower())
    if known is None:
        raise ConfigurationError(
            f"environment {text!r} is unknown; use one of {', '.join(get_args(Environment))}", venue=venue
        )
    return cast(Environment, known)


def credentials_from_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the credentials that are set, given each one's variable name."""
    found = {name: os.environ.get(variable, "").strip() for name, variable in variables.items()}
    return {name: value for name, value in found.items() if value}


def proxies_for(addresses: Iterable[str]) -> dict[str, str]:
    """Return the proxy by host that the environment names (``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY``)."""
    proxies = getproxies_environment()
    found: dict[str, str] = {}
    for address in addresses:
        parts = urlsplit(address)
        scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
        proxy = proxies.get(scheme) or proxies.get("all")
        if proxy and parts.hostname and not proxy_bypass(parts.netloc):
            found[parts.hostname] = proxy
    return found


def token_path(venue: str, *, auth_address: str, client_id: str) -> Path:
    """Return the token file of one login: ``BROKERWIRE_TOKEN_DIR``, else the user's configuration folder."""
    folder = os.environ.get("BROKERWIRE_TOKEN_DIR")
    if not folder:
        configuration = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        folder = str(Path(configuration) / "brokerwire" / "tokens")
    login = hashlib.sha256(f"{auth_address} {client_id}".encode()).hexdigest()[:16]
    return Path(folder) / f"{venue}-{login}.json"
