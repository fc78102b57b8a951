"""TradeStation's authorisation: the bearer header, tokens, login with PKCE, and what refusals of requests mean."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import structs

from brokerwire.config import Credentials, Secret
from brokerwire.errors import (
    Action,
    AuthenticationError,
    BrokerwireError,
    ConnectionLostError,
    InvalidSymbolError,
    OrderOutcomeUnknownError,
    OrderRejectedError,
    ProtocolError,
    RateLimitError,
    ReauthenticationRequired,
    RequestError,
    StreamError,
    VenueUnavailableError,
)
from brokerwire.events import Topic
from brokerwire.redact import clean
from brokerwire.venue import Access, Operation, Request, Response, TokenGrant, TokenSpec
from brokerwire.venues.tradestation.spec import AUDIENCE, NAME, SCOPES, SLOW_RETRY_S, STATUS_OF_TITLE
from brokerwire.venues.tradestation.wire import (
    UNREADABLE,
    Grant,
    OrderAnswer,
    Refusal,
    TokenRefusal,
    broken,
    convert,
    decoder,
    parse,
)

T = TypeVar("T")
Answered: TypeAlias = tuple[OrderAnswer, bytes]
"""One element of the answer to an order, read and as it came."""

_HINT = "give it in credentials or set TRADESTATION_CLIENT_ID, or log in with: brokerwire auth login"
_EPOCH_NOT_SECONDS = 1e6
_read_body = decoder(dict[str, msgspec.Raw])
_read_rows = decoder(list[msgspec.Raw])
_read_answer = decoder(OrderAnswer)
_LOGIN_AGAIN = frozenset({"invalid_grant", "access_denied"})


def authorize(request: Request, access: Access) -> Request:
    """Return ``request`` with the bearer token, unless it asks for no authorisation.

    Raises:
        AuthenticationError: There is no token yet.

    Source: https://api.tradestation.com/docs/fundamentals/authentication/auth-overview/, read 2026-11-20.
    """
    if request.authorization == "none":
        return request
    if access.token is None:
        raise AuthenticationError("no access token yet", action="refresh", venue=NAME)
    headers = {**request.headers, "Authorization": f"Bearer {access.token.reveal()}"}
    return structs.replace(request, headers=headers)


def code_challenge(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier of 43 to 128 characters (RFC 7636)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def build_authorize(
    credentials: Credentials,
    *,
    redirect_uri: str,
    state: str,
    code_challenge: str | None = None,
    scopes: Sequence[str] = SCOPES,
) -> Request:
    """Return the page on which a human logs in; it sends them on to ``redirect_uri`` with ``code`` and ``state``.

    Raises:
        ConfigurationError: There is no ``client_id``.

    Source: https://api.tradestation.com/docs/fundamentals/authentication/auth-code/, read 2026-11-20.
    """
    query = {
        "response_type": "code",
        "client_id": _client_id(credentials),
        "audience": AUDIENCE,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": state,
    }
    if code_challenge is not None:
        query |= {"code_challenge": code_challenge, "code_challenge_method": "S256"}
    return Request(endpoint="auth", path="/authorize", query=tuple(query.items()))


def build_exchange(
    credentials: Credentials, *, code: str, redirect_uri: str, code_verifier: str | None = None
) -> Request:
    """Return the request that turns the code of a login into tokens; a code is good for one attempt.

    Raises:
        ConfigurationError: There is no ``client_id``.
    """
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if code_verifier is not None:
        form["code_verifier"] = code_verifier
    return structs.replace(_token_request(credentials, form), is_repeatable=False)


def build_refresh(credentials: Credentials, refresh_token: Secret) -> Request:
    """Return the request for a new access token; keys with PKCE have no ``client_secret`` to send.

    Raises:
        ConfigurationError: There is no ``client_id``.

    Source: https://api.tradestation.com/docs/fundamentals/authentication/refresh-tokens, read 2026-11-20.
    """
    return _token_request(credentials, {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()})


def parse_grant(response: Response) -> TokenGrant:
    """Return the tokens of an answer.

    Raises:
        ReauthenticationRequired: The refresh token or the code is no longer good.
        AuthenticationError: The key itself was refused, or the answer holds no token.
        VenueUnavailableError: The token service is down or overloaded.
    """
    if not response.is_success:
        raise refused_token(response)
    try:
        grant = msgspec.json.decode(response.body, type=Grant, strict=False)
    except UNREADABLE as exc:
        raise AuthenticationError("the token answer holds no token", action="retry", venue=NAME) from exc
    return TokenGrant(
        Secret(grant.access_token),
        grant.expires_in,
        Secret(grant.refresh_token) if grant.refresh_token else None,
        grant.scope,
    )


def refused_token(response: Response) -> BrokerwireError:
    """Return the error of a refused token request; its body has the lower-case keys of OAuth."""
    refusal = read_refusal(response.body) or TokenRefusal(error=f"status {response.status}")
    text = clean(f"token request refused: {refusal.error}: {refusal.error_description}".rstrip(": "))
    facts: dict[str, Any] = {"venue": NAME, "status": response.status, "code": refusal.error}
    if refusal.error in _LOGIN_AGAIN:
        return ReauthenticationRequired(f"{text}; log in again", **facts)
    if response.status == 429 or response.status >= 500:
        return VenueUnavailableError(text, **facts)
    return AuthenticationError(text, **facts)


def read_refusal(body: bytes) -> TokenRefusal | None:
    """Return the OAuth error in ``body``, or None if there is none."""
    try:
        return msgspec.json.decode(body, type=TokenRefusal)
    except UNREADABLE:
        return None


def error_from(response: Response) -> BrokerwireError:
    """Return the error of an answer that is not a success, of a request, a stream or the token service.

    A stale token asks for a refresh; a limit says how long to wait where the venue says so.

    Source: https://api.tradestation.com/docs/fundamentals/rate-limiting/rate-limiting-overview/, read 2026-11-20.
    """
    if read_refusal(response.body) is not None:
        return refused_token(response)
    refusal = read_error(response.body) or Refusal()
    page = response.body[:200].decode("utf-8", "replace")  # gateways answer with a page of their own
    text = refusal.message or refusal.error or f"status {response.status}: {page}".rstrip(": ")
    retry_after_s = _retry_after(response) if response.status in (403, 429, 503) else None
    return error_of(response.status, text, code=refusal.error, retry_after_s=retry_after_s)


def error_of(status: int, text: str, **facts: Any) -> BrokerwireError:
    """Return the error for an HTTP status, or the status that stands for a title, and the venue's text."""
    kind, action = _class_of(status, text.lower())
    return kind(clean(f"{NAME}: {text}"), action=action, venue=NAME, status=status, **facts)


