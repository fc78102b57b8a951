from decimal import Decimal

import msgspec
import pytest

from brokerwire.errors import ConfigurationError, InvalidSymbolError, ProtocolError, UnsupportedError
from brokerwire.events import Level, Order, OrderUpdate, Topic
from brokerwire.venues.tradestation import codec, spec, wire
from brokerwire.venues.tradestation.codec import build_dial, build_topic, kind_of

read_order = wire.decoder(wire.OrderMessage)


def dial(channel: str, symbol: str, variant: str = "", **settings: str):
    topic = build_topic(channel, symbol, variant, settings)
    request = build_dial(kind_of(topic), [topic])
    return request.path, dict(request.query)


@pytest.mark.parametrize(
    ("channel", "symbol", "variant", "topic"),
    [
        ("quote", "ko", "ignored", Topic("quote", "KO")),
        ("trade", "ko", "", Topic("trade", "KO")),
        ("bar", "ko", "1m", Topic("bar", "KO", "1m")),
        ("bar", "ko", "7m;10", Topic("bar", "KO", "7m;10")),
        ("bar", "ko", "1d;;USEQPre", Topic("bar", "KO", "1d;;USEQPre")),
        ("depth", "ko", "", Topic("depth", "KO", "10")),
        ("depth", "ko", "5;quotes", Topic("depth", "KO", "5;quotes")),
        ("option_chain", "ko", "option_type=Put", Topic("option_chain", "KO", "option_type=Put")),
        ("option_quote", "ko 261218c70*1", "", Topic("option_quote", "KO 261218C70")),
        ("order", "sim1m", "", Topic("order", "SIM1M")),
        ("order", "sim1m", "2,1-0", Topic("order", "SIM1M", "10,2")),
        ("position", "sim1m", "", Topic("position", "SIM1M")),
        ("balance", "sim1m", "", Topic("balance", "SIM1M")),
    ],
)
def test_topics_have_one_spelling(channel, symbol, variant, topic):
    assert build_topic(channel, symbol, variant, spec.SETTINGS) == topic
    assert build_topic(channel, topic.symbol, topic.variant, spec.SETTINGS) == topic


@pytest.mark.parametrize(
    ("channel", "symbol", "variant", "settings", "error"),
    [
        ("news", "KO", "", {}, UnsupportedError),
        ("bar", "KO", "1s", {}, UnsupportedError),
        ("bar", "KO", "1441m", {}, UnsupportedError),
        ("bar", "KO", "1m;57601", {}, ConfigurationError),
        ("bar", "KO", "1m;-1", {}, ConfigurationError),
        ("bar", "KO", "1m", {"session_template": "Night"}, ConfigurationError),
        ("depth", "KO", "0", {}, ConfigurationError),
        ("depth", "KO", "all", {}, ConfigurationError),
        ("depth", "KO", "5", {"depth": "levels"}, ConfigurationError),
        ("option_chain", "KO", "x=1", {}, ConfigurationError),
        ("option_quote", "KO*0", "", {}, InvalidSymbolError),
        ("order", "SIM1M", ",".join(map(str, range(51))), {}, ConfigurationError),
        ("order", "", "", {}, ConfigurationError),
        ("quote", "A,B", "", {}, InvalidSymbolError),
    ],
)
def test_what_the_venue_has_not_is_refused(channel, symbol, variant, settings, error):
    with pytest.raises(error):
        build_topic(channel, symbol, variant, settings)


def test_all_symbols_of_a_connection_are_in_one_address():
    topics = [Topic("quote", "KO"), Topic("quote", "$SPX.X"), Topic("quote", "KO 261218C70")]
    request = build_dial(kind_of(topics[0]), topics)
    assert request.path == "/v3/marketdata/stream/quotes/KO,$SPX.X,KO%20261218C70"
    assert (request.endpoint, request.authorization, request.bucket) == ("rest", "token", "quote_stream")


def test_bar_addresses_name_unit_interval_and_history():
    path = "/v3/marketdata/stream/barcharts/KO"
    assert dial("bar", "KO", "2h") == (path, {"interval": "120", "unit": "Minute", "barsback": "2"})
    assert dial("bar", "KO", "1w;30", session_template="USEQPre")[1] == {
        "interval": "1",
        "unit": "Weekly",
        "sessiontemplate": "USEQPre",
        "barsback": "30",
    }


