"""Removes secrets and control characters from anything that will be logged or shown."""

import base64
import re
from collections.abc import Callable
from typing import NoReturn
from urllib.parse import quote, quote_plus

MASK = "***"
LEAST_CHARACTERS = 4

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


def mask_error(error: BaseException, redact: Callable[[str], str]) -> None:
    """Mask, in the texts and facts of an error and of its causes, the secrets that a venue repeated to us."""
    link: BaseException | None = error
    while link is not None:
        link.args = tuple(redact(each) if isinstance(each, str) else each for each in link.args)
        facts = getattr(link, "facts", {})
        for name, value in facts.items():
            if isinstance(value, str):
                facts[name] = redact(value)
                setattr(link, name, facts[name])
        link = link.__cause__ or link.__context__


class Redactor:
    """Knows the secrets of one client and masks them wherever they appear.

    Masks each learned value in its plain, URL-encoded and base64 forms, inside a longer text that was encoded too,
    and token-like values (``Bearer x``, ``access_token=x``) even when they were never learned.
    """

    def __init__(self) -> None:
        self._forms: dict[str, None] = {}

    def learn(self, secret: str) -> None:
        """Mask ``secret`` from now on; values under four characters are too common to mask."""
        if len(secret) < LEAST_CHARACTERS:
            return
        for form in _forms_of(secret):
            self._forms[form] = None

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Redactor knows secrets: it cannot be pickled or copied into another process")

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


def _forms_of(secret: str) -> list[str]:
    """Return how a secret may be written; most of these are the same for most secrets."""
    raw = secret.encode()
    forms = [secret, quote(secret, safe=""), quote(secret), quote_plus(secret)]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        forms.append(encode(raw).decode().rstrip("="))
        for shift in (1, 2):  # behind other bytes; the characters at both ends depend on what stands beside
            shifted = encode(b"." * shift + raw).decode().rstrip("=")
            forms.append(shifted[4:-1])
    return [form for form in forms if len(form) >= LEAST_CHARACTERS]
