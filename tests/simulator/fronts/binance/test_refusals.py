"""A refusal carries the venue's code, text and status."""

import pytest

from brokerwire.simulator.fronts.binance import refusals


@pytest.mark.parametrize(
    ("refusal", "code", "status"),
    [
        (refusals.invalid_symbol(), -1121, 400),
        (refusals.invalid_interval(), -1120, 400),
        (refusals.missing("symbol"), -1102, 400),
        (refusals.one_missing("a", "b"), -1102, 400),
        (refusals.illegal("a", "b"), -1100, 400),
        (refusals.too_many(1, 2), -1101, 400),
        (refusals.duplicated("a"), -1101, 400),
        (refusals.unread(1, 2), -1104, 400),
        (refusals.empty("a"), -1105, 400),
        (refusals.not_required("a"), -1106, 400),
        (refusals.too_precise("a"), -1111, 400),
        (refusals.bad_combination(), -1128, 400),
        (refusals.invalid_data("a"), -1130, 400),
        (refusals.unauthorized(), -2015, 401),
        (refusals.bad_key_format(), -2014, 401),
        (refusals.bad_signature(), -1022, 400),
        (refusals.outside_window(), -1021, 400),
        (refusals.ahead_of_server(), -1021, 400),
        (refusals.order_refused("no"), -2010, 400),
        (refusals.cancel_refused(), -2011, 400),
        (refusals.no_such_order(), -2013, 400),
        (refusals.filter_failed("LOT_SIZE"), -1013, 400),
        (refusals.outcome_unknown(), -1007, 504),
    ],
)
def test_refusal_has_the_documented_code_and_status(refusal, code, status):
    assert (refusal.code, refusal.status) == (code, status)
    assert refusal.body == {"code": code, "msg": refusal.msg}
