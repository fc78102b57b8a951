import pytest

from brokerwire.simulator.pricing import normal_cdf, value_option


def test_call_and_put_obey_parity() -> None:
    call = value_option(100, 95, 60, volatility=0.3, rate=0.04, option_type="call")
    put = value_option(100, 95, 60, volatility=0.3, rate=0.04, option_type="put")
    discounted = 95 * 2.718281828 ** (-0.04 * 60 / 365.25)
    assert call.price - put.price == pytest.approx(100 - discounted, abs=1e-6)
    assert call.delta - put.delta == pytest.approx(1.0)
    assert call.gamma == pytest.approx(put.gamma)


def test_deep_option_is_worth_its_intrinsic_value_at_expiration() -> None:
    call = value_option(100, 50, 0, volatility=0.3, rate=0.0, option_type="call")
    assert call.price == pytest.approx(50, abs=0.01)
    assert call.probability_itm == pytest.approx(1.0)


def test_normal_cdf_is_one_half_at_zero() -> None:
    assert normal_cdf(0) == pytest.approx(0.5)
