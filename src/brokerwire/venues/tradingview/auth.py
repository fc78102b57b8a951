"""TradingView's tokens: where they come from, how long they last, who may dial which host; and what it refuses.

Source: https://github.com/Mathieu2301/TradingView-API, src/miscRequests.js, read 2026-11-20.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, NoReturn, Protocol
from urllib.parse import urlencode

import msgspec

from brokerwire.config import Credentials, Secret
from brokerwire.errors import (
    Action,
    AuthenticationError,
    BrokerwireError,
    ConnectionLostError,
    InvalidSymbolError,
    ProtocolError,
    RateLimitError,
    RequestError,
    StreamError,
    StreamLimitError,
    UnsupportedError,
    VenueUnavailableError,
)
from brokerwire.events import Topic
from brokerwire.redact import clean
from brokerwire.venue import Access, Failed, Identify, Remark, Request, Response, Signal, TokenGrant, TokenSpec
from brokerwire.venues.tradingview import spec
from brokerwire.venues.tradingview.wire import Claims, SignIn

_decode_claims = msgspec.json.Decoder(Claims).decode
_decode_sign_in = msgspec.json.Decoder(SignIn).decode
_AUTH_TOKEN = re.compile(rb'"auth_token"\s*:\s*"(eyJ[\w-]+\.[\w-]+\.[\w-]*)"')
_ASSUMED_LIFE_S = 3600.0

LEAST_RENEWAL_S = 30.0
"""A token is asked for again no sooner than this."""


def claims_of(token: Secret) -> Claims:
    """Return what a token says about itself; one that is no JWT says nothing."""
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return Claims()
    try:
        return _decode_claims(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, msgspec.MsgspecError, UnicodeError, ValueError):
        return Claims()


def token_of(access: Access) -> Secret:
    """Return the token that the socket is told: the renewed one, the one that was given, or nobody's."""
    return access.token or access.credentials.get("auth_token") or Secret(spec.ANONYMOUS_TOKEN)


def is_anonymous(token: Secret) -> bool:
    """Whether a token is nobody's in particular."""
    return token.reveal() == spec.ANONYMOUS_TOKEN


def authorize(request: Request, access: Access) -> Request:
    """Send a login to the host of paid plans, and its cookies to the one that knows its scripts.

    The token goes into the stream itself and not into the dial.
    """
    if request.endpoint == "pine":
        return msgspec.structs.replace(request, headers={**request.headers, **cookies_of(access.credentials)})
    if request.endpoint != "stream":
        return request
    token = token_of(access)
    if is_anonymous(token) or claims_of(token).plan == "":
        return request
    return msgspec.structs.replace(request, endpoint="prodata")


def cookies_of(credentials: Credentials) -> dict[str, str]:
    """Return the header with the cookies of a login, if there are any."""
    names = ("sessionid", "sessionid_sign")
    pairs = [f"{name}={credentials[name].reveal()}" for name in names if name in credentials]
    return {"Cookie": "; ".join(pairs)} if pairs else {}


def build_refresh(credentials: Credentials, given: Secret) -> Request:
    """Return the request for a new token: the home page with the cookies, else a sign-in with the password."""
    if "sessionid" in credentials:
        headers = {**cookies_of(credentials), "Referer": spec.ORIGIN}
        return Request(endpoint="site", path="/", headers=headers, bucket="pages")
    username = credentials.require("username", venue=spec.NAME, hint="set TRADINGVIEW_USERNAME beside the password")
    form = {"username": username.reveal(), "password": given.reveal(), "remember": "on"}
    return Request(
        method="POST",
        endpoint="site",
        path="/accounts/signin/",
        headers={"Content-Type": "application/x-www-form-urlencoded", "Referer": spec.ORIGIN},
        body=urlencode(form).encode(),
        bucket="pages",
        is_repeatable=False,
    )