def test_trade_addresses_ask_for_bars_of_one_tick():
    assert dial("trade", "@ES") == ("/v2/stream/tickbars/@ES/1/10", {})
    assert dial("trade", "KO", session_template="Default")[1] == {"SessionTemplate": "Default"}


def test_depth_addresses_follow_the_setting():
    assert dial("depth", "KO", "20") == ("/v3/marketdata/stream/marketdepth/aggregates/KO", {"maxlevels": "20"})
    assert dial("depth", "KO", "5", depth="quotes") == (
        "/v3/marketdata/stream/marketdepth/quotes/KO",
        {"maxlevels": "5"},
    )


def test_option_addresses_use_the_names_of_the_venue():
    path, query = dial("option_chain", "KO", "expiration=2026-12-18&strike_proximity=3&enable_greeks=False")
    assert path == "/v3/marketdata/stream/options/chains/KO"
    assert query == {"expiration": "12-18-2026", "strikeProximity": "3", "enableGreeks": "false"}
    path, query = dial("option_quote", "KO 261218C70*1+KO 261218C72*-2", "risk_free_rate=0.02")
    assert path == "/v3/marketdata/stream/options/quotes"
    assert query == {
        "legs[0].Symbol": "KO 261218C70",
        "legs[0].Ratio": "1",
        "legs[1].Symbol": "KO 261218C72",
        "legs[1].Ratio": "-2",
        "riskFreeRate": "0.02",
    }


def test_several_accounts_share_an_address():
    topics = [Topic("order", "SIM1M"), Topic("order", "SIM2F")]
    assert build_dial(spec.ORDERS, topics).path == "/v3/brokerage/stream/accounts/SIM1M,SIM2F/orders"
    assert build_dial(spec.BALANCES, topics).path == "/v3/brokerage/accounts/SIM1M,SIM2F/balances"
    assert dial("order", "SIM1M", "1,2") == ("/v3/brokerage/stream/accounts/SIM1M/orders/1,2", {})
    assert dial("position", "SIM1M") == ("/v3/brokerage/stream/accounts/SIM1M/positions", {"changes": "true"})


@pytest.mark.parametrize(
    ("change", "previous", "percent"), [(0.7, 70.0, 1.0), (None, 70.0, None), (0.7, None, None), (0.7, 0.0, None)]
)
def test_the_change_in_percent_is_computed(change, previous, percent):
    assert codec.change_percent(change, previous) == (None if percent is None else pytest.approx(percent))


def test_a_bar_without_a_time_or_a_price_breaks_the_protocol():
    for message in (wire.BarMessage(close=1.0), wire.BarMessage(open=1.0, high=1.0, close=1.0, epoch=60_000)):
        with pytest.raises(ProtocolError):
            codec.bar_of(message, Topic("bar", "KO", "1m"), 1)


def test_bars_of_old_frames_have_no_status_and_are_closed():
    message = wire.BarMessage(open=1.0, high=1.0, low=1.0, close=1.0, time_stamp="2026-11-20T15:30:00Z")
    assert codec.bar_of(message, Topic("bar", "KO", "1m"), 1).is_closed


@pytest.mark.parametrize(
    ("status", "reason"),
    [(11 | 1 << 5, "corporate action"), (11 | 1 << 6 | 1 << 19, "correction, correction of the previous day")],
)
def test_corrections_of_trades_are_not_trades(status, reason):
    message = wire.TickMessage(close=70.5, status=status, time_stamp="/Date(1000)/", total_volume=5.0)
    correction = codec.trade_of(message, "KO", 1)
    assert (correction.kind, correction.reason, correction.price) == ("trade_correction", reason, 70.5)


@pytest.mark.parametrize("bit", [24, 25, 28])
def test_bars_that_hold_no_trade_are_none(bit):
    message = wire.TickMessage(close=70.5, status=3 | 1 << bit, time_stamp="/Date(1000)/", total_volume=5.0)
    assert codec.trade_of(message, "KO", 1) is None


