"""The fields of a quote that do not move: what a symbol is, and invented but steady figures about companies."""

from typing import Any

from brokerwire.simulator.fronts.tradingview.symbol_info import identity, price_scale, trading_hours
from brokerwire.simulator.fronts.tradingview.symbols import Listed
from brokerwire.simulator.price_path import path_key, unit
from brokerwire.simulator.sessions import Calendar

_SECTORS = ("Electronic Technology", "Technology Services", "Finance", "Retail Trade", "Energy Minerals")


def steady_fields(listed: Listed, *, calendar: Calendar, update_mode: str) -> dict[str, Any]:
    """Return the fields that the first quote carries and no later one."""
    return (
        identity(listed)
        | price_scale(listed)
        | {
            "short_name": listed.name,
            "original_name": listed.full_name,
            "local_description": listed.description,
            "country_code": "" if listed.instrument.kind in ("forex", "crypto") else "US",
            "timezone": trading_hours(listed, calendar)[1],
            "logoid": listed.name.lower(),
            "currency-logoid": f"country/{listed.instrument.quote}",
            "is_tradable": listed.instrument.is_tradable,
            "update_mode": update_mode,
        }
    )


def update_mode_of(listed: Listed, plan: str) -> str:
    """Return how fresh a plan's prices are said to be: without one, indices are a quarter of an hour late."""
    return "delayed_streaming_900" if listed.type == "index" and not plan else "streaming"


def slow_fields(listed: Listed, *, price: float, year: int) -> dict[str, Any]:
    """Return figures about a company, empty for anything else; they depend on its name alone and on ``price``."""
    if listed.type != "stock":
        return {}
    key = path_key(0, listed.instrument.root or listed.name)
    earnings = round(price / (12 + 25 * unit(key, 1)), 2)
    shares = int(3e8 + 9e9 * unit(key, 2))
    target = price * (0.95 + 0.3 * unit(key, 3))
    figures = {
        "market_cap_basic": round(price * shares),
        "earnings_per_share_basic_ttm": earnings,
        "price_earnings_ttm": round(price / earnings, 2) if earnings else None,
        "beta_1_year": round(0.5 + 1.3 * unit(key, 4), 3),
        "dividends_yield": round(3 * unit(key, 5), 2),
        "sector": _SECTORS[int(unit(key, 6) * len(_SECTORS))],
        "industry": "Synthetic",
        "basic_eps_net_income": earnings,
        "fundamental_currency_code": listed.instrument.quote,
        "price_target_average": round(target, 2),
        "price_target_median": round(target * 0.99, 2),
        "price_target_high": round(target * 1.2, 2),
        "price_target_low": round(target * 0.8, 2),
    }
    return figures | _reports(earnings, price * shares * 0.15, year)


def _reports(earnings: float, revenue: float, year: int) -> dict[str, Any]:
    years = [str(each) for each in range(year - 4, year + 1)]
    quarters = [f"{each}-Q{quarter}" for each in (year - 1, year) for quarter in (1, 2, 3, 4)]
    return {
        "earnings_fy_h": _rows(years, earnings),
        "earnings_fq_h": _rows(quarters, earnings / 4),
        "revenues_fy_h": _rows(years, revenue),
        "revenues_fq_h": _rows(quarters, revenue / 4),
    }


def _rows(periods: list[str], newest: float) -> list[dict[str, Any]]:
    last = len(periods) - 1
    return [
        {
            "FiscalPeriod": period,
            "Actual": None if number == last else round(newest * 0.97 ** (last - number), 4),
            "Estimate": round(newest * 0.96 ** (last - number), 4),
            "IsReported": number != last,
            "Type": 1,
        }
        for number, period in enumerate(periods)
    ]
