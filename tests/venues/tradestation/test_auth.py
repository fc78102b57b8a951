from urllib.parse import parse_qs

import msgspec
import pytest

from brokerwire.config import Credentials, Secret
from brokerwire.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidSymbolError,
    OrderOutcomeUnknownError,
    OrderRejectedError,
    RateLimitError,
    ReauthenticationRequired,
    RequestError,
    StreamError,
    VenueUnavailableError,
)
from brokerwire.venue import Access, Request, Response
from brokerwire.venues.tradestation import auth
from brokerwire.venues.tradestation.wire import OrderAnswer, Refusal

KEYS = Credentials({"client_id": "id1", "client_secret": "secret1", "refresh_token": "refresh1"})
PKCE_KEYS = Credentials({"client_id": "id1", "refresh_token": "refresh1"})


def access(*tokens: str) -> Access:
    return Access(credentials=KEYS, token=Secret(tokens[0]) if tokens else None, time_ns=0)


def answer(status: int, body: object, **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, encoded(body), 10**18)


def encoded(body: object) -> bytes:
    return body if isinstance(body, bytes) else msgspec.json.encode(body)


def test_requests_carry_the_bearer_token_beside_their_own_headers():
    request = auth.authorize(Request(path="/x", headers={"A": "b"}, authorization="token"), access("token1"))
    assert request.headers == {"A": "b", "Authorization": "Bearer token1"}


def test_requests_that_need_no_token_are_left_alone():
    request = Request(path="/oauth/token")
    assert auth.authorize(request, access()) is request


def test_without_a_token_the_caller_is_asked_to_refresh():
    with pytest.raises(AuthenticationError) as caught:
        auth.authorize(Request(path="/x", authorization="token"), access())
    assert caught.value.action == "refresh"


def test_the_challenge_is_that_of_rfc_7636():
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert auth.code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_login_page_asks_for_the_audience_and_all_scopes():
    request = auth.build_authorize(KEYS, redirect_uri="http://localhost:31022", state="s", code_challenge="c")
    query = dict(request.query)
    assert (request.endpoint, request.path) == ("auth", "/authorize")
    assert query["audience"] == "https://api.tradestation.com"
    assert set(query["scope"].split()) > {"offline_access", "MarketData", "Trade", "Matrix"}
    assert query["code_challenge_method"] == "S256"
    assert "code_challenge" not in dict(auth.build_authorize(KEYS, redirect_uri="r", state="s").query)


def test_a_refresh_sends_the_secret_of_keys_that_have_one():
    request = auth.build_refresh(KEYS, Secret("refresh2"))
    assert (request.method, request.endpoint, request.authorization) == ("POST", "auth", "none")
    assert parse_qs(request.body.decode()) == {
        "client_id": ["id1"],
        "client_secret": ["secret1"],
        "grant_type": ["refresh_token"],
        "refresh_token": ["refresh2"],
    }
    assert b"client_secret" not in auth.build_refresh(PKCE_KEYS, Secret("r")).body


def test_a_code_is_exchanged_once_with_its_verifier():
    request = auth.build_exchange(PKCE_KEYS, code="c", redirect_uri="http://localhost:3000", code_verifier="v")
    form = parse_qs(request.body.decode())
    assert (form["code"], form["code_verifier"], form["redirect_uri"]) == (["c"], ["v"], ["http://localhost:3000"])
    assert not request.is_repeatable
    assert b"code_verifier" not in auth.build_exchange(KEYS, code="c", redirect_uri="r").body


def test_a_missing_client_id_names_the_variable():
    with pytest.raises(ConfigurationError, match="TRADESTATION_CLIENT_ID"):
        auth.build_refresh(Credentials({}), Secret("r"))


def test_a_grant_holds_a_rotated_refresh_token_only_if_there_is_one():
    grant = auth.parse_grant(answer(200, {"access_token": "a", "expires_in": 1200, "scope": "Trade"}))
    assert (grant.access_token.reveal(), grant.expires_in_s, grant.refresh_token) == ("a", 1200, None)
    rotated = auth.parse_grant(answer(200, {"access_token": "a", "refresh_token": "r", "expires_in": "600"}))
    assert rotated.refresh_token == Secret("r")
    assert rotated.expires_in_s == 600


