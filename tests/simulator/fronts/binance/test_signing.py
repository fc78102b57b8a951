"""Signatures, keys and timestamps are checked as documented."""

import base64

import pytest

from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.refusals import Refusal
from brokerwire.simulator.fronts.binance.signing import KeyRing, check_time, rest_payload, socket_payload

KEY, SECRET = "simKeyBinance0001", "simSecretBinance0001"
PAYLOAD = "apiKey=simKeyBinance0001&recvWindow=5000&timestamp=1767225600000"
SIGNATURE = "28fdcc13788e543a023642459fa3ba25363bbcb7262db36154d6f4a3bc4bd9f9"
NOW_NS = 1_767_225_600_000_000_000
PEM = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=
-----END PUBLIC KEY-----"""
ED_SIGNATURE = base64.b64encode(
    bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00"
    )
).decode()


@pytest.fixture
def keys():
    return KeyRing({KEY: SECRET, "ed": PEM})


def test_hmac_signature_is_accepted_in_any_case(keys):
    keys.check(api_key=KEY, payload=PAYLOAD, signature=SIGNATURE)
    keys.check(api_key=KEY, payload=PAYLOAD, signature=SIGNATURE.upper())


def test_wrong_signature_of_a_known_key_is_refused(keys):
    with pytest.raises(Refusal, match="-1022"):
        keys.check(api_key=KEY, payload=PAYLOAD + "1", signature=SIGNATURE)


def test_unknown_key_is_taken_with_any_signature(keys):
    keys.check(api_key="somebody", payload=PAYLOAD, signature="whatever")
    assert keys.check_key("somebody") == "somebody"


def test_missing_key_is_refused(keys):
    with pytest.raises(Refusal, match="-2014"):
        keys.check_key("")


def test_ed25519_signature_is_checked_against_the_public_key(keys):
    keys.check(api_key="ed", payload="r", signature=ED_SIGNATURE)
    with pytest.raises(Refusal, match="-1022"):
        keys.check(api_key="ed", payload="s", signature=ED_SIGNATURE)
    with pytest.raises(Refusal, match="-1022"):
        keys.check(api_key="ed", payload="r", signature="no base64!")


def test_only_ed25519_keys_may_log_on(keys):
    assert keys.is_ed25519("ed", ED_SIGNATURE)
    assert not keys.is_ed25519(KEY, SIGNATURE)
    assert keys.is_ed25519("unknown", ED_SIGNATURE)
    assert not keys.is_ed25519("unknown", SIGNATURE)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, -1102),
        ({"timestamp": "1767225601000"}, -1021),
        ({"timestamp": "1767225594999"}, -1021),
        ({"timestamp": "1767225600000", "recvWindow": "60001"}, -1131),
        ({"timestamp": "soon"}, -1100),
    ],
)
def test_time_outside_the_window_is_refused(values, code):
    with pytest.raises(Refusal) as caught:
        check_time(Arguments(values), NOW_NS)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "values",
    [
        {"timestamp": "1767225600999"},
        {"timestamp": "1767225595000"},
        {"timestamp": "1767225540000", "recvWindow": "60000"},
        {"timestamp": "1767225600000000", "recvWindow": "0.5"},
    ],
)
def test_time_within_the_window_is_accepted(values):
    check_time(Arguments(values), NOW_NS)


def test_rest_signs_query_and_body_as_sent_without_the_signature():
    assert rest_payload("a=1&signature=x", "b=%20&signature=y&c=3") == "a=1b=%20&c=3"


def test_socket_signs_the_params_sorted_by_name():
    assert socket_payload({"b": "2", "signature": "x", "a": "1 "}) == "a=1 &b=2"
