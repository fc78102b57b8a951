from typing import Any

import pytest

DEPTH = "/v3/marketdata/stream/marketdepth"


async def test_participant_rows(wire: Any) -> None:
    async with wire.stream(f"{DEPTH}/quotes/AAPL?maxlevels=3") as lines:
        frame = await lines.frame()
    assert list(frame) == ["Bids", "Asks"]
    assert len(frame["Bids"]) == len(frame["Asks"]) == 3
    row = frame["Bids"][0]
    assert list(row) == ["TimeStamp", "Side", "Price", "Size", "OrderCount", "Name"]
    assert (row["Side"], frame["Asks"][0]["Side"]) == ("Bid", "Ask")
    assert isinstance(row["OrderCount"], int)


async def test_aggregate_rows_are_sorted_from_the_touch(wire: Any) -> None:
    async with wire.stream(f"{DEPTH}/aggregates/AAPL") as lines:
        frame, later = await lines.frame(), await lines.frame()
    bids, asks = ([float(row["Price"]) for row in frame[side]] for side in ("Bids", "Asks"))
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    assert len(bids) == 20
    assert list(frame["Bids"][0]) == [
        "EarliestTime", "LatestTime", "Side", "Price", "TotalSize", "BiggestSize", "SmallestSize", "NumParticipants",
        "TotalOrderCount",
    ]  # fmt: skip
    assert set(later) == {"Bids", "Asks"}


@pytest.mark.parametrize("path", ["quotes/NOPE1", "quotes/$SPX.X", "aggregates/AAPL?maxlevels=0"])
async def test_bad_requests(wire: Any, path: str) -> None:
    assert (await wire.call("GET", f"{DEPTH}/{path}"))[0] == 400
