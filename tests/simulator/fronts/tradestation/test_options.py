from datetime import date
from typing import Any

import pytest

OPTIONS = "/v3/marketdata/options"
LIVE = "/v3/marketdata/stream/options"


def monthly(wire: Any, number: int) -> date:
    days: list[date] = wire.simulator.exchange.market.universe.expirations("AAPL")
    return days[number]


async def test_expirations_have_types(wire: Any) -> None:
    rows = (await wire.get(f"{OPTIONS}/expirations/AAPL"))["Expirations"]
    assert list(rows[0]) == ["Date", "Type"]
    assert {row["Type"] for row in rows} >= {"Weekly", "Monthly"}
    assert (await wire.get(f"{OPTIONS}/expirations/AAPL?strikePrice=260"))["Expirations"] == rows
    assert (await wire.get(f"{OPTIONS}/expirations/AAPL?strikePrice=260.01"))["Expirations"] == []


async def test_strikes_come_in_runs_of_the_spread_type(wire: Any) -> None:
    single = await wire.get(f"{OPTIONS}/strikes/AAPL")
    butterfly = await wire.get(f"{OPTIONS}/strikes/AAPL?spreadType=Butterfly&strikeInterval=2")
    assert single["SpreadType"] == "Single"
    assert all(len(row) == 1 for row in single["Strikes"])
    a, b, c = (float(strike) for strike in butterfly["Strikes"][0])
    assert b - a == c - b == 10


async def test_spread_types_are_the_sixteen_of_the_venue(wire: Any) -> None:
    rows = (await wire.get(f"{OPTIONS}/spreadtypes"))["SpreadTypes"]
    assert len(rows) == 16
    assert rows[0] == {"Name": "Single", "StrikeInterval": False, "ExpirationInterval": False}
    assert {"Name": "Diagonal", "StrikeInterval": True, "ExpirationInterval": True} in rows


async def test_risk_and_reward_of_a_condor(wire: Any) -> None:
    day = f"{monthly(wire, 3):%y%m%d}"
    legs = [
        {"Symbol": f"AAPL {day}C{strike}", "Quantity": 1, "TradeAction": action}
        for strike, action in ((260, "BUY"), (265, "SELL"), (270, "SELL"), (275, "BUY"))
    ]
    status, body = await wire.call("POST", f"{OPTIONS}/riskreward", {"SpreadPrice": 0.24, "Legs": legs})
    assert status == 200
    assert body == {
        "MaxGainIsInfinite": False,
        "AdjustedMaxGain": "476",
        "MaxLossIsInfinite": False,
        "AdjustedMaxLoss": "-24",
        "BreakevenPoints": ["260.24", "274.76"],
    }
    _, body = await wire.call("POST", f"{OPTIONS}/riskreward", {"SpreadPrice": 3, "Legs": legs[:1]})
    assert (body["MaxGainIsInfinite"], body["AdjustedMaxLoss"]) == (True, "-300")


async def test_bad_risk_requests(wire: Any) -> None:
    near, far = (f"AAPL {monthly(wire, n):%y%m%d}C260" for n in (2, 3))
    mixed = [{"Symbol": s, "Quantity": 1, "TradeAction": "BUY"} for s in (near, far)]
    for legs in ([], mixed, [{"Symbol": "NOPE", "Quantity": 1, "TradeAction": "BUY"}], [{"Symbol": near}]):
        assert (await wire.call("POST", f"{OPTIONS}/riskreward", {"SpreadPrice": 1, "Legs": legs}))[0] == 400


@pytest.mark.parametrize(
    "path",
    [
        f"{OPTIONS}/expirations/NOPE",
        f"{OPTIONS}/strikes/EURUSD",
        f"{OPTIONS}/strikes/AAPL?spreadType=Wings",
        f"{OPTIONS}/strikes/AAPL?expiration=01-02-2001",
        f"{OPTIONS}/strikes/AAPL?expiration=soon",
        f"{OPTIONS}/strikes/AAPL?spreadType=Calendar",
        f"{OPTIONS}/expirations/AAPL?strikePrice=cheap",
        f"{OPTIONS}/expirations/AAPL?strikePrice=NaN",
        f"{LIVE}/chains/AAPL?optionType=Maybe",
        f"{LIVE}/chains/AAPL?enableGreeks=perhaps",
        f"{LIVE}/quotes",
        f"{LIVE}/quotes?legs[0].Symbol=NOPE",
    ],
)
async def test_bad_requests(wire: Any, path: str) -> None:
    assert (await wire.call("GET", path))[0] == 400