def stream_error(refusal: Refusal) -> BrokerwireError:
    """Return the error for an error object inside a stream; its action says what to do with the stream.

    Source: https://api.tradestation.com/docs/fundamentals/http-streaming/, read 2026-11-20.
    """
    title = refusal.error or ""
    facts: dict[str, Any] = {
        "code": title,
        "account": refusal.account_id,
        "order_id": refusal.order_id,
        "symbol": refusal.symbol,
    }
    if title == "DualLogon":
        text = f"{NAME}: this login is in use elsewhere (DualLogon)"
        return StreamError(text, action="retry", venue=NAME, retry_after_s=SLOW_RETRY_S, **facts)
    text = f"{title}: {refusal.message}" if refusal.message else title
    if is_symbol_refusal(text) or (refusal.symbol is not None and title.upper().startswith("FAILED")):
        about = f"{refusal.symbol}: " if refusal.symbol else ""
        return InvalidSymbolError(clean(f"{NAME}: {about}{text}"), venue=NAME, **facts)
    status = STATUS_OF_TITLE.get(title)
    if status is None:
        return StreamError(clean(f"{NAME} ended the stream: {text}"), action="retry", venue=NAME, **facts)
    return error_of(status, text, **facts)


def concerned_topics(refusal: Refusal, error: BrokerwireError, topics: Mapping[str, Topic]) -> list[Topic] | None:
    """Return which of a stream's topics, by symbol or account, an error is about, None if about the connection."""
    if refusal.error == "DualLogon" or error.action != "stop":
        return None
    names = refusal.symbol or refusal.account_id
    if names is None:
        return list(topics.values()) if len(topics) == 1 else None
    return [topics[name] for name in names.split(",") if name in topics]


