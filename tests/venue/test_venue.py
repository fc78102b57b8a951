from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerwire.venue import Endpoints, Request, Response, encode_query
from brokerwire.venues import load_venue, venue_names


def test_the_query_keeps_its_order_and_is_escaped() -> None:
    request = Request(path="/a%2Fb", query=(("b", "x y&z"), ("a", '["1"]'), ("b", "")))
    assert request.target == "/a%2Fb?b=x%20y%26z&a=%5B%221%22%5D&b="
    assert Request(path="/x").target == "/x"


@given(st.lists(st.tuples(st.text(alphabet="ab+ &=%/ä", min_size=1), st.text(alphabet="xy+ &=%/ä\n"))))
def test_what_is_encoded_is_read_back(query: list[tuple[str, str]]) -> None:
    encoded = encode_query(query)
    assert parse_qsl(encoded, keep_blank_values=True) == query
    assert " " not in encoded


def test_the_body_of_a_request_is_parsed_on_demand() -> None:
    assert Request(path="/", body=b'{"a":1}').json() == {"a": 1}
    assert Request(path="/").json() is None


@pytest.mark.parametrize(("status", "is_success"), [(199, False), (200, True), (204, True), (299, True), (302, False)])
def test_success_is_2xx(status: int, is_success: bool) -> None:
    assert Response(status).is_success is is_success


def test_a_body_that_is_not_json_is_none() -> None:
    assert Response(200, {}, b'{"a":1}').json() == {"a": 1}
    assert Response(200, {}, b"<html>").json() is None
    assert Response(200).json() is None


def test_offline_has_no_addresses_of_its_own() -> None:
    endpoints = Endpoints({"rest": "https://live"}, {"rest": "https://paper"})
    assert endpoints.of("live") == {"rest": "https://live"}
    assert endpoints.of("paper") == {"rest": "https://paper"}
    assert endpoints.of("offline") == {}


@pytest.mark.parametrize("name", venue_names())
def test_every_venue_is_consistent_with_itself(name: str) -> None:
    venue = load_venue(name)
    assert venue.name == name
    asked = set(venue.operations) | set(venue.conversations)
    assert {key for key, source in venue.capabilities.items() if source == "request"} == asked
    assert not set(venue.operations) & set(venue.conversations)
    assert venue.required <= set(venue.credentials)
    for environment in (venue.endpoints.live, venue.endpoints.paper):
        for address in environment.values():
            assert urlsplit(address).scheme in {"https", "wss"}


def test_requests_and_responses_do_not_show_what_they_carry() -> None:
    request = Request(path="/x", query=(("signature", "canary"),), headers={"Authorization": "canary"}, body=b"canary")
    assert repr(request) == "Request(GET rest /x)"
    assert repr(Response(200, {"x": "canary"}, b"canary")) == "Response(200, 6 bytes)"


def test_a_body_nested_too_deeply_is_none() -> None:
    assert Response(200, {}, b"[" * 200_000).json() is None
