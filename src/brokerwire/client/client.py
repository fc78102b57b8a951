"""Client: builds the parts, owns their lifetime."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import unquote, urlsplit

from brokerwire import __version__
from brokerwire.auth.token_manager import TokenManager
from brokerwire.auth.token_store import FileTokenStore, MemoryTokenStore, TokenStore
from brokerwire.client.environment import (
    credentials_from_environment,
    environment_of,
    proxy_of,
    token_path,
    venue_name,
)
from brokerwire.client.log_filter import RedactingFilter
from brokerwire.client.login import log_in
from brokerwire.client.offline import OfflineVenue
from brokerwire.clock import Clock, SystemClock
from brokerwire.config import (
    Credentials,
    Environment,
    Network,
    Timeouts,
    check_endpoint,
    check_proxy,
    check_seconds,
    is_loopback,
)
from brokerwire.errors import ConfigurationError, StreamError, UnsupportedError
from brokerwire.orders.journal import journal_path
from brokerwire.orders.order_office import OrderOffice
from brokerwire.redact import Redactor
from brokerwire.services.brokerage import BrokerageService
from brokerwire.services.desk import Desk
from brokerwire.services.market_data import MarketDataService
from brokerwire.services.order_execution import OrderExecutionService
from brokerwire.streaming.manager import StreamManager
from brokerwire.streaming.venue_link import VenueLink
from brokerwire.transport.http import HttpClient
from brokerwire.transport.wire_tap import TapContext, WireTap
from brokerwire.venue import Source, TokenSpec, Venue
from brokerwire.venues import load_venue, venue_names


class Client:
    """One login at one venue: its tokens, its streams and its three services.

    Nothing is read from the network before the first call. Use it as an asynchronous context, or call ``close``.

    Args:
        venue: The venue's name; None reads ``BROKERWIRE_VENUE``.
        environment: ``live``, ``paper`` (the venue's own simulation) or ``offline`` (ours, on loopback); None
            reads ``BROKERWIRE_ENVIRONMENT``, then ``<VENUE>_ENVIRONMENT``, else ``live``.
        credentials: By name, as the venue's page lists them; None reads the venue's environment variables.
        endpoints: Base addresses by key instead of the environment's, ``scheme://host:port``.
        settings: Venue options.
        max_concurrent_streams: The cap on connections; the venue's own caps can only tighten it.
        websocket: The WebSocket transport; ``aiohttp`` is the only one for now.
        journal: The path of a file that keeps client order ids and order events, so that none is lost or doubled over
            a restart; None keeps nothing. One client at a time can have it.
        recorder: A ``brokerwire.recording.Recorder``, which writes down what this client hears and says; None nothing.
        subscribe_timeout: Seconds until a ``stream_*`` call that the venue has not accepted raises.
        connect_timeout: Seconds until a dial is given up.
        close_timeout: Seconds that ``close`` takes at most.
        callback_timeout: Seconds after which an async callback is cancelled; None never.
        proxy: An HTTP proxy's URL; None reads ``HTTPS_PROXY`` and ``NO_PROXY``.
        ca_file: A file of trusted certificates instead of the system's.
        clock: Where time comes from; for tests.

    Raises:
        ConfigurationError: An argument or an environment variable is wrong; the text says which.
    """

    def __init__(
        self,
        venue: str | None = None,
        *,
        environment: str | None = None,
        credentials: Mapping[str, str] | None = None,
        endpoints: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        max_concurrent_streams: int = 10,
        websocket: str = "aiohttp",
        journal: str | PathLike[str] | None = None,
        recorder: WireTap | None = None,
        subscribe_timeout: float = 10.0,
        connect_timeout: float = 10.0,
        close_timeout: float = 5.0,
        callback_timeout: float | None = None,
        proxy: str | None = None,
        ca_file: str | Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._venue = load_venue(venue_name(venue))
        self.environment: Environment = environment_of(environment, self._venue.name)
        if websocket != "aiohttp":
            raise ConfigurationError(f"the WebSocket transport {websocket!r} does not exist; use 'aiohttp'")
        if not isinstance(max_concurrent_streams, int) or max_concurrent_streams < 1:
            raise ConfigurationError(f"max_concurrent_streams must be 1 or more, not {max_concurrent_streams!r}")
        self._timeouts = Timeouts(
            subscribe_s=check_seconds("subscribe_timeout", subscribe_timeout),
            connect_s=check_seconds("connect_timeout", connect_timeout),
            close_s=check_seconds("close_timeout", close_timeout),
            callback_s=None if callback_timeout is None else check_seconds("callback_timeout", callback_timeout),
        )
        self._clock = clock or SystemClock()
        self._redactor = Redactor()
        self._log_filter = RedactingFilter(self._redactor)
        self._offline: OfflineVenue | None = None
        self._addresses: dict[str, str] = self._resolve_addresses(endpoints)
        self._credentials = self._resolve_credentials(credentials)
        checked = _check_settings(self._venue, settings or {})
        self._http = HttpClient(
            network=self._network(proxy, ca_file),
            timeouts=self._timeouts,
            clock=self._clock,
            user_agent=f"brokerwire/{__version__}",
        )
        self._link = VenueLink(
            self._venue,
            http=self._http,
            endpoints=self._addresses,
            credentials=self._credentials,
            clock=self._clock,
            timeouts=self._timeouts,
            tap=recorder,
            redact=self._redactor,
        )
        self.streams = StreamManager(
            link=self._link, clock=self._clock, max_concurrent_streams=max_concurrent_streams, settings=checked
        )
        self._office = self._new_office(journal)
        desk = self._desk = self._new_desk(checked)
        self.market_data = MarketDataService(desk)
        self.order_execution = OrderExecutionService(desk)
        self.brokerage = BrokerageService(desk)
        self._starting: asyncio.Task[None] | None = None
        self._process_id: int | None = None
        self._is_closed = False

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Client cannot be copied into another process; make a new one there")

    def __repr__(self) -> str:
        return f"<Client {self._venue.name} {self.environment}>"

    def _new_office(self, journal: str | PathLike[str] | None) -> OrderOffice:
        path = None if journal is None else journal_path(journal)
        return OrderOffice(self._link, journal=path, owner=f"{self._venue.name} {self.environment}")

    def _new_desk(self, settings: Mapping[str, Any]) -> Desk:
        return Desk(
            link=self._link,
            streams=self.streams,
            office=self._office,
            start=self.start,
            settings=settings,
            venues_with=_venues_with,
        )

    def _network(self, proxy: str | None, ca_file: str | Path | None) -> Network:
        given = check_proxy(proxy) if proxy else None
        network = Network(proxy=given, proxy_of=self._proxy_of, ca_file=str(ca_file) if ca_file else None)
        for address in self._addresses.values():
            network.proxy_for(address)
        self._redactor.learn(_password_of(given))
        return network

    def _proxy_of(self, address: str) -> str | None:
        if self._offline is not None and is_loopback(urlsplit(address).hostname or ""):
            return None  # our own simulator: the environment cannot have meant it
        proxy = proxy_of(address)
        self._redactor.learn(_password_of(proxy))
        return proxy

    def _resolve_addresses(self, given: Mapping[str, str] | None) -> dict[str, str]:
        known = {**self._venue.endpoints.live, **self._venue.endpoints.paper}
        for key in given or {}:
            if key not in known:
                raise ConfigurationError(
                    f"{self._venue.name} has no endpoint {key!r}; it has: {', '.join(sorted(known))}",
                    venue=self._venue.name,
                )
        if given is not None:
            return {key: check_endpoint(key, address) for key, address in given.items()}
        if self.environment == "offline":
            self._offline = OfflineVenue(self._venue.name, self._clock)
            return {}
        addresses = self._venue.endpoints.of(self.environment)
        if not addresses:
            raise ConfigurationError(f"{self._venue.name} has no {self.environment} environment")
        return dict(addresses)

    def _resolve_credentials(self, given: Mapping[str, str] | None) -> Credentials:
        names = self._venue.credentials
        for name in given or {}:
            if name not in names:
                raise ConfigurationError(
                    f"{self._venue.name} has no credential {name!r}; it has: {', '.join(names) or 'none'}",
                    venue=self._venue.name,
                )
        from_environment = {} if self._offline is not None else credentials_from_environment(names)
        credentials = Credentials({**from_environment, **(given or {})})
        for secret in credentials.values():
            self._redactor.learn(secret.reveal())
        return credentials

    # Starting

    @property
    def _is_forked(self) -> bool:
        return self._process_id not in {None, os.getpid()}

    async def start(self) -> None:
        """Get ready now and not with the first call: the offline venue, the credentials, the journal.

        Every call does it first, once for all of them.

        Raises:
            ConfigurationError: Something that the venue requires is missing.
            StreamError: The client is closed, or was started in another process.
        """
        if self._is_closed:
            raise StreamError("the client is closed; make a new one")
        if self._is_forked:
            raise StreamError(
                f"the client was started in process {self._process_id} and cannot be used in its fork "
                f"{os.getpid()}: their sockets are the same; make a new client there"
            )
        if self._starting is None:
            self._process_id = os.getpid()
            self._starting = asyncio.create_task(self._prepare(), name="brokerwire start")
        task = self._starting
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if self._is_closed and task.cancelled() and not _is_being_cancelled():
                raise StreamError("the client was closed while it started") from None
            raise
        except Exception:
            if self._starting is task:
                self._starting = None
            raise

    async def _prepare(self) -> None:
        self._log_filter.install()
        self._start_recording()
        if self._offline is not None and not self._addresses:
            addresses, credentials = await self._offline.start()
            self._addresses.update(addresses)
            if not self._credentials:
                self._adopt(credentials)
        self._check_credentials()
        spec = self._venue.tokens
        if spec is not None and self._link.tokens is None and self._has_login(spec):
            self._link.tokens = self._new_tokens(spec)
        await self._office.open()

    def _start_recording(self) -> None:
        if self._link.tap is not None:
            self._link.tap.start(
                TapContext(
                    venue=self._venue.name,
                    environment=self.environment,
                    redactor=self._redactor,
                    time_ns=self._clock.time_ns,
                    notify=self._desk.notify,
                )
            )

    def _new_tokens(self, spec: TokenSpec) -> TokenManager:
        return TokenManager(
            spec,
            self._credentials,
            send=self._link.send_plain,
            store=self._token_store(),
            clock=self._clock,
            redactor=self._redactor,
            on_notice=self._desk.notify,
        )

    def _has_login(self, spec: TokenSpec) -> bool:
        """Whether tokens can be had; a venue that requires nothing can be used by nobody in particular."""
        return bool(self._venue.required) or any(name in self._credentials for name in spec.renewed_with)

    def _adopt(self, credentials: Mapping[str, str]) -> None:
        self._credentials = Credentials(credentials)
        for value in credentials.values():
            self._redactor.learn(value)
        self._link.credentials = self._credentials

    def _check_credentials(self) -> None:
        for name in sorted(self._venue.required):
            stored = (
                name == "refresh_token" and self._venue.tokens is not None and self._token_store().read() is not None
            )
            if not stored:
                variable = self._venue.credentials[name]
                hint = f"set {variable}, pass credentials={{{name!r}: ...}}" + (
                    ", or run: brokerwire auth login" if name == "refresh_token" else ""
                )
                self._credentials.require(name, venue=self._venue.name, hint=hint)

    def _token_store(self) -> TokenStore:
        is_kept = self._venue.tokens is None or self._venue.tokens.is_kept
        if self._offline is not None or not is_kept:
            return MemoryTokenStore()
        client_id = self._credentials.get("client_id")
        path = token_path(
            self._venue.name,
            auth_address=self._addresses.get("auth", ""),
            client_id=client_id.reveal() if client_id else "",
        )
        return FileTokenStore(path)

    # The login of a human

    async def log_in(self, announce: Callable[[str], None], *, port: int | None = None) -> str:
        """Log a human in with the browser; ``announce`` is given the address of the login page.

        Returns where the token is kept.

        Raises:
            UnsupportedError: The venue has no login, its keys are enough.
            AuthenticationError: The login was refused or did not come within 5 minutes.
            ConfigurationError: The client id is missing, or the port is in use.
        """
        spec = self._login_spec()
        tokens = self._new_tokens(spec)
        try:
            await log_in(
                spec,
                self._credentials,
                tokens,
                auth_address=self._link.address("auth"),
                announce=announce,
                port=port,
            )
        finally:
            await tokens.close()
        return self._login_place()

    def _login_spec(self) -> TokenSpec:
        if self._venue.tokens is None:
            raise UnsupportedError(f"{self._venue.name} has no login; its keys are enough", venue=self._venue.name)
        return self._venue.tokens

    def _login_place(self) -> str:
        store = self._token_store()
        return str(store.path) if isinstance(store, FileTokenStore) else "memory"

    def login_status(self) -> str:
        """Say in a line whether somebody is logged in, and where the token is kept.

        Raises:
            UnsupportedError: The venue has no login.
        """
        self._login_spec()
        stored = self._token_store().read()
        if stored is not None:
            return f"logged in at {self._venue.name}; the token is in {self._login_place()}"
        if "refresh_token" in self._credentials:
            return f"a refresh token for {self._venue.name} is given by the environment"
        return f"not logged in at {self._venue.name}; run: brokerwire auth login"

    def log_out(self) -> str:
        """Delete the stored token and say so in a line; the venue is not told.

        Raises:
            UnsupportedError: The venue has no login.
        """
        self._login_spec()
        place = self._login_place()
        self._token_store().erase()
        return f"logged out of {self._venue.name}; {place} is gone"

    # What the user sees besides the services

    @property
    def venue(self) -> str:
        """The venue's name."""
        return self._venue.name

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The base addresses in use, by key; offline there are none before the start."""
        return MappingProxyType(self._addresses)

    @property
    def tokens(self) -> TokenManager | None:
        """The token manager, once the first call has been made; None where the venue has no tokens."""
        return self._link.tokens

    @property
    def capabilities(self) -> Mapping[str, Source]:
        """What the venue offers, by stream or method name: ``stream``, ``derived`` or ``request``."""
        return self._venue.capabilities

    @property
    def subscriptions(self) -> Sequence[Any]:
        """The subscriptions that have not ended."""
        return tuple(self._desk.subscriptions.values())

    def health(self) -> dict[str, Any]:
        """Return how the client is doing, as plain values: token, stalls of the loop, streams, subscriptions."""
        tokens = self._link.tokens
        return {
            "venue": self._venue.name,
            "environment": self.environment,
            "is_closed": self._is_closed,
            "token_is_valid": None if tokens is None else tokens.is_valid,
            "loop_stalls": self.streams.stall_detector.stalls,
            "streams": [stream.health() for stream in self.streams.active_streams],
            "subscriptions": [
                {"id": s.id, "name": s.name, "state": s.state, "pending": s.stats.pending, "dropped": s.stats.dropped}
                for s in self._desk.subscriptions.values()
            ],
            "recording": None if self._link.tap is None else self._link.tap.health(),
        }

    async def close_all_streams(self) -> None:
        """End every subscription and every stream; the client can be used further."""
        if self._is_forked:
            return
        await self._desk.close_all("all streams were closed")
        await self.streams.close_all_streams()

    async def close(self) -> None:
        """End everything of this client; returns when nothing of it runs. Safe to call twice.

        Nothing of it runs in a process that was forked meanwhile: there this touches nothing.
        """
        self._is_closed = True
        if self._is_forked:
            return
        starting, self._starting = self._starting, None
        if starting is not None and not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeouts.close_s):
                await self.close_all_streams()
        await self.streams.close()
        with contextlib.suppress(TimeoutError):  # a disk that hangs
            async with asyncio.timeout(self._timeouts.close_s):
                await self._office.close()
        if self._link.tokens is not None:
            await self._link.tokens.close()
        await self._http.close()
        if self._link.tap is not None:
            await self._link.tap.close()
        if self._offline is not None:
            await self._offline.close()
        self._log_filter.remove()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def _password_of(address: str | None) -> str:
    return unquote(urlsplit(address or "").password or "")


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _check_settings(venue: Venue, given: Mapping[str, Any]) -> dict[str, Any]:
    for name in given:
        if name not in venue.settings:
            raise ConfigurationError(
                f"{venue.name} has no setting {name!r}; it has: {', '.join(venue.settings) or 'none'}",
                venue=venue.name,
            )
    return {**venue.settings, **given}


_ENVIRONMENTS: tuple[Environment, ...] = ("live", "paper")


def describe_venues() -> list[dict[str, Any]]:
    """Return for each venue its name, capabilities, environments, credentials, settings and intervals of bars."""
    return [
        {
            "venue": venue.name,
            "capabilities": dict(venue.capabilities),
            "environments": [name for name in _ENVIRONMENTS if venue.endpoints.of(name)] + ["offline"],
            "credentials": dict(venue.credentials),
            "settings": dict(venue.settings),
            "intervals": sorted(venue.intervals, key=_seconds_of),
        }
        for venue in map(load_venue, venue_names())
    ]


def _seconds_of(interval: str) -> int:
    return int(interval[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_592_000}[interval[-1]]


def _venues_with(capability: str) -> list[str]:
    return [name for name in venue_names() if capability in load_venue(name).capabilities]
