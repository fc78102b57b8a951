"""The only reader of environment variables."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import cast, get_args
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from brokerwire.config import Environment, check_proxy
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


def proxy_of(address: str) -> str | None:
    """Return the proxy that the environment names for an address (``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY``).

    Raises:
        ConfigurationError: What it names is no HTTP proxy.
    """
    parts = urlsplit(address)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    proxies = getproxies_environment()
    proxy = proxies.get(scheme) or proxies.get("all")
    return check_proxy(proxy) if proxy and not proxy_bypass(parts.netloc) else None


def token_path(venue: str, *, auth_address: str, client_id: str) -> Path:
    """Return the token file of one login: ``BROKERWIRE_TOKEN_DIR``, else the user's configuration folder."""
    folder = os.environ.get("BROKERWIRE_TOKEN_DIR")
    if not folder:
        configuration = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        folder = str(Path(configuration) / "brokerwire" / "tokens")
    login = hashlib.sha256(f"{auth_address} {client_id}".encode()).hexdigest()[:16]
    return Path(folder) / f"{venue}-{login}.json"