def test_a_tick_without_a_size_breaks_the_protocol():
    with pytest.raises(ProtocolError):
        codec.trade_of(wire.TickMessage(close=70.5, time_stamp="/Date(1000)/"), "KO", 1)


def test_participants_at_one_price_are_one_level_and_levels_are_cut(lines):
    message = wire.decoder(wire.DepthMessage)(lines("depth_quotes.jsonl")[0])
    book = codec.depth_of(message, Topic("depth", "KO", "1;quotes"), 1)
    assert book.bids == (Level(70.7, 300.0),)
    assert book.asks == (Level(70.71, 400.0),)
    assert book.is_snapshot
    assert book.time.isoformat() == "2026-11-20T15:30:06+00:00"


def test_an_empty_book_has_no_time():
    book = codec.depth_of(wire.DepthMessage(bids=(), asks=None), Topic("depth", "KO", "5"), 1)
    assert (book.bids, book.asks, book.time_ns) == ((), (), None)


def test_levels_without_any_size_are_zero():
    message = wire.DepthMessage(bids=(wire.DepthRow(price=1.0),))
    assert codec.depth_of(message, Topic("depth", "KO", "5"), 1).bids == (Level(1.0, 0.0),)


def test_a_chain_row_says_which_options_it_is_made_of(lines):
    message = wire.decoder(wire.SpreadMessage)(lines("option_chain.jsonl")[0])
    entry = codec.chain_entry_of(message, Topic("option_chain", "KO"), 1)
    assert (entry.symbol, entry.side, entry.strikes) == ("KO", "call", (70.0,))
    assert entry.legs[0].expiration == "2026-12-18"
    assert entry.legs[0].option_type == "call"
    assert (entry.delta, entry.open_interest, entry.extrinsic_value) == (0.61, 2210.0, 0.95)


def test_an_option_without_particulars_has_none():
    message = wire.SpreadMessage(legs=(wire.SpreadLegMessage("X"), wire.SpreadLegMessage("Y", option_type="Put")))
    quote = codec.option_quote_of(message, Topic("option_quote", "X+Y"), 1)
    assert (quote.side, quote.legs[0].option_type, quote.legs[0].expiration) == (None, None, None)
    assert quote.legs[1].option_type == "put"


def order(status: str = "ACK", *legs: dict, known=None, **fields) -> Order:
    body = {"AccountID": "SIM1M", "OrderID": "7", "Status": status, "Legs": list(legs), **fields}
    return codec.order_of(read_order(msgspec.json.encode(body)), OrderUpdate, received_ns=1, known=known)


def leg(executed: str = "0", price: str | None = None, *, symbol: str = "KO", ordered: str = "50") -> dict:
    fields = {"Symbol": symbol, "BuyOrSell": "Buy", "QuantityOrdered": ordered, "ExecQuantity": executed}
    return fields if price is None else {**fields, "ExecutionPrice": price}


@pytest.mark.parametrize("code", sorted(spec.STATUSES))
def test_every_status_code_has_a_state(code):
    expected = spec.STATUSES[code]
    assert order(code, leg()).status == (expected or "unknown")
    assert order(code, leg(), known="accepted").status == (expected or "accepted")


def test_an_unknown_code_keeps_the_state_that_was_known():
    assert order("XYZ", known="pending_cancel").status == "pending_cancel"
    assert order("XYZ").status == "unknown"


def test_an_acknowledged_order_that_carries_executions_is_partially_filled():
    assert order("ACK", leg("10", "70.5")).status == "partially_filled"
    assert order("UCN", leg("10", "70.5")).status == "pending_cancel"


def test_an_executed_quantity_without_a_price_is_not_believed():
    assert order("EXP", leg("50"), FilledPrice="0").filled_quantity == 0
    assert order("FLP", leg("20")).filled_quantity == 20


def test_a_filled_order_is_filled_whole_even_if_a_leg_falls_short():
    done = order("FLL", leg("30", "70.5"), FilledPrice="70.5")
    assert (done.filled_quantity, done.remaining_quantity) == (50, 0)