async def test_chain_begins_with_every_spread_and_goes_on(wire: Any) -> None:
    async with wire.stream(f"{LIVE}/chains/AAPL?strikeProximity=2&optionType=All") as lines:
        burst: dict[tuple[str, str], dict[str, Any]] = {}
        while (later := await lines.frame()) and (key := (later["Side"], later["Strikes"][0])) not in burst:
            burst[key] = later
    strikes = {strike for _, strike in burst}
    assert len(strikes) == 4  # two on each side of the market
    assert set(burst) == {(side, strike) for strike in strikes for side in ("Call", "Put")}
    first = next(iter(burst.values()))
    assert next(iter(first)) == "Delta"
    assert list(first)[-4:] == ["Volume", "Side", "Strikes", "Legs"]
    assert isinstance(first["AskSize"], int)
    assert isinstance(first["Delta"], str)
    assert set(later) == set(first)


async def test_no_update_of_a_chain_comes_before_its_last_spread_however_slowly_it_is_written(wire: Any) -> None:
    wire.simulator.faults.set("split_chunks")
    async with wire.stream(f"{LIVE}/chains/AAPL?strikeProximity=10") as lines:
        frames = [await lines.frame() for _ in range(60)]
    keys = [(frame["Side"], frame["Strikes"][0]) for frame in frames]
    assert len(set(keys[:40])) == 40
    assert set(keys[40:]) <= set(keys[:40])


async def test_chain_filters(wire: Any) -> None:
    path = f"{LIVE}/chains/AAPL?strikeProximity=2&optionType=Call&strikeRange=OTM&enableGreeks=false"
    async with wire.stream(path) as lines:
        frames = [await lines.frame() for _ in range(2)]
    assert all(f["Side"] == "Call" and "Delta" not in f for f in frames)


async def test_spread_quote_of_given_legs(wire: Any) -> None:
    day = f"{monthly(wire, 3):%y%m%d}"
    path = (
        f"{LIVE}/quotes?legs[0].Symbol=AAPL%20{day}C260&legs[0].Ratio=1"
        f"&legs[1].Symbol=AAPL%20{day}C265&legs[1].Ratio=-1&riskFreeRate=0.02"
    )
    async with wire.stream(path) as lines:
        frame = await lines.frame()
    assert [leg["Ratio"] for leg in frame["Legs"]] == [1, -1]
    assert frame["Strikes"] == ["260", "265"]
    assert 0 < float(frame["Bid"]) < float(frame["Ask"]) < 5.5


async def test_stock_has_no_chance_to_end_in_the_money(wire: Any) -> None:
    async with wire.stream(f"{LIVE}/quotes?legs[0].Symbol=AAPL&legs[0].Ratio=100") as lines:
        frame = await lines.frame()
    assert float(frame["Delta"]) == 1
    assert "ProbabilityITM" not in frame
    assert frame["Legs"] == [{"Symbol": "AAPL", "Ratio": 100, "AssetType": "Stock"}]


async def test_risk_of_a_covered_call(wire: Any) -> None:
    day = f"{monthly(wire, 3):%y%m%d}"
    legs = [
        {"Symbol": "AAPL", "Quantity": 100, "TradeAction": "BUY"},
        {"Symbol": f"AAPL {day}C260", "Quantity": 1, "TradeAction": "SELL"},
    ]
    status, body = await wire.call("POST", f"{OPTIONS}/riskreward", {"SpreadPrice": 250, "Legs": legs})
    assert status == 200
    assert (body["MaxGainIsInfinite"], body["AdjustedMaxGain"]) == (False, "1000")
    assert body["BreakevenPoints"] == ["250"]
