"""Tokens of the data socket and the cookies that lead to them; signatures are never checked."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts.tradingview.settings import ANONYMOUS_PLAN, BARS_OF_PLAN, Settings

CREDENTIALS: Mapping[str, str] = MappingProxyType(
    {
        "username": "simulated",
        "password": "simulated-password",
        "sessionid": "simsession0001",
        "sessionid_sign": "v3:simsignature0001",
    }
)
LITERALS = frozenset({"unauthorized_user_token", "widget_user_token"})
_USER_ID = 4_711


class TokenRefused(Exception):
    """The token is no token, or was made to be refused."""


class TokenExpired(Exception):
    """The token was good once."""


class Grant(msgspec.Struct, frozen=True):
    """What a token allows, and until when in UTC seconds; anonymous ones do not expire."""

    plan: str
    expires_s: float | None = None

    @property
    def is_anonymous(self) -> bool:
        return self.expires_s is None


ANONYMOUS = Grant(ANONYMOUS_PLAN)


class TokenDesk:
    """Issues tokens and looks at those that come back."""

    def __init__(self, settings: Settings, *, faults: Faults, now_ns: Callable[[], int]) -> None:
        self._settings = settings
        self._faults = faults
        self._now_ns = now_ns
        self._issued = 0

    def issue(self, life_s: float | None = None) -> str:
        """Return a fresh token of the account's plan; ``expire_token`` shortens its life."""
        now_s = self._now_ns() // 1_000_000_000
        if life_s is None:
            fault = self._faults.active("expire_token")
            life_s = fault.number(self._settings.token_life_s) if fault else self._settings.token_life_s
        self._issued += 1
        claims = {
            "user_id": _USER_ID,
            "exp": now_s + int(life_s),
            "iat": now_s,
            "plan": self._settings.plan,
            "no": self._issued,
            "epoch": self._faults.epoch,
        }
        head = _encode(msgspec.json.encode({"alg": "RS512", "kid": "sim1", "typ": "JWT"}))
        body = _encode(msgspec.json.encode(claims))
        return f"{head}.{body}.{_encode(hashlib.blake2b(body.encode()).digest())}"

    def check(self, token: str) -> Grant:
        """Return what a token allows.

        Raises:
            TokenRefused: It is garbage, or ``reject_auth`` is on.
            TokenExpired: Its time has passed, or ``expire_token`` was switched on after it was issued.
        """
        if self._faults.take("reject_auth"):
            raise TokenRefused
        if token in LITERALS:
            return ANONYMOUS
        claims = _read(token)
        expires_s = claims.get("exp")
        if not isinstance(expires_s, int | float):
            raise TokenRefused
        if expires_s <= self._now_ns() / 1e9 or self._was_expired(claims):
            raise TokenExpired
        plan = claims.get("plan", self._settings.plan)
        return Grant(plan if plan in BARS_OF_PLAN else self._settings.plan, float(expires_s))

    def _was_expired(self, claims: Mapping[str, Any]) -> bool:
        fault = self._faults.active("expire_token")
        epoch = claims.get("epoch", -1)
        return fault is not None and isinstance(epoch, int) and epoch < fault.epoch

    def profile(self) -> dict[str, Any]:
        """Return the user object that pages and the sign-in carry, with a fresh token in it."""
        plan = self._settings.plan
        return {
            "id": _USER_ID,
            "username": CREDENTIALS["username"],
            "first_name": "Simulated",
            "last_name": "Trader",
            "reputation": 34.5,
            "following": 2,
            "followers": 1,
            "date_joined": "2020-01-02T03:04:05+00:00",
            "auth_token": self.issue(),
            "pro_plan": plan,
            "is_pro": bool(plan),
            "is_broker": False,
            "badges": [{"name": f"pro:{plan}"}] if plan else [],
            "session_hash": "sim0123456789",
            "private_channel": "private_sim0123456789",
            "notification_count": {"following": 0, "user": 0},
        }

    def knows(self, cookies: Mapping[str, str]) -> bool:
        """Say whether the cookies belong to somebody who is signed in; any session that is not empty does."""
        if self._faults.active("reject_auth"):
            return False
        return bool(cookies.get("sessionid")) and cookies["sessionid"] != "expired"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _read(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        raise TokenRefused
    try:
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(body, type=dict[str, Any])
    except (binascii.Error, ValueError) as exc:
        raise TokenRefused from exc
