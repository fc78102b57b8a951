"""Signatures verify against the vectors of RFC 8032 §7.1."""

import pytest

from brokerwire.simulator.fronts.binance.ed25519 import read_public_key, verify

VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
]
PEM = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=
-----END PUBLIC KEY-----
"""


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_signature_of_the_standard_verifies(key, message, signature):
    assert verify(bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature))


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_changed_message_signature_or_length_does_not_verify(key, message, signature):
    public, signed, good = bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature)
    assert not verify(public, signed + b"!", good)
    assert not verify(public, signed, good[:40] + bytes((good[40] ^ 1,)) + good[41:])
    assert not verify(public, signed, good[:63])
    assert not verify(public[:31], signed, good)


def test_values_outside_the_field_or_the_group_do_not_verify():
    key, good = bytes.fromhex(VECTORS[1][0]), bytes.fromhex(VECTORS[1][2])
    assert not verify(b"\xff" * 31 + b"\x7f", b"\x72", good)
    assert not verify(b"\x02" + b"\x00" * 31, b"\x72", good)
    assert not verify(key, b"\x72", good[:32] + b"\xff" * 32)


def test_public_key_is_read_from_pem():
    assert read_public_key(PEM) == bytes.fromhex(VECTORS[1][0])


@pytest.mark.parametrize(
    "text",
    ["", "secret", PEM.replace("PUBLIC", "PRIVATE"), PEM.replace("MCow", "MCox"), PEM.replace("VwAy", "V!Ay")],
)
def test_text_that_is_no_public_key_is_none(text):
    assert read_public_key(text) is None
