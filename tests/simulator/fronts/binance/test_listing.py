"""What is listed, and how it is described."""

import msgspec
import pytest

from brokerwire.simulator.fronts.binance.listing import (
    Listing,
    largest_price,
    largest_size,
    least_notional,
)
from brokerwire.simulator.fronts.binance.refusals import Refusal
from brokerwire.simulator.instruments import Universe


@pytest.fixture(scope="module")
def listing():
    return Listing(Universe())


@pytest.mark.parametrize(
    "symbol", ["BTCUSDT", "ETHUSDT", "BNBBTC", "LTCBTC", "ETHBTC", "ATOMEUR", "BNBUSDT", "SOLUSDC"]
)
def test_symbols_of_the_documents_are_listed(listing, symbol):
    assert listing.find(symbol).symbol == symbol


@pytest.mark.parametrize("symbol", ["NOPE", "BTCUSD", "AAPL", "EURUSD"])
def test_what_the_venue_does_not_have_is_refused(listing, symbol):
    assert listing.get(symbol) is None
    with pytest.raises(Refusal, match="-1121"):
        listing.find(symbol)


def test_description_has_filters_that_fit_the_pair_and_is_encoded_once(listing):
    pair = listing.find("BTCUSDT")
    raw = listing.describe(pair, permission_sets=[("SPOT",)])
    assert listing.describe(pair, permission_sets=[("SPOT",)]) is raw
    described = msgspec.json.decode(raw)
    filters = {entry["filterType"]: entry for entry in described["filters"]}
    assert (described["baseAsset"], described["quoteAsset"], described["status"]) == ("BTC", "USDT", "TRADING")
    assert filters["PRICE_FILTER"]["tickSize"] == f"{pair.tick:.8f}"
    assert filters["LOT_SIZE"]["stepSize"] == f"{pair.lot:.8f}"
    assert described["permissionSets"] == [["SPOT"]]
    assert msgspec.json.decode(listing.describe(pair, permission_sets=[]))["permissionSets"] == []


def test_bounds_follow_tick_lot_and_quote(listing):
    pair = listing.find("ETHBTC")
    assert largest_price(pair) > pair.anchor
    assert largest_size(pair) > 0
    assert str(least_notional(pair)) == "0.00010000"
    assert str(least_notional(listing.find("BTCUSDT"))) == "5.00000000"


def test_permissions_select_and_unknown_spellings_are_refused(listing):
    assert len(listing.with_permissions(["SPOT"])) == len(listing.symbols)
    assert listing.with_permissions(["LEVERAGED"]) == []
    with pytest.raises(Refusal, match="-1130"):
        listing.with_permissions(["spot"])
