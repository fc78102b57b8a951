"""Canary secrets, every form in which one could slip out, and the search for all of them."""

import base64
import contextlib
import copy
import gc
import json
import pickle
import traceback
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType, MethodType
from urllib.parse import quote, quote_plus

import msgspec
from tests.faults.venues import VENUES

SHOWN = 160
"""So much of what surrounds a find is shown."""

AWKWARD: Mapping[str, Mapping[str, str]] = {venue: facts.awkward for venue, facts in VENUES.items()}
"""Secrets that look different in each form."""


@cache
def forms_of(secret: str) -> tuple[str, ...]:
    """Return a secret as it stands, in addresses, in JSON, in a repr, and in base64 at any place of a longer text."""
    raw = secret.encode()
    plain = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), f"Bearer {secret}"}
    written = {json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    return tuple(sorted(plain | written | set(_base64_forms(raw)), key=len))


def _base64_forms(raw: bytes) -> Iterable[str]:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode().rstrip("=")
        for shift in (1, 2):
            whole = encode(b"x" * shift + raw).decode().rstrip("=")
            yield whole[4 : len(whole) - 1]  # the ends depend on what stands beside the secret


def finds(canaries: Iterable[str], texts: Iterable[str | bytes]) -> list[str]:
    """Return the surroundings of every canary that is somewhere in the texts, in any form."""
    parts = [text if isinstance(text, str) else text.decode("latin-1") for text in texts]
    whole = "\n".join(parts)
    places = [
        (whole.find(form), form) for secret in set(canaries) if secret for form in forms_of(secret) if form in whole
    ]
    return [f"{form!r} in {whole[max(0, at - SHOWN) : at + SHOWN]!r}" for at, form in places]


def contents(folder: Path, *, but: Sequence[str] = ()) -> list[bytes]:
    """Return the bytes of every file of a folder; those whose name ends with one of ``but`` are left out."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.endswith(tuple(but))]
    return [path.name.encode() + b"\n" + path.read_bytes() for path in paths]


def damaged(secret: str) -> bytes:
    """Return a frame that is no JSON and repeats a secret, as a venue's error page might."""
    return b'{"message": "you said ' + secret.encode() + b'", "crc": ' + str(zlib.crc32(secret.encode())).encode()


def belongings(*roots: object) -> list[object]:
    """Return everything of the library that can be reached from some objects, through its own and plain containers."""
    seen: dict[int, object] = {}
    ahead: list[object] = list(roots)
    while ahead:
        found = ahead.pop()
        if id(found) in seen or not (_is_ours(found) or isinstance(found, _CONTAINERS)):
            continue
        seen[id(found)] = found
        ahead.extend(gc.get_referents(found))
    return [found for found in seen.values() if _is_ours(found)]


_CONTAINERS = (dict, list, tuple, set, frozenset, deque, MappingProxyType, partial, MethodType)


_NOT_LOOKED_AT = (
    "brokerwire.simulator",  # the venue's side
    "brokerwire.testing",  # the loop
    "brokerwire.recording.buffer",  # frames as they came, on their way to where they are cleaned
)


def _is_ours(found: object) -> bool:
    module = type(found).__module__
    return module.startswith("brokerwire") and not module.startswith(_NOT_LOOKED_AT)


def copies(found: object) -> list[bytes]:
    """Return whatever a process could write of an object: pickled, as JSON, formatted; refusals are fine."""
    ways: list[Callable[[object], bytes]] = [
        pickle.dumps,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        lambda found: json.dumps(found, default=str).encode(),
        lambda found: f"{found} {found!r} {found!s}".encode(),
        lambda found: pickle.dumps(copy.copy(found)),
    ]
    made = []
    for way in ways:
        with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError, ValueError, NotImplementedError):
            made.append(way(found))
    return made


def locals_of(error: BaseException, *, within: Sequence[str]) -> list[str]:
    """Return the local names that a traceback with locals would show, of the frames of some folders."""
    shown = []
    link: BaseException | None = error
    while link is not None:
        summary = traceback.TracebackException.from_exception(link, capture_locals=True)
        shown += [str(each.locals) for each in summary.stack if any(f"/{part}/" in each.filename for part in within)]
        link = link.__cause__ or link.__context__
    return shown