def end_of_ticks(line: bytes, *, symbol: str | None) -> BrokerwireError:
    """Return what a line that is not JSON says about the end of a v2 stream, or the refusal of its symbol.

    Source: https://github.com/tradestation/api-docs/issues/4, read 2026-11-20.

    Raises:
        ProtocolError: It is neither END nor ERROR.
    """
    text = clean(line.decode("utf-8", "replace"))
    if not text.startswith(("END", "ERROR")):
        raise broken("a line that is neither JSON nor END or ERROR", line)
    if is_symbol_refusal(text):
        return InvalidSymbolError(f"{NAME}: {text}", venue=NAME, symbol=symbol)
    error = ConnectionLostError if text.startswith("END") else VenueUnavailableError
    return error(f"{NAME} ended the stream: {text}", venue=NAME)


def is_symbol_refusal(text: str) -> bool:
    """Tell whether an error text is about a symbol that is unknown or not paid for."""
    lower = text.lower()
    return "not entitled" in lower or "not_entitled" in lower or ("invalid" in lower and "symbol" in lower)


def read_error(body: bytes) -> Refusal | None:
    """Return the error object in ``body``, or None if it is something else, such as a gateway's page."""
    try:
        return msgspec.json.decode(body, type=Refusal)
    except UNREADABLE:
        return None


def ask(request: Request) -> Operation[Response]:
    """Make a request and return its answer.

    Raises:
        RequestError: The venue refused it, or was not there; see ``error_from``.
    """
    response = yield request
    if not response.is_success:
        raise error_from(response)
    return response


def fetch(
    path: str, query: Mapping[str, str] | None = None, *, bucket: str = ""
) -> Operation[tuple[Mapping[str, bytes], Response]]:
    """Ask for an object and return its fields unparsed.

    Raises:
        RequestError: The venue refused, be it with an error inside a success.
    """
    request = Request(path=path, query=tuple((query or {}).items()), authorization="token", bucket=bucket)
    response = yield from ask(request)
    body = fields_of(response)
    refusal = read_error(response.body)
    if refusal is not None and refusal.error:
        raise _embedded_error(refusal)
    return body, response


def fields_of(response: Response) -> dict[str, bytes]:
    """Return the fields of an answer unparsed.

    Raises:
        ProtocolError: It is not a JSON object.
    """
    return {name: bytes(value) for name, value in _read_body(response.body).items()}


def rows_of(body: Mapping[str, bytes], name: str) -> list[bytes]:
    """Return the elements of an array of a body, none if it is not there."""
    return [bytes(row) for row in _read_rows(body[name])] if name in body and body[name] != b"null" else []


def records_of(body: Mapping[str, bytes], name: str, shape: type[T]) -> list[T]:
    """Return the elements of an array of a body as records.

    Raises:
        ProtocolError: An element does not fit.
    """
    return [convert(parse(row), shape) for row in rows_of(body, name)]


def raise_refused(body: Mapping[str, bytes]) -> None:
    """Refuse a partial success: what was left out would not be missed.

    Raises:
        InvalidSymbolError: The venue does not know, or does not show, some of the symbols.
        RequestError: It refused some of the accounts or orders.
    """
    rows = rows_of(body, "Errors")
    if not rows:
        return
    refusals = [read_error(row) or Refusal() for row in rows]
    names = ", ".join(refusal.symbol or refusal.account_id or "?" for refusal in refusals)
    error = _embedded_error(refusals[0])
    error.args = (f"{error.args[0]} ({clean(names)})",)
    raise error


def post(path: str, body: Mapping[str, Any], *, bucket: str) -> Request:
    """Return a request with a JSON body, for a calculation that changes nothing."""
    return Request(
        method="POST",
        path=path,
        headers={"Content-Type": "application/json"},
        body=msgspec.json.encode(body),
        authorization="token",
        bucket=bucket,
    )


def order_request(path: str, body: Mapping[str, Any]) -> Request:
    """Return a request that places orders, which is never sent twice."""
    return structs.replace(post(f"/v3/orderexecution/{path}", body, bucket="order_execution"), is_repeatable=False)


def send_order(request: Request, *, client_order_id: str | None = None) -> Operation[Response]:
    """Make a request that changes orders.

    Raises:
        OrderRejectedError: The venue refused.
        OrderOutcomeUnknownError: The venue failed, and may have done it before.
        RequestError: It was not looked at: too many requests, or a stale token.
    """
    try:
        response = yield request
    except VenueUnavailableError as exc:  # thrown in by whoever sends, if no answer came
        raise OrderOutcomeUnknownError(str(exc), **exc.facts, client_order_id=client_order_id) from exc
    if response.is_success:
        return response
    error = error_from(response)
    if response.status >= 500:
        raise OrderOutcomeUnknownError(str(error), **error.facts, client_order_id=client_order_id)
    if isinstance(error, RequestError) and error.action == "stop":
        raise OrderRejectedError(str(error), **error.facts) from error
    raise error


