"""Frozen records only: secrets, credentials, endpoints and the client's settings."""

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NoReturn, TypeAlias
from urllib.parse import SplitResult, urlsplit

import msgspec

from brokerwire.errors import ConfigurationError
from brokerwire.redact import MASK

Environment: TypeAlias = Literal["live", "paper", "offline"]
Overflow: TypeAlias = Literal["coalesce", "drop_oldest", "drop_newest", "fail", "block"]
OVERFLOW_POLICIES: tuple[Overflow, ...] = ("coalesce", "drop_oldest", "drop_newest", "fail", "block")


class Secret:
    """A value that never shows: not in repr, str, format, JSON, pickle, logs or tracebacks.

    ``reveal()`` is the only way to read it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself; keep it out of names that outlive the call."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied into another process; pass the credentials instead")


class Credentials(Mapping[str, Secret]):
    """Named secrets of one venue, for example ``api_key`` and ``api_secret``."""

    __slots__ = ("_secrets",)

    def __init__(self, values: Mapping[str, str | Secret]) -> None:
        for name, value in values.items():
            if value is not None and not isinstance(value, str | Secret):
                raise ConfigurationError(f"the credential {name} must be text, not {type(value).__name__}")
        self._secrets = {
            name: value if isinstance(value, Secret) else Secret(value) for name, value in values.items() if value
        }

    def __getitem__(self, name: str) -> Secret:
        return self._secrets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._secrets)

    def __len__(self) -> int:
        return len(self._secrets)

    def __repr__(self) -> str:
        return f"Credentials({', '.join(self._secrets)})"

    def require(self, name: str, *, venue: str, hint: str) -> Secret:
        """Return the secret ``name``.

        Raises:
            ConfigurationError: It was not given; ``hint`` says where to put it.
        """
        secret = self._secrets.get(name)
        if secret is None:
            raise ConfigurationError(f"{venue} needs {name}: {hint}", venue=venue)
        return secret


def check_seconds(name: str, value: float) -> float:
    """Return ``value``.

    Raises:
        ConfigurationError: It is not a number of seconds over 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ConfigurationError(f"{name} must be a number of seconds over 0, not {value!r}")
    return value


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long the client waits, in seconds."""

    subscribe_s: float = 10.0
    connect_s: float = 10.0
    close_s: float = 5.0
    callback_s: float | None = None
    request_s: float = 30.0


def _directly(_address: str) -> str | None:
    """Reach every address without a proxy."""
    return None


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """How the client reaches the network.

    ``proxy`` is an HTTP proxy for every address; else ``proxy_of`` names one for an address, as the environment
    does; ``ca_file`` holds trusted certificates instead of the system's.
    """

    proxy: str | None = None
    proxy_of: Callable[[str], str | None] = _directly
    ca_file: str | None = None

    def proxy_for(self, address: str) -> str | None:
        """Return the proxy that ``address`` is reached through, or None."""
        return self.proxy or self.proxy_of(address)

    def __repr__(self) -> str:
        return f"Network(ca_file={self.ca_file!r})"  # a proxy's address may hold a password


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PLAINTEXT = frozenset({"http", "ws"})
_ENCRYPTED = frozenset({"https", "wss"})


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` is this machine: ``localhost``, ``127.x.x.x`` or ``::1``."""
    return host in _LOOPBACK or (host.startswith("127.") and host.replace(".", "").isdigit())


def check_endpoint(key: str, address: str) -> str:
    """Return ``address`` without a trailing slash.

    Raises:
        ConfigurationError: It is not ``scheme://host:port``, or plaintext to another machine.
    """
    parts = _split(f"endpoint {key!r}", address)
    if parts.scheme not in _PLAINTEXT | _ENCRYPTED or not parts.hostname:
        raise ConfigurationError(f"endpoint {key!r} must look like https://host:port or wss://host:port")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password:
        raise ConfigurationError(f"endpoint {key!r} takes scheme://host:port only: no path, query or user name")
    if parts.scheme in _PLAINTEXT and not is_loopback(parts.hostname):
        raise ConfigurationError(
            f"endpoint {key!r} is plaintext to another machine ({parts.hostname}); use {parts.scheme}s://"
        )
    return f"{parts.scheme}://{parts.netloc}"


def check_proxy(address: str) -> str:
    """Return the address of an HTTP proxy; without a scheme it is ``http``.

    Raises:
        ConfigurationError: It is none; the text leaves out what it holds, which may be a password.
    """
    address = address if "://" in address else f"http://{address}"
    parts = _split("the proxy", address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError("the proxy must look like http://host:port; other kinds of proxy are not supported")
    return address


def _split(what: str, address: str) -> SplitResult:
    """Part an address; the port is read too, which is where a wrong one shows.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        parts = urlsplit(address)
        _ = parts.port
    except (ValueError, AttributeError, TypeError) as exc:
        raise ConfigurationError(f"{what} is not an address; write scheme://host:port") from exc
    return parts
