"""TokenManager: the current token of a client and its single-flight refresh."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from msgspec import Struct

from brokerwire.auth.token_store import StoredToken, TokenStore, fingerprint
from brokerwire.clock import Clock
from brokerwire.config import Credentials, Secret
from brokerwire.errors import AuthenticationError, BrokerwireError, ReauthenticationRequired, StreamError
from brokerwire.redact import Redactor, clean
from brokerwire.venue import Request, Response, TokenGrant, TokenSpec

logger = logging.getLogger(__name__)

RENEW_AT = 0.8
"""Tokens are renewed when this share of their life has passed."""

LEAST_LEFT_S = 30.0
"""A token with less life than this is not handed out."""

RETRY_S = (5.0, 60.0)
"""First and longest wait between failed renewals ahead of expiry."""


class _Current(Struct, frozen=True):
    token: Secret
    renew_at: float
    expires_at: float


class TokenManager:
    """Hands out a good access token; ten callers who find it stale cause one refresh.

    A rotated refresh token is stored before the new access token is used. The token is renewed at
    80 % of its life by a task of its own, which starts with the first token and ends with ``close``.
    """

    def __init__(
        self,
        spec: TokenSpec,
        credentials: Credentials,
        *,
        send: Callable[[Request], Awaitable[Response]],
        store: TokenStore,
        clock: Clock,
        redactor: Redactor,
        on_notice: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._spec = spec
        self._credentials = credentials
        self._send = send
        self._store = store
        self._clock = clock
        self._redactor = redactor
        self._on_notice = on_notice
        self._current: _Current | None = None
        self._flight: asyncio.Task[Secret] | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._unsaved: StoredToken | None = None
        self._is_closed = False
        self.refresh_count = 0

    @property
    def is_valid(self) -> bool:
        """Whether a token is at hand that may be used now."""
        return self._current is not None and self._clock.monotonic() < self._current.expires_at - LEAST_LEFT_S

    @property
    def current(self) -> Secret | None:
        """The token that was handed out last."""
        return None if self._current is None else self._current.token

    async def token(self) -> Secret:
        """Return an access token that is good for at least 30 s.

        Raises:
            ReauthenticationRequired: The refresh token is no longer good; log in again.
            AuthenticationError: The token endpoint refused for another reason.
            VenueUnavailableError: The token endpoint did not answer, and no good token is left.
            StreamError: The manager is closed.
        """
        current = self._current
        if current is not None and self._clock.monotonic() < current.expires_at - LEAST_LEFT_S:
            return current.token
        return await self.refresh(current.token if current else None)

    async def refresh(self, stale: Secret | None) -> Secret:
        """Renew the token unless somebody already did since ``stale`` was handed out.

        Raises:
            The errors of ``token``.
        """
        if self._is_closed:
            raise StreamError("the client is closed; make a new one")
        current = self._current
        if current is not None and stale is not None and current.token != stale and self.is_valid:
            return current.token
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._fetch(stale), name="brokerwire-token-refresh")
            self._flight.add_done_callback(_retrieve)
        return await asyncio.shield(self._flight)

    async def _fetch(self, stale: Secret | None) -> Secret:
        async with self._locked():
            stored = self._unsaved or await asyncio.to_thread(self._store.read)
            if stored is not None and (shared := self._usable(stored, stale)) is not None:
                return shared
            refresh_token = self._refresh_token(stored)
            self.refresh_count += 1
            grant = await self._ask(self._spec.build_refresh(self._credentials, refresh_token))
            await self._keep(self._stored(grant, refresh_token))
        return self._adopt(grant.access_token, grant.expires_in_s)

    async def take_login(self, exchange: Request) -> None:
        """Turn the code of a login into tokens and keep them; the refresh token becomes the given one.

        Raises:
            AuthenticationError: The code was refused, or no refresh token came with it.
        """
        async with self._locked():
            grant = await self._ask(exchange)
            if grant.refresh_token is None:
                raise AuthenticationError("the login gave no refresh token; ask for the scope offline_access")
            await self._keep(self._stored(grant, grant.refresh_token))
        self._adopt(grant.access_token, grant.expires_in_s)

    async def _ask(self, request: Request) -> TokenGrant:
        """Ask the token endpoint; what it says about a secret is masked, should it repeat one."""
        try:
            grant = self._spec.parse_grant(await self._send(request))
        except BrokerwireError as exc:
            exc.args = (self._redactor(str(exc)),)
            raise
        self._learn(grant)
        return grant

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """Hold off other processes; where the disk does not even take a lock, go on without one."""
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._store.lock(self._clock))
            except OSError as exc:
                logger.error("the token file could not be locked (%s); other processes are not held off", exc)
            yield

    async def _keep(self, token: StoredToken) -> None:
        """Store before use. A disk that fails must not end a service whose token is good: it is kept in memory."""
        self._unsaved = None
        try:
            await asyncio.to_thread(self._store.write, token)
        except OSError as exc:
            self._unsaved = token
            logger.error("the token could not be stored (%s); a restart may need a new login", exc)

    def _usable(self, stored: StoredToken, stale: Secret | None) -> Secret | None:
        """Return the token that another process renewed meanwhile, if it serves."""
        left_s = (stored.expires_at_ns - self._clock.time_ns()) / 1e9
        token = Secret(stored.access_token)
        if not stored.access_token or token == stale or left_s < LEAST_LEFT_S or not self._is_ours(stored):
            return None
        self._redactor.learn(stored.access_token)
        return self._adopt(token, left_s)

    @property
    def _given(self) -> Secret | None:
        """What renews the token, as it was given."""
        names = [name for name in self._spec.renewed_with if name in self._credentials]
        return self._credentials[names[0]] if names else None

    def _is_ours(self, stored: StoredToken) -> bool:
        given = self._given
        return given is None or stored.given == fingerprint(given)

    def _refresh_token(self, stored: StoredToken | None) -> Secret:
        """A token rotated from the given one wins over it; a token given anew wins over the file."""
        if stored is not None and self._is_ours(stored):
            self._redactor.learn(stored.refresh_token)
            return Secret(stored.refresh_token)
        given = self._given
        if given is None:
            raise ReauthenticationRequired("nobody is logged in; run: brokerwire auth login")
        return given

    def _learn(self, grant: TokenGrant) -> None:
        self._redactor.learn(grant.access_token.reveal())
        if grant.refresh_token is not None:
            self._redactor.learn(grant.refresh_token.reveal())

    def _stored(self, grant: TokenGrant, used: Secret) -> StoredToken:
        given = self._given or used
        return StoredToken(
            given=fingerprint(given),
            refresh_token=(grant.refresh_token or used).reveal(),
            access_token=grant.access_token.reveal(),
            expires_at_ns=self._clock.time_ns() + int(grant.expires_in_s * 1e9),
            scope=grant.scope,
        )

    def _adopt(self, token: Secret, life_s: float) -> Secret:
        now = self._clock.monotonic()
        self._current = _Current(token, now + max(RENEW_AT * life_s, RETRY_S[0]), now + life_s)
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew_ahead(), name="brokerwire-token-renewal")
        return token

    async def _renew_ahead(self) -> None:
        """Renew at 80 % of each token's life; keep trying when it fails, the token in use stays good.

        Ends when a human must log in; the next token that is handed out begins it anew.
        """
        delay_s = RETRY_S[0]
        while (current := self._current) is not None:  # pragma: no branch - what takes the token away cancels this
            wait_s = current.renew_at - self._clock.monotonic()
            if wait_s > 0:
                await self._clock.sleep(wait_s)
                continue
            try:
                await self.refresh(current.token)
            except ReauthenticationRequired as exc:
                logger.error("the login has ended, streams go on until their token expires: %s", exc)
                self._on_notice(f"the login has ended: {exc}")
                return
            except BrokerwireError as exc:
                left_s = current.expires_at - self._clock.monotonic()
                logger.warning("renewing the token failed, %.0f s before it expires: %s", left_s, exc)
                self._on_notice(f"renewing the token failed, {left_s:.0f} s before it expires: {exc}")
            except Exception as exc:  # the top of a task: whatever it is, the next attempt may go well
                logger.error("renewing the token failed: %s", clean(repr(exc)), exc_info=exc)
            else:
                delay_s = RETRY_S[0]
                continue
            await self._clock.sleep(delay_s)
            delay_s = min(2 * delay_s, RETRY_S[1])

    async def close(self) -> None:
        """Stop renewing, hand out no more; safe to call twice."""
        self._is_closed = True
        self._current = None
        tasks: list[asyncio.Task[Any]] = [task for task in (self._renewal, self._flight) if task is not None]
        self._renewal = self._flight = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _retrieve(flight: "asyncio.Task[Secret]") -> None:
    """Take note of how a renewal ended: whoever asked for it may have given up waiting."""
    if not flight.cancelled():
        flight.exception()
