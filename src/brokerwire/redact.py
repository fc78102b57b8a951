"""Removes secrets and control characters from anything that will be logged or shown."""

import base64
import re
from urllib.parse import quote

MASK = "***"

_PATTERNS = (
    re.compile(r"(?i)(\bBearer\s+)[^\s\"',;]+"),
    re.compile(r"(?i)([\w-]*(?:token|secret|password|signature|api_?key)[\"'\\]*\s*[=:]\s*[\"'\\]*)[^\s&\"'\\,;}]+"),
)
_WORDS = ("bearer", "token", "secret", "password", "signature", "apikey", "api_key")
"""One of these is in whatever the patterns find, in lower case."""


def escape(text: str) -> str:
    r"""Replace what does not print by its escape, so that one record stays one line (a newline becomes ``\x0a``).

    Beside control characters these are the marks that turn the writing direction around, characters of no width,
    and halves of characters that no terminal can be sent.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


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

    def may_mask(self, text: str) -> bool:
        """Tell, much faster than masking does, whether there may be anything to mask in a long text."""
        lowered = text.lower()
        return any(word in lowered for word in _WORDS) or any(form in text for form in list(self._forms))

    def __call__(self, text: str) -> str:
        """Return ``text`` with every secret masked."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, MASK)
        for pattern in _PATTERNS:
            text = pattern.sub(rf"\g<1>{MASK}", text)
        return text
