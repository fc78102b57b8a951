"""Who may make a signed request: API keys, timestamps and signatures."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from decimal import Decimal

from brokerwire.simulator.fronts.binance import ed25519, refusals
from brokerwire.simulator.fronts.binance.arguments import Arguments

_DEFAULT_WINDOW_MS = Decimal(5000)
_MAX_WINDOW_MS = Decimal(60_000)
_AHEAD_NS = 1_000_000_000
_NS_PER_MS = 1_000_000


class KeyRing:
    """The API keys whose secrets are known; any other non-empty key is taken without looking at its signature.

    A secret that is a PEM public key makes an Ed25519 key.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = dict(secrets)

    def check_key(self, api_key: str | None) -> str:
        """Return the key of a request that needs one.

        Raises:
            Refusal: No key (-2014).
        """
        if not api_key:
            raise refusals.bad_key_format()
        return api_key

    def is_ed25519(self, api_key: str, signature: str) -> bool:
        """Whether a key is of the kind that may log a session in; of unknown keys the signature tells."""
        secret = self._secrets.get(api_key)
        if secret is not None:
            return ed25519.read_public_key(secret) is not None
        return len(_unbase64(signature)) == 64

    def check(self, *, api_key: str, payload: str, signature: str) -> None:
        """Check the signature over a payload: HMAC-SHA256 in hex of any case, or Ed25519 in base64.

        Raises:
            Refusal: The signature is not valid (-1022).
        """
        secret = self._secrets.get(api_key)
        if secret is None:
            return
        public_key = ed25519.read_public_key(secret)
        if public_key is not None:
            is_valid = ed25519.verify(public_key, payload.encode(), _unbase64(signature))
        else:
            expected = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
            is_valid = hmac.compare_digest(expected.encode(), signature.lower().encode())
        if not is_valid:
            raise refusals.bad_signature()


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def check_time(arguments: Arguments, now_ns: int) -> None:
    """Check ``timestamp`` and ``recvWindow`` against the server's time.

    Raises:
        Refusal: Missing (-1102), malformed, or outside the window (-1021).

    Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security, read 2026-11-20.
    """
    window_ms = arguments.optional_decimal("recvWindow") or _DEFAULT_WINDOW_MS
    if window_ms > _MAX_WINDOW_MS:
        raise refusals.Refusal(-1131, "recvWindow must be less than 60000.")
    sent_ns = arguments.time_ns("timestamp")
    if sent_ns is None:
        raise refusals.missing("timestamp")
    if sent_ns >= now_ns + _AHEAD_NS:
        raise refusals.ahead_of_server()
    if now_ns - sent_ns > window_ms * _NS_PER_MS:
        raise refusals.outside_window()


def rest_payload(query: str, body: str) -> str:
    """Return what a REST request signs: query and body as sent, without a separator and without ``signature``."""
    return _without_signature(query) + _without_signature(body)


def _without_signature(text: str) -> str:
    return "&".join(part for part in text.split("&") if not part.startswith("signature="))


def socket_payload(params: Mapping[str, str]) -> str:
    """Return what a WebSocket request signs: all params but ``signature``, sorted by name."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
