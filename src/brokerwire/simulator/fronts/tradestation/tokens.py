"""The tokens of the simulated sign-in: issued, expired, rotated and revoked."""

import base64
import hashlib
import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts.tradestation.answers import encode

ISSUER = "https://signin.tradestation.com/"
AUDIENCE = "https://api.tradestation.com"
DEFAULT_SCOPE = "openid offline_access profile MarketData ReadAccount Trade OptionSpreads Matrix"


class AccessToken(msgspec.Struct, frozen=True):
    """A token that was handed out; ``epoch`` tells whether it is older than a fault that ends tokens."""

    text: str
    client_id: str
    scope: str
    expires_ns: int
    epoch: int


class AuthorizationCode(msgspec.Struct, frozen=True):
    """A code waiting to be exchanged."""

    client_id: str
    redirect_uri: str
    scope: str
    challenge: str | None
    expires_ns: int


class TokenStore:
    """What the sign-in server remembers. Any refresh token is good unless it was rotated away or revoked."""

    def __init__(self, *, faults: Faults, now_ns: Callable[[], int], life_s: float) -> None:
        self._faults = faults
        self._now_ns = now_ns
        self._life_s = life_s
        self._access: dict[str, AccessToken] = {}
        self._codes: dict[str, AuthorizationCode] = {}
        self._scopes: dict[str, str] = {}
        self._clients: dict[str, set[str]] = {}
        self._dead: set[str] = set()
        self._serial = 0

    @property
    def life_s(self) -> float:
        """How long a token issued now lives."""
        fault = self._faults.active("expire_token")
        return fault.number(self._life_s) if fault else self._life_s

    def issue_code(self, code: AuthorizationCode) -> str:
        """Return a single-use authorization code."""
        text = secrets.token_urlsafe(32)
        self._codes[text] = code
        return text

    def redeem_code(self, text: str) -> AuthorizationCode | None:
        """Return what a code stands for, once, or None."""
        code = self._codes.pop(text, None)
        return code if code is not None and code.expires_ns > self._now_ns() else None

    def issue_refresh_token(self, client_id: str, scope: str) -> str:
        """Return a new refresh token."""
        text = f"v1.{secrets.token_urlsafe(36)}"
        self._scopes[text] = scope
        self._clients.setdefault(client_id, set()).add(text)
        return text

    def use_refresh_token(self, client_id: str, text: str) -> str | None:
        """Return the scope a refresh token carries, or None when it is dead."""
        if text in self._dead:
            return None
        self._clients.setdefault(client_id, set()).add(text)
        return self._scopes.setdefault(text, DEFAULT_SCOPE)

    def retire(self, text: str) -> None:
        """Make a refresh token useless, after its rotation."""
        self._dead.add(text)

    def revoke_all(self, client_id: str, text: str) -> None:
        """Revoke a refresh token and with it every other one of its API key."""
        self._dead |= self._clients.pop(client_id, set()) | {text}

    def was_retired(self, text: str) -> bool:
        """Say whether the token was rotated away or revoked."""
        return text in self._dead

    def issue_access_token(self, client_id: str, scope: str) -> AccessToken:
        """Return a new access token in the shape of a JWT."""
        now_ns, life_s = self._now_ns(), self.life_s
        self._serial += 1
        claims = {
            "iss": ISSUER,
            "sub": "auth0|simulated",
            "aud": [AUDIENCE, f"{ISSUER}userinfo"],
            "iat": now_ns // 1_000_000_000,
            "exp": int(now_ns / 1e9 + life_s),
            "azp": client_id,
            "scope": scope,
            "jti": self._serial,
        }
        token = AccessToken(
            text=_jwt(claims),
            client_id=client_id,
            scope=scope,
            expires_ns=now_ns + int(life_s * 1e9),
            epoch=self._faults.epoch,
        )
        self._access = {text: old for text, old in self._access.items() if old.expires_ns > now_ns}
        self._access[token.text] = token
        return token

    def find_access_token(self, text: str) -> AccessToken | None:
        """Return the token when it was issued here and is still good, else None."""
        token = self._access.get(text)
        return token if token is not None and self.is_good(token) else None

    def is_good(self, token: AccessToken) -> bool:
        """Say whether a token that was issued here may still be used."""
        fault = self._faults.active("expire_token")
        is_ended = fault is not None and token.epoch < fault.epoch
        return not is_ended and token.expires_ns > self._now_ns()

    def identity_token(self, client_id: str) -> str:
        """Return an OpenID identity token."""
        now_s = self._now_ns() // 1_000_000_000
        return _jwt({"iss": ISSUER, "sub": "auth0|simulated", "aud": client_id, "iat": now_s, "exp": now_s + 36_000})


def _jwt(claims: dict[str, Any]) -> str:
    head, body = (_b64(encode(part)) for part in ({"alg": "RS256", "typ": "JWT", "kid": "simulator"}, claims))
    signature = hashlib.sha512(f"{head}.{body}.{secrets.token_hex(8)}".encode()).digest() * 4
    return f"{head}.{body}.{_b64(signature)}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier."""
    return _b64(hashlib.sha256(verifier.encode()).digest())
