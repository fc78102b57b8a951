"""Removes secrets and control characters from anything that will be logged or shown."""

import base64
import re
from urllib.parse import quote

MASK = "***"

_PATTERNS = (
    re.compile(r"(?i)(\bBearer\s+)[^\s\"',;]+"),
    re.compile(r"(?i)([\w-]*(?:token|secret|password|signature|api_?key)[\"'\\]*\s*[=:]\s*[\"'\\]*)[^\s&\"'\\,;}]+"),
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def escape(text: str) -> str:
    r"""Replace control characters by their escapes, so that one record stays one line (a newline becomes ``\x0a``)."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def clean(text: str, limit: int = 200) -> str:
    """Make text that came from a venue fit to show: shortened, escaped, without token-like values."""
    text = text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return escape(text)


class Redactor:
    """Knows the secrets of one client and masks them wherever they appear.

    Masks each learned value in its plain, URL-encoded and base64 forms, and token-like
    values (``Bearer x``, ``access_token=x``) even when they were never learned.
    """

    def __init__(self) -> None:
        self._forms: dict[str, None] = {}

    def learn(self, secret: str) -> None:
        """Mask ``secret`` from now on; values under four characters are too common to mask."""
        if len(secret) < 4:
            return
        encoded = base64.b64encode(secret.encode()).decode()
        for form in (secret, quote(secret, safe=""), encoded, encoded.rstrip("=")):
            self._forms[form] = None

    def __call__(self, text: str) -> str:
        """Return ``text`` with every secret masked."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, MASK)
        for pattern in _PATTERNS:
            text = pattern.sub(rf"\g<1>{MASK}", text)
        return text
