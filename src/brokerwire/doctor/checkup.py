"""The check-up of a login at a venue: nothing is placed, no stream is opened, no secret is shown."""

import platform
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct

from brokerwire import __version__
from brokerwire.auth.token_store import FileTokenStore
from brokerwire.client.client import Client
from brokerwire.client.environment import (
    credentials_from_environment,
    environment_of,
    proxy_of,
    token_path,
    venue_name,
)
from brokerwire.clock import SystemClock
from brokerwire.config import Network, Timeouts, check_endpoint
from brokerwire.doctor.reach import Reach, reach
from brokerwire.errors import BrokerwireError, ConfigurationError
from brokerwire.redact import Redactor, escape
from brokerwire.transport.http import HttpClient
from brokerwire.venue import Venue
from brokerwire.venues import load_venue

Outcome: TypeAlias = Literal["ok", "warning", "failed", "skipped"]

MOST_SKEW_S = 1.0
"""A wall clock that is off by more than this makes signed requests fail at some venues."""

FATAL_SKEW_S = 5.0
SLOW_MS = 500.0
_PACKAGES = ("aiohttp", "msgspec", "uvloop")
_FIRST_TRIES = ("get_accounts", "get_balances", "get_orders")
"""Requests that need a login and change nothing; the first one that the venue has is made."""


class Check(Struct, frozen=True, kw_only=True, tag="check", tag_field="type", omit_defaults=True):
    """How one check went: ``text`` says what was found, ``advice`` what to do about it."""

    check: str
    verdict: Outcome
    text: str
    advice: str = ""
    figures: Mapping[str, float] = {}


class _Login(Struct, frozen=True, kw_only=True):
    """Whose login is checked, and where."""

    venue: Venue
    environment: str
    given: Mapping[str, str] | None
    credentials: Mapping[str, str]

    @property
    def addresses(self) -> Mapping[str, str]:
        """The base addresses that a client would use."""
        return self.given or {"live": self.venue.endpoints.live, "paper": self.venue.endpoints.paper}[self.environment]

    @property
    def token_file(self) -> FileTokenStore:
        """Where a client would keep the token."""
        auth, client_id = self.addresses.get("auth", ""), self.credentials.get("client_id", "")
        return FileTokenStore(token_path(self.venue.name, auth_address=auth, client_id=client_id))


async def check_up(
    venue: str | None, environment: str | None, *, endpoints: Mapping[str, str] | None = None
) -> AsyncIterator[Check]:
    """Check the configuration, the way to each endpoint, the clock and the credentials, one after the other.

    Raises:
        ConfigurationError: The venue, the environment or an endpoint is none.
    """
    login = _login_of(venue, environment, endpoints)
    redact = Redactor()
    for secret in login.credentials.values():
        redact.learn(secret)
    async for check in _checks(login):
        text, advice = (escape(redact(each)) for each in (check.text, check.advice))
        yield Check(check=check.check, verdict=check.verdict, text=text, advice=advice, figures=check.figures)


def _login_of(venue: str | None, environment: str | None, endpoints: Mapping[str, str] | None) -> _Login:
    found = load_venue(venue_name(venue))
    name = environment_of(environment, found.name)
    if not endpoints and not found.endpoints.of(name):
        raise ConfigurationError(f"a check-up needs an environment that {found.name} has itself, not {name!r}")
    given = {key: check_endpoint(key, address) for key, address in (endpoints or {}).items()}
    return _Login(
        venue=found,
        environment=name,
        given=given or None,
        credentials=credentials_from_environment(found.credentials),
    )


async def _checks(login: _Login) -> AsyncIterator[Check]:
    yield _versions()
    yield _configuration(login)
    if login.venue.tokens is not None:
        yield _token_file(login)
    yield _proxies(login.addresses.values())
    reached: list[Reach] = []
    async for key, found in _reach_all(login.addresses):
        if isinstance(found, Reach):
            reached.append(found)
        yield endpoint_check(key, found)
    yield clock_check(reached)
    yield await _credentials(login)


# What is on this machine