def parse_grant(response: Response) -> TokenGrant:
    """Return the token in a page or in the answer to a sign-in.

    Raises:
        AuthenticationError: There is none: the cookies are no longer good, or a captcha or a code is asked for.
        VenueUnavailableError: The venue does not answer as it should.
        RateLimitError: It was asked too often.
    """
    if response.status == 429:
        raise RateLimitError("TradingView limits sign-ins; wait before the next", venue=spec.NAME, status=429)
    if response.status >= 500 or response.status == 0:
        text = f"TradingView answered {response.status} when a token was asked for"
        raise VenueUnavailableError(text, venue=spec.NAME, status=response.status)
    token = _token_in_page(response.body) or _token_of_sign_in(response)
    claims = claims_of(token)
    life_s = claims.life_s or _ASSUMED_LIFE_S
    left_s = claims.left_s(response.received_ns / 1e9)
    return TokenGrant(access_token=token, expires_in_s=max(life_s if left_s is None else left_s, 0.0))


def _token_in_page(body: bytes) -> Secret | None:
    found = _AUTH_TOKEN.search(body)
    return None if found is None else Secret(found[1].decode())


def _token_of_sign_in(response: Response) -> Secret:
    try:
        answer = _decode_sign_in(response.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _refusal(response, _word_for(response.body)) from None
    token = answer.user.get("auth_token")
    if answer.error or not isinstance(token, str):
        raise _refusal(response, answer.code or answer.error or "no token in the answer")
    return Secret(token)


def _word_for(body: bytes) -> str:
    if b"<title>Captcha Challenge</title>" in body:
        return "a captcha is asked for"
    return "the page names no login; the cookies are no longer good"


def _refusal(response: Response, reason: str) -> AuthenticationError:
    hint = "log in with a browser and give the cookies sessionid and sessionid_sign"
    text = f"TradingView gave no token ({response.status}: {clean(reason)}); {hint}"
    return AuthenticationError(text, venue=spec.NAME, status=response.status, code=clean(reason, 60))


def _no_browser_login(*_args: Any, **_facts: Any) -> NoReturn:
    raise UnsupportedError(
        "TradingView has no login that sends the browser back here; give the cookies of a browser as credentials",
        venue=spec.NAME,
    )


TOKENS = TokenSpec(
    build_refresh=build_refresh,
    build_exchange=_no_browser_login,
    build_authorize=_no_browser_login,
    parse_grant=parse_grant,
    renewed_with=("sessionid", "password"),
    is_kept=False,
)
"""What renews a token is a login of a browser or a password: neither is written down."""


class Posts(Protocol):
    """Where a login says its words."""

    def call(self, method: str, *arguments: Any) -> None:
        """Call a method of the venue."""
        ...

    def emit(self, signal: Signal) -> None:
        """Tell the shell something."""
        ...


class Login:
    """Who the connection speaks as: says the token, watches its end, and says the next one on the live socket."""

    def __init__(self, post: Posts, settings: Mapping[str, Any]) -> None:
        self.is_said = False
        self.has_answer = False
        self.can_renew = False
        self.deadline: float | None = None
        self._post = post
        self._locale = str(settings.get("locale", "en-US")).replace("_", "-").split("-")
        self._said: Secret | None = None
        self._is_warned = False

    def begin(self, now: float) -> None:
        """Ask for the token."""
        self._post.emit(Identify())

    def take(self, access: Access, now: float) -> None:
        """Say a token if it is another one than before, and plan when to ask for the next.

        A token that has run out ends the connection: the venue would send heartbeats and nothing else.
        """
        token = token_of(access)
        self.can_renew = access.token is not None
        left_s = self._left_s(access)
        if left_s is not None and left_s <= 0 and not self.is_said:
            action: Action = "refresh" if self.can_renew else "stop"
            text = "the TradingView token has run out; give another one, or the cookies of a login, which renew it"
            self._post.emit(Failed(AuthenticationError(text, venue=spec.NAME, action=action)))
            return
        if token != self._said:
            self._said = token
            self._is_warned = False
            self._post.call("set_auth_token", token.reveal())
        if not self.is_said:
            self.is_said = True
            self._post.call("set_locale", self._locale[0], self._locale[-1].upper())
        self._plan(left_s, now)

    def _left_s(self, access: Access) -> float | None:
        """Return what is left of the token; of one that is renewed, only where the clock here may be right."""
        claims, now_s = claims_of(token_of(access)), access.time_ns / 1e9
        if self.can_renew:
            return claims.left_s(now_s)
        return None if claims.exp is None else claims.exp - now_s

    def _plan(self, left_s: float | None, now: float) -> None:
        """Ask again when 85 % of what is left has passed: by then a token manager has renewed it.

        Where the clock here cannot tell, ask now and then: what has not been renewed is not said again.
        """
        if left_s is None:
            self.deadline = now + LEAST_RENEWAL_S if self.can_renew else None
            return
        self.deadline = now + max(0.85 * left_s, LEAST_RENEWAL_S)
        if left_s < 2 * LEAST_RENEWAL_S and not self._is_warned:
            self._is_warned = True
            self._post.emit(Remark("the TradingView token runs out and has not been renewed; the stream may go silent"))

    def handle_timeout(self, now: float) -> None:
        """Ask for the token again, and once more later should there be none now."""
        if self.deadline is not None and self.deadline <= now:
            self.deadline = now + LEAST_RENEWAL_S
            self._post.emit(Identify())

    def error_of_silence(self, name: str) -> BrokerwireError:
        """Return why nothing came: where nothing but heartbeats ever did, it is the token that ran out."""
        text = f"TradingView did not answer for {name} in {spec.ANSWER_S:g} s"
        if self.can_renew and not self.has_answer:
            return AuthenticationError(f"{text}; the token may have run out", venue=spec.NAME, action="refresh")
        return ConnectionLostError(text, venue=spec.NAME)


# Errors


def protocol_error(exc: Exception, packet: bytes) -> ProtocolError:
    """Return our error for a packet that could not be read."""
    excerpt = clean(packet[:120].decode("utf-8", "replace"))
    text = f"TradingView sent a packet that cannot be read ({clean(str(exc))}): {excerpt}"
    return ProtocolError(text, excerpt=excerpt, venue=spec.NAME)


def refusal_of(reason: Any, detail: Any, topic: Topic) -> BrokerwireError:
    """Return our error for a ``symbol_error``, ``series_error``, ``study_error`` or ``critical_error``."""
    word = _reason_text(reason)
    about = f"{topic.channel.replace('_', ' ')} of {topic.symbol}"
    text = f"TradingView refused {about}: {word}" + (f" ({clean(str(detail))})" if detail not in (None, "") else "")
    facts: dict[str, Any] = {"venue": spec.NAME, "symbol": topic.symbol, "code": word[:80]}
    if "invalid symbol" in word or word == "permission_denied":
        return InvalidSymbolError(text, **facts)
    if word.startswith(spec.PLAN_REASONS) or "not allowed" in word or word.endswith("_not_entitled"):
        return UnsupportedError(text, **facts)
    if "limit of series" in word or "maximum number of studies" in word:
        return StreamLimitError(text, **facts)
    if "unauthorized" in word:
        return AuthenticationError(text, **facts)
    return RequestError(text, **facts)


def _reason_text(reason: Any) -> str:
    """Return a reason as text; a script's own failure comes as an object whose text has gaps for its context."""
    if not isinstance(reason, Mapping):
        return clean(str(reason)) or "no reason given"
    text = str(reason.get("error") or reason.get("error_code") or "no reason given")
    context = reason.get("ctx")
    for name, value in context.items() if isinstance(context, Mapping) else ():
        text = text.replace(f"{{{name}}}", str(value))
    return clean(text)


def fatal_error(reason: Any, *, can_renew: bool) -> BrokerwireError:
    """Return our error for a ``protocol_error``, which ends the connection."""
    word = clean(str(reason))
    text = f"TradingView ended the connection: {word}"
    if "auth token" in word:
        action: Action = "refresh" if can_renew else "stop"
        return AuthenticationError(text, venue=spec.NAME, code=word, action=action)
    if "banned" in word:
        return StreamError(text, venue=spec.NAME, code=word, action="stop")
    if "limit reached" in word:
        return ConnectionLostError(text, venue=spec.NAME, code=word, retry_after_s=60.0)
    return ConnectionLostError(text, venue=spec.NAME, code=word)
