from decimal import Decimal

import pytest

from brokerwire.simulator.fronts.tradestation.answers import ApiError, comma_list, encode, moment, number, rounded


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("161.30"), "161.3"),
        (Decimal("36.00"), "36"),
        (Decimal("1E+3"), "1000"),
        (Decimal("8.1E-7"), "0.00000081"),
        (Decimal("-0.00"), "0"),
        (100, "100"),
        (0.1 + 0.2, "0.3"),
        (Decimal("-1.160"), "-1.16"),
    ],
)
def test_numbers_are_plain_decimals(value: Decimal | int | float, text: str) -> None:
    assert number(value) == text


def test_rounding_drops_trailing_zeros() -> None:
    assert rounded(Decimal("1.23000449"), 6) == "1.230004"
    assert rounded(Decimal("2.0000001"), 4) == "2"


def test_times_are_utc_to_the_second() -> None:
    assert moment(1_795_183_384_999_999_999) == "2026-11-20T14:03:04Z"


def test_comma_list_drops_doubles_and_refuses_too_many() -> None:
    assert comma_list("A, B,,A", limit=2, what="symbols") == ["A", "B"]
    with pytest.raises(ApiError, match="Too many symbols"):
        comma_list("A,B,C", limit=2, what="symbols")
    with pytest.raises(ApiError, match="No symbols"):
        comma_list(" , ", limit=2, what="symbols")


def test_error_has_its_status() -> None:
    response = ApiError("ServiceUnavailable", "gone").response()
    assert response.status == 503
    assert response.body == encode({"Error": "ServiceUnavailable", "Message": "gone"})