def _versions() -> Check:
    found = [f"brokerwire {__version__}", f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return Check(check="versions", verdict="ok", text=f"{', '.join(found)}, on {sys.platform}")


def _configuration(login: _Login) -> Check:
    """Say which variables are set, and never to what."""
    variables = login.venue.credentials
    is_set = [variables[name] for name in login.credentials]
    stored = {"refresh_token"} if login.venue.tokens is not None and login.token_file.path.exists() else set()
    missing = [variables[name] for name in sorted(login.venue.required - set(login.credentials) - stored)]
    text = f"{login.venue.name}, {login.environment}; set: {', '.join(is_set) or 'none'}"
    if missing:
        advice = "set them in the environment or in .env; a refresh token comes from: brokerwire auth login"
        return Check(
            check="configuration", verdict="failed", text=f"{text}; missing: {', '.join(missing)}", advice=advice
        )
    return Check(check="configuration", verdict="ok", text=text)


def _token_file(login: _Login) -> Check:
    path = login.token_file.path
    try:
        stored = login.token_file.read()
        mode = path.stat().st_mode & 0o777 if stored else 0
    except (ConfigurationError, OSError) as exc:
        return Check(check="token file", verdict="failed", text=str(exc))
    if stored is None:
        is_given = "refresh_token" in login.credentials
        advice = "it is made with the first token" if is_given else "run: brokerwire auth login"
        return Check(check="token file", verdict="skipped", text=f"there is none at {path}", advice=advice)
    return Check(check="token file", verdict="ok", text=f"{path}, mode {mode:04o}, readable by its owner only")


def _proxies(addresses: Iterable[str]) -> Check:
    try:
        used = dict.fromkeys(_host_of(proxy) for address in addresses if (proxy := proxy_of(address)))
    except ConfigurationError as exc:
        return Check(check="proxies", verdict="failed", text=str(exc), advice="correct HTTPS_PROXY, or unset it")
    return Check(check="proxies", verdict="ok", text=f"through {', '.join(used)}" if used else "none; reached directly")


def _host_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


# The way there


async def _reach_all(addresses: Mapping[str, str]) -> AsyncIterator[tuple[str, Reach | BrokerwireError]]:
    clock = SystemClock()
    http = HttpClient(
        network=Network(proxy_of=proxy_of),
        timeouts=Timeouts(request_s=10.0),
        clock=clock,
        user_agent=f"brokerwire/{__version__}",
    )
    try:
        for key, address in addresses.items():
            try:
                yield key, await reach(address, http=http, clock=clock)
            except BrokerwireError as exc:
                yield key, exc
    finally:
        await http.close()


def endpoint_check(key: str, found: Reach | BrokerwireError) -> Check:
    """Judge the way to one endpoint."""
    name = f"endpoint {key}"
    if not isinstance(found, Reach):
        return Check(check=name, verdict="failed", text=str(found), advice=_advice_on(found))
    is_slow, is_down = found.latency_ms > SLOW_MS, found.status >= 500
    times = f"{found.host} answers in {found.latency_ms:.0f} ms, the first time in {found.first_ms:.0f} ms"
    advice = "the venue has trouble" if is_down else "orders and quotes will be late" if is_slow else ""
    return Check(
        check=name,
        verdict="warning" if is_slow or is_down else "ok",
        text=f"{times}; {found.tls}",
        advice=advice,
        figures={"latency_ms": round(found.latency_ms, 1), "first_ms": round(found.first_ms, 1)},
    )


def _advice_on(error: BrokerwireError) -> str:
    text = str(error)
    if "certificate" in text:
        return "something between this machine and the venue answers in its place, or the system's certificates are old"
    if "resolved" in text:
        return "check the network and its name server"
    return "check the network, a firewall, HTTPS_PROXY, and the venue's status page"


def clock_check(reached: Iterable[Reach]) -> Check:
    """Compare the wall clock with the servers'; their dates have whole seconds, so an offset lies between bounds."""
    bounds = [(each.host, each.skew_s) for each in reached if each.skew_s is not None]
    if not bounds:
        return Check(check="clock", verdict="skipped", text="no server told its time")
    host, (low, high) = min(bounds, key=lambda each: each[1][1] - each[1][0])
    least_s = max(low, -high, 0.0)
    text = f"off by {least_s:.1f} s or more, by the clock of {host}" if least_s else f"agrees with the clock of {host}"
    verdict: Outcome = "failed" if least_s > FATAL_SKEW_S else "warning" if least_s > MOST_SKEW_S else "ok"
    advice = (
        "" if verdict == "ok" else "set the clock, and keep it with NTP: signed requests and token lives depend on it"
    )
    return Check(check="clock", verdict=verdict, text=text, advice=advice, figures={"skew_s": round(least_s, 2)})


# The login


async def _credentials(login: _Login) -> Check:
    """Ask something that needs the login; without a request for that, renew the token."""
    if not login.venue.required <= set(login.credentials) and not _has_token(login):
        return Check(check="credentials", verdict="skipped", text="not tried: something is missing")
    asked = next((name for name in _FIRST_TRIES if name in login.venue.capabilities), None)
    if asked is None:
        return Check(
            check="credentials", verdict="skipped", text=f"{login.venue.name} has nothing here that needs them"
        )
    client = Client(login.venue.name, environment=login.environment, endpoints=login.given)
    try:
        found = await getattr(client.brokerage, asked)()
    except BrokerwireError as exc:
        advice = "run: brokerwire auth login" if exc.action == "stop" and login.venue.tokens else "try again later"
        return Check(check="credentials", verdict="failed", text=f"{type(exc).__name__}: {exc}", advice=advice)
    finally:
        await client.close()
    return Check(check="credentials", verdict="ok", text=f"accepted; {asked} answered with {len(found)} records")


def _has_token(login: _Login) -> bool:
    return login.venue.tokens is not None and login.token_file.path.exists()
