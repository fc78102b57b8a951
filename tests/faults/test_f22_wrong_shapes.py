"""F22: wrong types, missing, further and huge fields: whole events or none, and no digit is lost."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.faults import frames
from tests.faults.conftest import Row
from tests.faults.venues import VENUES
from tests.faults.waiting import until

DIGITS = "123456789012345.678901234567891"


@pytest.mark.parametrize("venue", VENUES)
def test_a_field_of_the_wrong_type_is_an_error_and_no_half_event(row: Row, venue: str) -> None:
    async def main(row: Row) -> None:
        name = frames.BIDS[venue]
        wrong: list[Any] = [{}, [], [1], {"x": 1}, True, "twelve", "1.2.3"]
        script = [frames.quote(venue, 7, {name: value}) for value in wrong]
        place = await row.scripted(venue, [*script, frames.quote(venue, 8)], pause_s=4.0)
        watch = await row.watch(row.client(place), "quotes", frames.SYMBOLS[venue], flows=False)
        await until(lambda: bool(watch.events))
        assert [event.bid for event in watch.events] == [8.5]
        assert place.dials == 1
        assert row.warned("passed over")

    row(main)


@pytest.mark.parametrize("venue", VENUES)
def test_further_fields_and_long_numbers_are_kept_in_raw_to_the_last_digit(row: Row, venue: str) -> None:
    async def main(row: Row) -> None:
        extra = {"Novelty": {"deep": [1, 2, DIGITS]}, "Huge": 10**40}
        body = frames.body(venue, 5, extra).replace(b'"Huge":', b'"Exact":' + DIGITS.encode() + b',"Huge":')
        place = await row.scripted(venue, [frames.wrap(venue, body)])
        watch = await row.watch(row.client(place), "quotes", frames.SYMBOLS[venue], flows=False)
        await until(lambda: bool(watch.events))
        (event,) = watch.events
        assert event.bid == 5.5
        raw = event.raw["p"][1]["v"] if venue == "tradingview" else event.raw
        assert raw["Novelty"] == extra["Novelty"]
        assert raw["Exact"] == Decimal(DIGITS)
        assert raw["Huge"] == 10**40
        assert event["Novelty"]["deep"][2] == DIGITS

    row(main)


def test_an_order_keeps_thirty_digits(row: Row) -> None:
    async def main(row: Row) -> None:
        order = {**frames.ORDER, "LimitPrice": DIGITS, "Extra": [DIGITS]}
        ending = msgspec.json.encode({"StreamStatus": "EndSnapshot"})
        place = await row.scripted("tradestation", [msgspec.json.encode(order), ending])
        watch = await row.watch(row.client(place), "order_updates", accounts=["SIM1"], flows=False)
        await watch.more(1)
        (event,) = watch.events
        assert event.limit_price == Decimal(DIGITS)
        assert event.raw["Extra"] == [DIGITS]
        assert (event.quantity, event.symbol) == (Decimal(10), "AAPL")

    row(main)


@pytest.mark.parametrize(
    "damage", [{"Legs": "none"}, {"LimitPrice": {}}, {"LimitPrice": "much"}, {"Legs": [{"Symbol": 7}]}]
)
def test_an_order_of_a_wrong_shape_is_never_half_delivered(row: Row, damage: dict[str, Any]) -> None:
    async def main(row: Row) -> None:
        script = [
            msgspec.json.encode({**frames.ORDER, **damage}),
            msgspec.json.encode({**frames.ORDER, "OrderID": "813"}),
        ]
        place = await row.scripted("tradestation", script, pause_s=1.0)
        watch = await row.watch(row.client(place), "order_updates", accounts=["SIM1"], flows=False)
        await watch.more(1)
        await row.sleep(5)
        assert [event.order_id for event in watch.events] == ["813"]
        assert place.dials == 1

    row(main)
