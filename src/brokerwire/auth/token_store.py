"""Where tokens are kept between runs: a private file, replaced as a whole, locked while it is renewed."""

import fcntl
import hashlib
import os
import stat
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from brokerwire.clock import Clock
from brokerwire.config import Secret
from brokerwire.errors import AuthenticationError, ConfigurationError

LOCK_TIMEOUT_S = 30.0
LOCK_POLL_S = 0.05


class StoredToken(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the token file; ``given`` is the hash of the refresh token that the user handed in."""

    given: str
    refresh_token: str
    access_token: str = ""
    expires_at_ns: int = 0
    scope: str = ""

    def __repr__(self) -> str:
        return f"StoredToken(expires_at_ns={self.expires_at_ns})"


def fingerprint(secret: Secret) -> str:
    """Return a hash that tells refresh tokens apart without keeping them."""
    return hashlib.sha256(secret.reveal().encode()).hexdigest()


class TokenStore(Protocol):
    """Keeps one stored token."""

    def read(self) -> StoredToken | None:
        """Return what is kept, or None."""
        ...

    def write(self, token: StoredToken) -> None:
        """Keep ``token``; it is durable when this returns."""
        ...

    def erase(self) -> None:
        """Forget what is kept."""
        ...

    def lock(self, clock: Clock) -> AbstractAsyncContextManager[None]:
        """Hold off other processes while the token is renewed."""
        ...


class MemoryTokenStore:
    """Keeps the token for the life of the client only, and lets nobody copy it."""

    def __init__(self) -> None:
        self._token: Secret | None = None

    def read(self) -> StoredToken | None:
        """Return what is kept, or None."""
        return None if self._token is None else msgspec.json.decode(self._token.reveal(), type=StoredToken)

    def write(self, token: StoredToken) -> None:
        """Keep ``token``."""
        self._token = Secret(msgspec.json.encode(token).decode())

    def erase(self) -> None:
        """Forget the token."""
        self._token = None

    @asynccontextmanager
    async def lock(self, clock: Clock) -> AsyncIterator[None]:
        """Hold off nobody: no other process sees this memory."""
        yield


class FileTokenStore:
    """A file of mode 0600 in a directory of mode 0700.

    Raises:
        ConfigurationError: Others can read the file, it is not ours or it cannot be read (from ``read``).
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> StoredToken | None:
        """Return what is kept, or None if there is no file."""
        try:
            with self.path.open("rb") as file:
                self._check_private(os.fstat(file.fileno()))
                return msgspec.json.decode(file.read(), type=StoredToken)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as exc:
            raise ConfigurationError(f"the token file {self.path} is damaged; delete it and log in again") from exc
        except OSError as exc:
            raise ConfigurationError(f"the token file {self.path} cannot be read: {exc.strerror}") from exc

    def _check_private(self, status: os.stat_result) -> None:
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or status.st_uid != os.geteuid():
            raise ConfigurationError(f"the token file {self.path} can be read by others; run: chmod 600 {self.path}")

    def write(self, token: StoredToken) -> None:
        """Replace the file as a whole; it is on disk when this returns."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self.path.parent.glob(f".{self.path.name}.*"):  # by a writer that was killed: it holds a token
            left.unlink(missing_ok=True)
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)
                file.write(msgspec.json.encode(token))
                file.flush()
                os.fsync(descriptor)
            draft.replace(self.path)
            self._sync_folder()
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def _sync_folder(self) -> None:
        """Put the new name on disk too, lest a power cut brings back the file with the token that is used up."""
        descriptor = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def erase(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)

    @asynccontextmanager
    async def lock(self, clock: Clock) -> AsyncIterator[None]:
        """Hold the file's lock; other processes wait for it.

        Raises:
            AuthenticationError: Another process held it for longer than 30 s.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            await self._wait_for(descriptor, clock)
            yield
        finally:
            os.close(descriptor)

    async def _wait_for(self, descriptor: int, clock: Clock) -> None:
        deadline = clock.monotonic() + LOCK_TIMEOUT_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if clock.monotonic() > deadline:
                    raise AuthenticationError(
                        f"another process holds the token file {self.path} for over {LOCK_TIMEOUT_S:.0f} s",
                        action="retry",
                    ) from None
                await clock.sleep(LOCK_POLL_S)
            else:
                return