def order_answers(response: Response, client_order_id: str | None = None) -> tuple[list[Answered], list[Answered]]:
    """Return the elements under ``Orders``, some of which may be failures, and those under ``Errors``, which all are.

    Raises:
        OrderOutcomeUnknownError: There are none, or they cannot be read.
    """
    try:
        body = fields_of(response)
        rows = rows_of(body, "Orders") if "Orders" in body or "Errors" in body else [response.body]
        placed = [(_read_answer(row), row) for row in rows]
        refused = [(_read_answer(row), row) for row in rows_of(body, "Errors")]
    except ProtocolError as exc:
        text = f"{NAME} took the order but its answer cannot be read: {exc}"
        raise OrderOutcomeUnknownError(text, venue=NAME, client_order_id=client_order_id) from exc
    if not placed and not refused:
        text = f"{NAME} answered without an order"
        raise OrderOutcomeUnknownError(text, venue=NAME, client_order_id=client_order_id)
    return placed, [(structs.replace(answer, error=answer.error or "FAILED"), row) for answer, row in refused]


def rejection(answers: Sequence[OrderAnswer], **facts: Any) -> BrokerwireError:
    """Return the error for refused orders, or for a second order with the id of an earlier one."""
    text = clean(f"{NAME}: " + "; ".join(answer.message or answer.error or "" for answer in answers))
    if "OrderConfirmID" in text and "unique" in text.lower():
        # An order with this id exists already: ours, whose answer was lost.
        return OrderOutcomeUnknownError(text, venue=NAME, **facts)
    return OrderRejectedError(text, venue=NAME, code=answers[0].error, order_id=answers[0].order_id, **facts)


def _embedded_error(refusal: Refusal) -> BrokerwireError:
    text = f"{refusal.error}: {refusal.message or ''}".rstrip(": ")
    facts: dict[str, Any] = {"code": refusal.error, "symbol": refusal.symbol, "account": refusal.account_id}
    status = STATUS_OF_TITLE.get(refusal.error or "")
    if status is not None and not is_symbol_refusal(text):
        return error_of(status, text, **facts)
    kind = InvalidSymbolError if is_symbol_refusal(text) or refusal.symbol else RequestError
    return kind(clean(f"{NAME}: {text}"), venue=NAME, **facts)


def _class_of(status: int, text: str) -> tuple[type[BrokerwireError], Action]:
    if status == 401:
        return AuthenticationError, "refresh"
    if status == 429 or (status == 403 and "quota" in text):  # v2 answers 403 when a quota is used up
        return RateLimitError, "retry"
    if status == 403 and "account" not in text:
        return AuthenticationError, "stop"
    if status in (400, 404) and "symbol" in text:
        return InvalidSymbolError, "stop"
    if status >= 500 and status != 501:
        return VenueUnavailableError, "retry"
    return RequestError, "stop"


def _retry_after(response: Response) -> float | None:
    """Return the wait that the venue states; its quota of requests says nothing of when a stream slot is free."""
    is_slot_missing = response.headers.get("x-concurrency-remaining") == "0" or b"Stream quota" in response.body[:1000]
    for name in ("retry-after",) if is_slot_missing else ("x-ratelimit-reset", "retry-after"):
        try:
            wait_s = float(response.headers.get(name, ""))
        except ValueError:
            continue
        if wait_s > _EPOCH_NOT_SECONDS:  # some deployments give the moment instead of the wait
            wait_s -= response.received_ns / 1e9
        if 0 <= wait_s < _EPOCH_NOT_SECONDS:
            return wait_s
    return None


def _client_id(credentials: Credentials) -> str:
    return credentials.require("client_id", venue=NAME, hint=_HINT).reveal()


def _token_request(credentials: Credentials, form: Mapping[str, str]) -> Request:
    fields = {"client_id": _client_id(credentials), **form}
    if "client_secret" in credentials:
        fields["client_secret"] = credentials["client_secret"].reveal()
    return Request(
        method="POST",
        endpoint="auth",
        path="/oauth/token",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(fields).encode("ascii"),
    )


TOKENS = TokenSpec(
    build_refresh=build_refresh,
    build_exchange=build_exchange,
    build_authorize=build_authorize,
    parse_grant=parse_grant,
)
