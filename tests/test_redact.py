import base64
import copy
import pickle
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerwire.errors import ProtocolError
from brokerwire.redact import MASK, Redactor, clean, escape, mask_error

SECRET = "cañary+/secret=4711"


@given(st.text())
def test_escaped_text_is_one_line_without_control_characters(text: str) -> None:
    shown = escape(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown)
    assert escape(shown) == shown


@pytest.mark.parametrize("attack", ["a\r\nb", "a\x1b[31mb", "a\x9b31mb", "a\u2028b", "a\u2029b", "a\x85b", "a\x00b"])
def test_attacks_on_a_log_are_escaped_and_readable(attack: str) -> None:
    shown = escape(attack)
    assert shown.startswith("a\\x")
    assert shown.endswith("b")


def test_long_text_is_shortened_and_says_how_long_it_was() -> None:
    shown = clean("x" * 500)
    assert shown == "x" * 200 + "... (500 characters)"
    assert clean("short") == "short"
    assert clean("abcdef", limit=3) == "abc... (6 characters)"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer canary",
        "authorization: bearer canary",
        '{"access_token":"canary","x":1}',
        "{'access_token': 'canary', 'x': 1}",
        '{\\"refresh_token\\": \\"canary\\"}',
        "GET /x?access_token=canary&a=1",
        "client_secret=canary",
        "api_key: canary",
        "apikey=canary",
        "signature=canary",
        "password = canary",
        "X-Auth-Token: canary",
        "TRADESTATION_REFRESH_TOKEN=canary",
    ],
)
def test_token_like_values_are_masked_though_nobody_named_them(text: str) -> None:
    for shown in (clean(text), Redactor()(text)):
        assert "canary" not in shown
        assert MASK in shown


@pytest.mark.parametrize("text", ["5 tokens: all good", "the token is fine", "no secret here", "bearer"])
def test_ordinary_words_stay(text: str) -> None:
    assert clean(text) == text


def test_a_learned_secret_is_masked_in_every_form() -> None:
    redactor = Redactor()
    redactor.learn(SECRET)
    encoded = base64.b64encode(SECRET.encode()).decode()
    for form in (SECRET, quote(SECRET, safe=""), encoded, encoded.rstrip("="), f"x{SECRET}y"):
        shown = redactor(f"before {form} after")
        assert form not in shown
        assert shown.startswith("before ")
        assert shown.endswith(" after")


def test_a_secret_that_holds_another_is_masked_as_a_whole() -> None:
    redactor = Redactor()
    redactor.learn("canary")
    redactor.learn("canary-and-more")
    assert redactor("canary-and-more canary") == f"{MASK} {MASK}"


@pytest.mark.parametrize("short", ["", "a", "abc"])
def test_values_too_short_to_be_secret_are_not_masked(short: str) -> None:
    redactor = Redactor()
    redactor.learn(short)
    assert redactor("abc a abc") == "abc a abc"


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=4, max_size=30), st.text(max_size=30))
def test_no_learned_secret_ever_survives(secret: str, rest: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)
    shown = redactor(f"{rest}{secret}{rest}")
    assert secret not in shown.replace(MASK, "") or secret in MASK or set(secret) <= set(MASK)


@pytest.mark.parametrize("text", ["x canary-4711 y", "Bearer x", '"ApiKey":"x"', "api_key=x", "refreshTOKEN=x"])
def test_text_that_may_hold_a_secret_is_found(text: str) -> None:
    redact = Redactor()
    redact.learn("canary-4711")
    assert redact.may_mask(text)
    assert redact(text) != text


def test_text_without_anything_like_a_secret_is_left_alone() -> None:
    redact = Redactor()
    redact.learn("canary-4711")
    assert not redact.may_mask('{"e":"trade","p":"1.10"}')


@pytest.mark.parametrize("before", ["", "u:", "id:", "user:"])
def test_a_learned_secret_is_masked_inside_a_longer_text_in_base64(before: str) -> None:
    redactor = Redactor()
    redactor.learn(SECRET)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(f"{before}{SECRET}".encode()).decode()
        shown = redactor(f"Basic {encoded}")
        assert MASK in shown
        assert encoded not in shown


def test_a_learned_secret_is_masked_as_a_form_or_a_path_has_it() -> None:
    redactor = Redactor()
    redactor.learn("canary secret/4711")
    assert redactor(f"{quote_plus('canary secret/4711')} {quote('canary secret/4711')}") == f"{MASK} {MASK}"


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_redactor_cannot_be_copied_out_of_its_process(copied: object) -> None:
    with pytest.raises(TypeError, match="knows secrets"):
        copied(Redactor())  # type: ignore[operator]  # each of them is a function


def test_an_error_its_facts_and_its_causes_are_masked() -> None:
    redactor = Redactor()
    redactor.learn(SECRET)
    error = ProtocolError(f"b {SECRET}", excerpt=f"c {SECRET}", status=400)
    error.__cause__ = KeyError(f"a {SECRET}", 7)
    mask_error(error, redactor)
    assert str(error) == f"b {MASK}"
    assert error.facts == {"excerpt": f"c {MASK}", "status": 400}
    assert error.excerpt == f"c {MASK}"
    assert error.__cause__.args == (f"a {MASK}", 7)
