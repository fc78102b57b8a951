"""Black-Scholes prices and sensitivities, for option paths and option streams."""

import math
from typing import Literal

import msgspec

_YEAR_DAYS = 365.25


class Valuation(msgspec.Struct, frozen=True):
    """Model value of one option per share; ``theta`` per day, ``vega`` and ``rho`` per percentage point."""

    price: float
    delta: float
    gamma: float
    theta: float
    vega: float
    rho: float
    probability_itm: float


def normal_cdf(x: float) -> float:
    """Return the standard normal distribution function."""
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


def value_option(
    spot: float, strike: float, days: float, *, volatility: float, rate: float, option_type: Literal["call", "put"]
) -> Valuation:
    """Value a European option ``days`` before expiration; ``volatility`` and ``rate`` are per year (0.3 = 30 %)."""
    years = max(days, 0.02) / _YEAR_DAYS
    root = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / root
    d2 = d1 - root
    discount = math.exp(-rate * years)
    density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    sign = 1.0 if option_type == "call" else -1.0
    n1, n2 = normal_cdf(sign * d1), normal_cdf(sign * d2)
    carry = sign * rate * strike * discount * n2
    return Valuation(
        price=sign * (spot * n1 - strike * discount * n2),
        delta=sign * n1,
        gamma=density / (spot * root),
        theta=(-spot * density * volatility / (2 * math.sqrt(years)) - carry) / _YEAR_DAYS,
        vega=spot * density * math.sqrt(years) / 100,
        rho=sign * strike * years * discount * n2 / 100,
        probability_itm=n2,
    )