@pytest.mark.parametrize("body", [b"<html>", {}, {"access_token": 1}])
def test_a_success_without_a_token_is_no_grant(body):
    with pytest.raises(AuthenticationError) as caught:
        auth.parse_grant(answer(200, body))
    assert caught.value.action == "retry"


@pytest.mark.parametrize(
    ("status", "body", "kind", "action"),
    [
        (403, {"error": "invalid_grant", "error_description": "Unknown."}, ReauthenticationRequired, "stop"),
        (401, {"error": "access_denied"}, ReauthenticationRequired, "stop"),
        (401, {"error": "invalid_client"}, AuthenticationError, "stop"),
        (429, {"error": "too_many_requests"}, VenueUnavailableError, "retry"),
        (503, b"<html>", VenueUnavailableError, "retry"),
        (400, b"\xff", AuthenticationError, "stop"),
    ],
)
def test_refused_token_requests_say_who_must_act(status, body, kind, action):
    with pytest.raises(kind) as caught:
        auth.parse_grant(answer(status, body))
    assert caught.value.action == action
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("status", "body", "kind", "action"),
    [
        (401, {"Error": "Unauthorized", "Message": "Expired."}, AuthenticationError, "refresh"),
        (403, {"Error": "Forbidden", "Message": "Missing scope."}, AuthenticationError, "stop"),
        (403, {"Error": "Forbidden", "Message": "Invalid Account ID."}, RequestError, "stop"),
        (403, b"<html>Quota Exceeded</html>", RateLimitError, "retry"),
        (403, {"Message": "Quota Exceeded"}, RateLimitError, "retry"),
        (400, {"Error": "BadRequest", "Message": "Invalid symbol."}, InvalidSymbolError, "stop"),
        (404, {"TraceId": "t", "StatusCode": 404, "Message": "Symbol not found"}, InvalidSymbolError, "stop"),
        (400, {"Error": "BadRequest", "Message": "Bad interval."}, RequestError, "stop"),
        (404, b"nothing here", RequestError, "stop"),
        (429, {"Error": "TooManyRequests", "Message": "Stream quota exceeded"}, RateLimitError, "retry"),
        (500, b"", VenueUnavailableError, "retry"),
        (501, {"Error": "NotImplemented"}, RequestError, "stop"),
        (504, {"Error": "GatewayTimeout"}, VenueUnavailableError, "retry"),
        (403, {"error": "invalid_grant"}, ReauthenticationRequired, "stop"),
    ],
)
def test_refusals_are_classed_by_status_and_text(status, body, kind, action):
    error = auth.error_from(answer(status, body))
    assert type(error) is kind
    assert (error.action, error.status, error.venue) == (action, status, "tradestation")


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"x_ratelimit_reset": "41"}, 41.0),
        ({"retry_after": "7"}, 7.0),
        ({"x_ratelimit_reset": "soon", "retry_after": "3"}, 3.0),
        ({"x_ratelimit_reset": "1000000060"}, 60.0),
        ({"x_ratelimit_reset": "-5"}, None),
        ({}, None),
    ],
)
def test_limits_say_how_long_to_wait(headers, wait_s):
    error = auth.error_from(answer(429, {"Error": "TooManyRequests", "Message": "Rate quota exceeded"}, **headers))
    assert error.retry_after_s == wait_s


def test_texts_of_the_venue_are_shown_without_control_characters_or_tokens():
    error = auth.error_from(answer(400, {"Message": "bad\x1b[31m access_token=abcdef123"}))
    assert "\x1b" not in str(error)
    assert "abcdef123" not in str(error)


@pytest.mark.parametrize(
    ("refusal", "kind", "action"),
    [
        (Refusal("DualLogon", symbol="KO"), StreamError, "retry"),
        (Refusal("BadRequest", "No."), RequestError, "stop"),
        (Refusal("Forbidden", "Invalid Account ID.", "A1"), RequestError, "stop"),
        (Refusal("InternalServerError", "Oops."), VenueUnavailableError, "retry"),
        (Refusal("Failed", "Not entitled to data for this symbol"), InvalidSymbolError, "stop"),
        (Refusal("FAILED, EX_NOT_ENTITLED", symbol="KO"), InvalidSymbolError, "stop"),
        (Refusal("FAILED, REASONS", symbol="KO"), InvalidSymbolError, "stop"),
        (Refusal("Failed", "Try later."), StreamError, "retry"),
        (Refusal("Unauthorized"), AuthenticationError, "refresh"),
        (Refusal(), StreamError, "retry"),
    ],
)
def test_errors_inside_streams_say_what_to_do_with_the_stream(refusal, kind, action):
    error = auth.stream_error(refusal)
    assert type(error) is kind
    assert error.action == action