def test_the_remaining_quantity_is_our_own_sum():
    partly = order("FPR", {**leg("30", "70.5"), "QuantityRemaining": "0"}, FilledPrice="70.5")
    assert partly.remaining_quantity == 20
    assert partly.average_price == Decimal("70.5")


def test_the_average_of_a_simple_order_may_come_from_its_leg():
    assert order("ACK", leg("30", "70.25"), FilledPrice="0").average_price == Decimal("70.25")


def test_terms_are_read_in_the_words_of_the_answer():
    done = order("ACK", leg(), Duration="GTC+", OrderType="StopLimit", LimitPrice="70.50", StopPrice="70")
    assert (done.time_in_force, done.type, str(done.limit_price)) == ("gcp", "stop_limit", "70.50")
    assert order("ACK", OrderType="StopMarket", TrailingStop={"Amount": "1"}).type == "trailing_stop"
    assert order("ACK", OrderType="Exotic", Duration="").type == "Exotic"
    assert order("ACK").time_in_force is None
    assert order("ACK", Duration="CLO").time_in_force == "cls"


def test_a_spread_is_counted_in_spreads():
    legs = (leg("4", "1.5", symbol="A", ordered="4"), leg("6", "0.5", symbol="B", ordered="8"))
    spread = order("FPR", *legs)
    assert (spread.quantity, spread.filled_quantity) == (4, 3)
    assert [part.ratio for part in spread.legs] == [1, 2]
    assert spread.side is None


def test_legs_that_share_no_whole_number_have_no_common_quantity():
    odd = order("ACK", leg(symbol="A", ordered="1.5"), leg(symbol="B", ordered="2"))
    assert (odd.quantity, odd.filled_quantity, odd.remaining_quantity) == (None, None, None)
    assert order("ACK").symbol == ""


def test_a_repeated_leg_counts_once_with_the_greater_quantity():
    spread = order("FPR", leg("1", "2"), leg("3", "2"), leg("2", "2"))
    assert [part.filled_quantity for part in spread.legs] == [3]


def test_orders_advance_with_quantity_state_or_terms_and_never_backwards():
    received, partly, filled = order("ACK", leg()), order("FPR", leg("9", "1")), order("FLL", leg("50", "1"))
    assert codec.advances(received, partly)
    assert codec.advances(partly, filled)
    assert not codec.advances(filled, partly)
    assert not codec.advances(filled, order("OUT", leg("50", "1")))
    assert not codec.advances(received, order("ACK", leg(), ClosedDateTime="2026-11-20T15:30:00Z"))
    assert codec.advances(received, order("ACK", leg(), LimitPrice="5"))
    assert codec.advances(order("UCN", leg()), received)
    assert codec.advances(order("PLA", leg()), received)
    assert codec.advances(order("UCH", leg()), received)
    assert not codec.advances(received, order("PLA", leg()))


def test_the_order_of_legs_is_no_difference():
    one, two = leg(symbol="A"), leg(symbol="B")
    assert not codec.differs(order("ACK", one, two), order("ACK", two, one))


@pytest.mark.parametrize(
    ("fields", "quantity"),
    [
        ({"quantity": Decimal(5), "long_short": "Long"}, 5),
        ({"quantity": Decimal(-5), "long_short": "Short"}, -5),
        ({"quantity": Decimal(5), "long_short": "Short"}, -5),
        ({"quantity": Decimal(5), "deleted": True}, 0),
        ({}, 0),
    ],
)
def test_short_positions_are_negative_and_closed_ones_zero(fields, quantity):
    assert codec.position_of(wire.PositionMessage(**fields), 1).quantity == quantity


def test_an_account_in_several_currencies_has_a_balance_for_each():
    part = wire.CurrencyDetailMessage(currency="EUR", cash_balance=Decimal("1.50"), open_trade_equity=Decimal(2))
    own = wire.CurrencyDetailMessage(currency="USD", cash_balance=Decimal(9))
    message = wire.BalanceMessage(account_id="A", cash_balance=Decimal("9.10"), currency_details=(own, part))
    dollars, euros = codec.balances_of(message, 1)
    assert (dollars.currency, dollars.symbol, str(dollars.cash)) == ("USD", "USD", "9.10")
    assert (euros.currency, euros.unrealized_profit) == ("EUR", 2)
