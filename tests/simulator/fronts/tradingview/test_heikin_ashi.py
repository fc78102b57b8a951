import pytest

from brokerwire.simulator.fronts.tradingview.heikin_ashi import averaged
from brokerwire.simulator.fronts.tradingview.history import Bar

SPEC = '={"inputs":{},"symbol":{"symbol":"NYSE:KO"},"type":"BarSetHeikenAshi@tv-basicstudies-60!"}'


def bar(number, opened, high, low, closed, volume=5.0):
    return Bar(number, number + 1, opened, high, low, closed, volume, number)


def test_the_first_bar_opens_in_its_own_middle_and_the_next_in_that_of_the_one_before():
    bars = [bar(0, 10, 14, 8, 12), bar(1, 12, 16, 11, 15, None)]
    first, second = averaged(bars, [], 2)
    assert first == (0, [0.0, 11.0, 14, 8, 11.0, 5.0])
    assert second == (1, [1.0, 11.0, 16, 11.0, 13.5])


def test_a_page_goes_on_from_the_bars_before_it():
    bars = [bar(n, 10 + n % 7, 20 + n % 5, 5 - n % 3, 11 + n % 6) for n in range(200)]
    whole = averaged(bars, [], 4)
    assert averaged(bars[150:], bars[:150], 4) == whole[150:]


async def test_a_chart_of_this_type_is_drawn_and_kept_up_to_date(venue):
    async with venue.dial() as dial:
        plain = await dial.chart("NYSE:KO", "1", 50)
        await dial.send("resolve_symbol", "cs_a", "sym_2", SPEC)
        await dial.send("create_series", "cs_a", "sds_2", "s1", "sym_2", "1", 50, "")
        packets = await dial.until("series_completed", lambda p: p[1] == "sds_2")

        def page(found, series):
            return next(
                p["p"][1][series]["s"] for p in found if p.get("m") == "timescale_update" and series in p["p"][1]
            )

        usual, shown = page(plain, "sds_1"), page(packets, "sds_2")
        assert [point["v"][0] for point in shown] == [point["v"][0] for point in usual]
        _, opened, high, low, closed, _ = usual[20]["v"]
        assert shown[20]["v"][4] == pytest.approx((opened + high + low + closed) / 4, abs=0.006)
        live = await dial.one("du", lambda p: "sds_2" in p[1])
        assert live[1]["sds_2"]["s"][0]["v"][1] == pytest.approx((shown[-2]["v"][1] + shown[-2]["v"][4]) / 2, abs=0.02)