def test_a_second_login_is_not_fought_over():
    assert auth.stream_error(Refusal("DualLogon")).retry_after_s == 60


def test_an_error_inside_a_success_is_an_error(drive):
    with pytest.raises(InvalidSymbolError, match="Not entitled"):
        drive(auth.fetch("/x"), {"Error": "Failed", "Message": "Not entitled to data for this symbol"})
    with pytest.raises(VenueUnavailableError):
        drive(auth.fetch("/x"), {"Error": "GatewayTimeout", "Message": ""})
    with pytest.raises(RequestError, match="Strange"):
        drive(auth.fetch("/x"), {"Error": "Strange"})


def test_arrays_that_are_missing_or_null_are_empty():
    assert auth.rows_of({"Quotes": b"null"}, "Quotes") == []
    assert auth.rows_of({}, "Quotes") == []


def test_refused_parts_of_a_success_are_named():
    with pytest.raises(InvalidSymbolError, match="XX, YY"):
        auth.raise_refused({"Errors": b'[{"Symbol":"XX","Error":"FAILED"},{"Symbol":"YY","Error":"FAILED"}]'})
    with pytest.raises(RequestError, match="A1"):
        auth.raise_refused({"Errors": b'[{"AccountID":"A1","Error":"Forbidden","Message":"Invalid Account ID."}]'})
    with pytest.raises(RequestError):
        auth.raise_refused({"Errors": b"[1]"})
    auth.raise_refused({"Errors": b"[]"})


def test_calculations_may_be_repeated_and_orders_may_not():
    assert auth.post("/x", {}, bucket="b").is_repeatable
    assert not auth.order_request("orders", {"A": 1}).is_repeatable


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"Error": "BadRequest", "Message": "Not an open order."}, OrderRejectedError),
        (403, {"Error": "Forbidden", "Message": "Invalid Account ID."}, OrderRejectedError),
        (403, {"Error": "Forbidden", "Message": "Missing scope."}, AuthenticationError),
        (401, {"Error": "Unauthorized"}, AuthenticationError),
        (429, {"Error": "TooManyRequests"}, RateLimitError),
        (503, b"", OrderOutcomeUnknownError),
        (504, {"Error": "GatewayTimeout"}, OrderOutcomeUnknownError),
    ],
)
def test_refused_orders_are_told_from_orders_whose_answer_is_lost(drive, status, body, kind):
    with pytest.raises(kind) as caught:
        drive(auth.send_order(auth.order_request("orders", {}), client_order_id="mine"), answer(status, body))
    assert caught.value.status == status
    if kind is OrderOutcomeUnknownError:
        assert caught.value.client_order_id == "mine"


def test_an_order_whose_answer_never_came_is_unknown():
    operation = auth.send_order(auth.order_request("orders", {}), client_order_id="mine")
    next(operation)
    with pytest.raises(OrderOutcomeUnknownError) as caught:
        operation.throw(VenueUnavailableError("no answer", venue="tradestation"))
    assert (caught.value.client_order_id, caught.value.venue) == ("mine", "tradestation")


@pytest.mark.parametrize("body", [b"<html>", {"Orders": [], "Errors": []}, {"Orders": 1}])
def test_an_answer_that_cannot_be_read_leaves_the_order_unknown(body):
    with pytest.raises(OrderOutcomeUnknownError):
        auth.order_answers(answer(200, body), "mine")


def test_a_repeated_order_confirm_id_means_that_the_first_order_exists():
    text = "Order failed. Reason: OrderConfirmID must be unique."
    error = auth.rejection([OrderAnswer(message=text, error="FAILED")], client_order_id="mine")
    assert isinstance(error, OrderOutcomeUnknownError)
    assert error.client_order_id == "mine"


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"error":' + b"[" * 200_000, b'{"error":"\xff"}', b"\xff", b""])
def test_a_refusal_that_cannot_be_read_is_still_one(body):
    assert auth.error_from(Response(400, {}, body)).status == 400
    with pytest.raises(AuthenticationError):
        auth.parse_grant(Response(200, {}, body))
