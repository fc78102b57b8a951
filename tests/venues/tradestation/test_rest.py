from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest

from brokerwire.errors import (
    ConfigurationError,
    InvalidSymbolError,
    OrderOutcomeUnknownError,
    OrderRejectedError,
    RequestError,
    UnsupportedError,
    VenueUnavailableError,
)
from brokerwire.venue import Response
from brokerwire.venues.tradestation.rest import OPERATIONS

MINUTE = 60 * 10**9
NOON_NS = 1795176000 * 10**9  # 2026-11-20T12:00:00Z
ACCOUNTS = {
    "Accounts": [
        {"AccountID": "SIM1M", "Currency": "USD", "Status": "Active", "AccountType": "Margin", "Alias": "mine"},
        {"AccountID": "SIM2F", "Currency": "USD", "Status": "Active", "AccountType": "Futures"},
        {"AccountID": "SIM3X", "Currency": "USD", "Status": "Active", "AccountType": "Crypto"},
    ]
}


def bar(end_ns: int, **fields):
    row = {"Open": "1", "High": "2", "Low": "0.5", "Close": "1.5", "TotalVolume": "10", "TotalTicks": 3}
    return {**row, "Epoch": end_ns // 10**6, "BarStatus": "Closed", **fields}


def bars(first_open_ns: int, count: int, step_ns: int = MINUTE):
    return {"Bars": [bar(first_open_ns + (index + 1) * step_ns) for index in range(count)]}


def at(received_ns: int, body) -> Response:
    return Response(200, {}, msgspec.json.encode(body), received_ns)


def test_quotes_are_asked_for_a_hundred_at_a_time(drive, lines):
    row = msgspec.json.decode(lines("quotes.jsonl")[0])
    names = [f"S{index}" for index in range(101)]
    quotes, requests = drive(OPERATIONS["get_quotes"](names), {"Quotes": [row]}, {"Quotes": [row], "Errors": []})
    assert [len(request.path.split(",")) for request in requests] == [100, 1]
    assert requests[1].path == "/v3/marketdata/quotes/S100"
    assert (requests[0].bucket, requests[0].authorization) == ("quotes", "token")
    assert len(quotes) == 2
    assert (quotes[0].symbol, quotes[0].last, quotes[0]["VWAP"], quotes[0].received_ns) == ("KO", 70.7, "70.512", 9)
    assert quotes[0].topic.symbol == "KO"


def test_one_unknown_symbol_refuses_the_quotes_and_is_named(drive):
    body = {"Errors": [{"Symbol": "NOSUCH", "Error": "FAILED, INVALID SYMBOL"}]}
    with pytest.raises(InvalidSymbolError, match="NOSUCH") as caught:
        drive(OPERATIONS["get_quotes"](["KO", "NOSUCH"]), body)
    assert caught.value.symbol == "NOSUCH"


def test_the_last_bars_are_asked_for_by_number(drive):
    result, (request,) = drive(OPERATIONS["get_bars"]("ko", "5m", limit=2), bars(NOON_NS, 2, 5 * MINUTE))
    assert request.path == "/v3/marketdata/barcharts/KO"
    assert dict(request.query) == {"interval": "5", "unit": "Minute", "barsback": "2"}
    assert [one.open_time_ns for one in result] == [NOON_NS, NOON_NS + 5 * MINUTE]
    assert (result[0].interval, result[0].volume, result[0].trade_count) == ("5m", 10.0, 3)
    assert result[0]["TotalVolume"] == "10"


def test_more_bars_than_one_answer_may_hold_are_paged_backwards(drive):
    newest, oldest = bars(NOON_NS, 57_600), bars(NOON_NS - 400 * MINUTE, 401)
    result, requests = drive(OPERATIONS["get_bars"]("KO", "1m", limit=58_000), newest, oldest)
    assert [dict(request.query)["barsback"] for request in requests] == ["57600", "401"]
    assert dict(requests[1].query)["lastdate"] == "2026-11-20T12:00:00Z"
    assert len(result) == 58_000
    assert result[0].open_time_ns == NOON_NS - 400 * MINUTE


def test_paging_ends_where_history_does(drive):
    step = 60 * MINUTE
    result, requests = drive(
        OPERATIONS["get_bars"]("KO", "1h", limit=9000), bars(NOON_NS, 3, step), bars(NOON_NS, 3, step)
    )
    assert dict(requests[0].query)["barsback"] == "8333"
    assert len(result) == 3
    assert drive(OPERATIONS["get_bars"]("KO"), {"Bars": []})[0] == []


def test_bars_up_to_an_end_leave_out_the_one_that_opens_then(drive):
    operation = OPERATIONS["get_bars"]("KO", "1m", limit=2, end="2026-11-20T12:02:00Z")
    result, (request,) = drive(operation, bars(NOON_NS, 3))
    assert dict(request.query)["lastdate"] == "2026-11-20T12:02:59Z"
    assert [one.open_time_ns for one in result] == [NOON_NS, NOON_NS + MINUTE]


def test_daily_bars_have_no_limits_and_keep_to_the_range(drive):
    day = 24 * 60 * MINUTE
    monday = 1794830400 * 10**9 + 9 * 60 * MINUTE  # 2026-11-16T21:00:00Z
    body = {"Bars": [bar(monday + index * day) for index in range(5)]}
    operation = OPERATIONS["get_bars"]("KO", "1d", start=date(2026, 11, 17), end=datetime(2026, 11, 19, tzinfo=UTC))
    result, (request,) = drive(operation, body)
    assert dict(request.query) == {
        "interval": "1",
        "unit": "Daily",
        "firstdate": "2026-11-17T00:00:00Z",
        "lastdate": "2026-11-19T23:59:59Z",
    }
    assert [one.open_time_ns // day - monday // day for one in result] == [1, 2]


def test_a_long_range_is_asked_for_in_windows_until_now(drive):
    window = 57_600 * MINUTE
    start = NOON_NS - window - 10 * MINUTE
    operation = OPERATIONS["get_bars"]("KO", "1m", start=start)
    result, requests = drive(operation, at(NOON_NS, bars(start, 2)), at(NOON_NS, bars(NOON_NS - 2 * MINUTE, 2)))
    assert "lastdate" in dict(requests[0].query)
    assert dict(requests[1].query)["firstdate"] == dict(requests[0].query)["lastdate"]
    assert len(result) == 4


def test_a_range_that_is_long_enough_stops_at_the_limit(drive):
    start = NOON_NS - 200_000 * MINUTE
    result, requests = drive(OPERATIONS["get_bars"]("KO", "1m", start=start, limit=2), at(NOON_NS, bars(start, 5)))
    assert len(requests) == 1
    assert len(result) == 2


def test_a_range_with_an_end_asks_no_further(drive):
    operation = OPERATIONS["get_bars"]("KO", "1m", start=NOON_NS, end=NOON_NS + 5 * MINUTE)
    result, (request,) = drive(operation, at(NOON_NS + 99 * MINUTE, bars(NOON_NS - MINUTE, 9)))
    assert dict(request.query)["lastdate"] == "2026-11-20T12:05:59Z"
    assert len(result) == 5


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"interval": "1s"}, UnsupportedError),
        ({"limit": 0}, ConfigurationError),
        ({"start": "yesterday"}, ConfigurationError),
        ({"session_template": "Night"}, ConfigurationError),
    ],
)
def test_bars_that_cannot_be_asked_for_are_refused(arguments, error):
    with pytest.raises(error):
        next(OPERATIONS["get_bars"]("KO", **arguments))


def test_a_failed_request_raises_the_error_of_its_answer(drive):
    with pytest.raises(VenueUnavailableError):
        drive(OPERATIONS["get_bars"]("KO"), Response(503))


DETAILS = {
    "AssetType": "STOCKOPTION",
    "Symbol": "KO 261218C70",
    "StrikePrice": "70.00",
    "Underlying": "KO",
    "PriceFormat": {
        "Format": "Decimal",
        "Decimals": "2",
        "PointValue": "100",
        "IncrementSchedule": [{"StartsAt": "0", "Increment": "0.01"}],
    },
    "QuantityFormat": {"Format": "Decimal", "MinimumTradeQuantity": "1"},
}


def test_symbol_details_are_exact(drive):
    (details,), (request,) = drive(OPERATIONS["get_symbol_details"](["ko 261218c70"]), {"Symbols": [DETAILS]})
    assert request.path == "/v3/marketdata/symbols/KO%20261218C70"
    assert str(details.strike_price) == "70.00"
    assert details.price_format.increment_schedule[0].increment == Decimal("0.01")
    assert details.quantity_format.minimum_trade_quantity == 1


def test_unknown_symbols_have_no_details_but_can_be_asked_about(drive):
    body = {"Symbols": [DETAILS], "Errors": [{"Symbol": "XX", "Error": "NotFound", "Message": "No such symbol."}]}
    with pytest.raises(InvalidSymbolError, match="XX"):
        drive(OPERATIONS["get_symbol_details"](["KO 261218C70", "XX"]), body)
    known, _ = drive(OPERATIONS["validate_symbols"](["ko 261218c70", "xx"]), body)
    assert known == {"KO 261218C70": True, "XX": False}


def test_symbols_are_suggested_by_text_and_found_by_criteria(drive):
    row = {"Name": "KO", "Description": "Coca-Cola", "Category": "Stock", "MinMove": 1, "StrikePrice": 0, "Root": ""}
    (match,), (request,) = drive(OPERATIONS["search_symbols"]("ko", limit=1, filter="Country eq 'US'"), [row, row])
    assert request.path == "/v2/data/symbols/suggest/ko"
    assert dict(request.query) == {"$top": "1", "$filter": "Country eq 'US'"}
    assert (match.symbol, match.minimum_move, match.root) == ("KO", 1, None)
    _, (request,) = drive(OPERATIONS["search_symbols"]("N=K O&C=Stock"), [row])
    assert (request.path, request.query) == ("/v2/data/symbols/search/N=K%20O&C=Stock", ())


def test_crypto_names_are_plain_text(drive):
    body = {"SymbolNames": ["BTCUSD", "ETHUSD"]}
    assert drive(OPERATIONS["get_crypto_symbol_names"](), body)[0] == ["BTCUSD", "ETHUSD"]


def test_option_expirations_may_be_of_one_strike(drive):
    body = {"Expirations": [{"Date": "2026-12-18T00:00:00Z", "Type": "Monthly"}]}
    (expiration,), (request,) = drive(OPERATIONS["get_option_expirations"]("ko", strike_price=70), body)
    assert (expiration.type, request.path) == ("Monthly", "/v3/marketdata/options/expirations/KO")
    assert (dict(request.query), request.bucket) == ({"strikePrice": "70"}, "option_expirations")
    assert drive(OPERATIONS["get_option_expirations"]("ko"), body)[1][0].query == ()


def test_option_strikes_are_rows_of_exact_numbers(drive):
    operation = OPERATIONS["get_option_strikes"](
        "ko", spread_type="Vertical", expiration="2026-12-18", strike_interval=2
    )
    strikes, (request,) = drive(operation, {"SpreadType": "Vertical", "Strikes": [["70", "72.5"]]})
    assert strikes.strikes == ((Decimal(70), Decimal("72.5")),)
    assert dict(request.query) == {"spreadType": "Vertical", "strikeInterval": "2", "expiration": "12-18-2026"}


def test_spread_types_say_what_they_vary(drive):
    body = {"SpreadTypes": [{"Name": "Calendar", "StrikeInterval": False, "ExpirationInterval": True}]}
    (kind,), _ = drive(OPERATIONS["get_option_spread_types"](), body)
    assert (kind.name, kind.has_strike_interval, kind.has_expiration_interval) == ("Calendar", False, True)


def test_risk_and_reward_of_a_spread(drive):
    body = {
        "MaxGainIsInfinite": False,
        "AdjustedMaxGain": "115",
        "MaxLossIsInfinite": False,
        "AdjustedMaxLoss": "-85",
        "BreakevenPoints": ["70.85"],
    }
    operation = OPERATIONS["get_option_risk_reward"](["ko 261218c70", "ko 261218c72*-1"], spread_price=Decimal("0.85"))
    result, (request,) = drive(operation, body)
    assert (result.adjusted_max_gain, result.breakeven_points) == (115, (Decimal("70.85"),))
    assert request.json() == {
        "SpreadPrice": 0.85,
        "Legs": [
            {"Symbol": "KO 261218C70", "Quantity": 1, "TradeAction": "BUY"},
            {"Symbol": "KO 261218C72", "Quantity": 1, "TradeAction": "SELL"},
        ],
    }


def test_accounts_are_typed(drive):
    (first, *_), (request,) = drive(OPERATIONS["get_accounts"](), ACCOUNTS)
    assert request.path == "/v3/brokerage/accounts"
    assert (first.account_id, first.name, first.type, first.currency, first.status) == (
        "SIM1M",
        "mine",
        "Margin",
        "USD",
        "Active",
    )
    assert first.symbol == ""


def test_balances_of_all_accounts_ask_for_the_accounts_first(drive, lines):
    body = msgspec.json.decode(lines("balances.json")[0])
    result, requests = drive(OPERATIONS["get_balances"](), ACCOUNTS, {**body, "Errors": []})
    assert requests[1].path == "/v3/brokerage/accounts/SIM1M,SIM2F/balances"
    assert len(result) == 3
    assert result[0]["BalanceDetail"]["CostOfPositions"] == "701"


def test_many_accounts_are_asked_for_in_chunks(drive):
    names = [f"A{index}" for index in range(26)]
    _, requests = drive(OPERATIONS["get_balances"](accounts=names), {"Balances": []}, {"Balances": []})
    assert requests[1].path == "/v3/brokerage/accounts/A25/balances"


def test_a_refused_account_is_an_error(drive, lines):
    with pytest.raises(RequestError, match="SIM9990000M"):
        drive(OPERATIONS["get_balances"](accounts=["a"]), msgspec.json.decode(lines("balances.json")[0]))


def test_balances_at_the_beginning_of_the_day(drive):
    row = {
        "AccountID": "SIM1M",
        "AccountType": "Margin",
        "BalanceDetail": {"NetCash": "5.10", "AccountBalance": "4", "Equity": "9", "CashAvailableToWithdraw": "3"},
        "CurrencyDetails": [{"Currency": "EUR", "CashBalance": "7", "OpenTradeEquity": "1"}],
    }
    (own, euros), (request,) = drive(
        OPERATIONS["get_beginning_of_day_balances"](accounts=["SIM1M"]), {"BODBalances": [row]}
    )
    assert request.path == "/v3/brokerage/accounts/SIM1M/bodbalances"
    assert (str(own.cash), own.equity, own.available) == ("5.10", 9, 3)
    assert (euros.currency, euros.cash, euros.unrealized_profit) == ("EUR", 7, 1)
    del row["BalanceDetail"]["NetCash"]
    (own, _), _ = drive(OPERATIONS["get_beginning_of_day_balances"](accounts=["SIM1M"]), {"BODBalances": [row]})
    assert own.cash == 4


def test_positions_may_be_filtered_by_symbol(drive, lines):
    row = msgspec.json.decode(lines("positions.jsonl")[0])
    operation = OPERATIONS["get_positions"](accounts=["sim1m"], symbol="ko *")
    (position,), (request,) = drive(operation, {"Positions": [row]})
    assert dict(request.query) == {"symbol": "KO *"}
    assert (position.symbol, position.quantity, position.average_price) == ("KO", 10, Decimal("70.1"))


def orders(lines, *indices: int) -> list[dict]:
    return [msgspec.json.decode(lines("orders.jsonl")[index]) for index in indices]


def test_orders_are_read_page_by_page(drive, lines):
    first, second = orders(lines, 0, 1)
    operation = OPERATIONS["get_orders"](accounts=["SIM1M"])
    result, requests = drive(operation, {"Orders": [first], "NextToken": "t1"}, {"Orders": [second], "Errors": []})
    assert [order.order_id for order in result] == ["800000001", "800000002"]
    assert [dict(request.query) for request in requests] == [
        {"pageSize": "600"},
        {"pageSize": "600", "nextToken": "t1"},
    ]
    assert (result[0].status, result[0].kind, result[0]["Routing"]) == ("filled", "order", "Intelligent")


def test_orders_by_id_are_not_paged(drive):
    ids = [str(index) for index in range(51)]
    _, requests = drive(OPERATIONS["get_orders"](accounts=["SIM1M"], order_ids=ids), {"Orders": []}, {"Orders": []})
    assert requests[1].path == "/v3/brokerage/accounts/SIM1M/orders/50"
    assert requests[1].query == ()


def test_no_ids_are_no_orders(drive):
    assert drive(OPERATIONS["get_orders"](order_ids=[]), ACCOUNTS)[0] == []


def test_historical_orders_start_on_a_day(drive, lines):
    operation = OPERATIONS["get_historical_orders"](since=NOON_NS, accounts=["SIM1M"])
    result, (request,) = drive(operation, {"Orders": orders(lines, 0)})
    assert request.path == "/v3/brokerage/accounts/SIM1M/historicalorders"
    assert dict(request.query)["since"] == "2026-11-20"
    assert len(result) == 1


def test_routes_and_triggers_are_typed(drive):
    (route,), _ = drive(
        OPERATIONS["get_routes"](), {"Routes": [{"Id": "AMEX", "Name": "AMEX", "AssetTypes": ["STOCK"]}]}
    )
    assert (route.id, route.asset_types) == ("AMEX", ("STOCK",))
    body = {"ActivationTriggers": [{"Key": "STT", "Name": "Single Trade Tick", "Description": "One."}]}
    (trigger,), _ = drive(OPERATIONS["get_activation_triggers"](), body)
    assert trigger.key == "STT"


TERMS = {"account": "sim1m", "symbol": "ko", "side": "buy", "quantity": 50, "type": "limit", "limit_price": "70.50"}
TAKEN = {"Orders": [{"Message": "Sent order: Buy 50 KO @ 70.50 Limit", "OrderID": "900000001"}]}


def test_a_placed_order_is_pending_with_its_id(drive):
    order, (request,) = drive(OPERATIONS["place_order"](**TERMS, client_order_id="mine"), TAKEN)
    assert (request.method, request.path) == ("POST", "/v3/orderexecution/orders")
    assert (request.is_repeatable, request.bucket) == (False, "order_execution")
    assert request.headers["Content-Type"] == "application/json"
    assert request.json()["OrderConfirmID"] == "mine"
    assert (order.order_id, order.status, order.client_order_id) == ("900000001", "pending_new", "mine")
    assert (order.account, order.symbol, order.side, order.quantity) == ("SIM1M", "KO", "buy", 50)
    assert (str(order.limit_price), order.type, order.time_in_force) == ("70.50", "limit", "day")
    assert order["Message"].startswith("Sent order")
    assert order.raw == TAKEN


@pytest.mark.parametrize("place", ["Orders", "Errors"])
def test_a_failure_inside_a_success_is_a_rejection(drive, place):
    body = {place: [{"Error": "FAILED", "Message": "Order failed. Reason: EC602: You are short 0.00 shares!"}]}
    with pytest.raises(OrderRejectedError, match="EC602"):
        drive(OPERATIONS["place_order"](**TERMS), body)


def test_an_error_without_a_title_is_a_rejection(drive):
    with pytest.raises(OrderRejectedError, match="No"):
        drive(OPERATIONS["place_order"](**TERMS), {"Orders": [], "Errors": [{"Message": "No."}]})


def test_a_refused_child_does_not_hide_the_order_that_was_taken(drive):
    body = {**TAKEN, "Errors": [{"Error": "FAILED", "Message": "Order failed. Reason: child."}]}
    order, _ = drive(OPERATIONS["place_order"](**TERMS), body)
    assert (order.order_id, order.status) == ("900000001", "pending_new")
    assert "child" in order.reason


def test_a_lost_answer_leaves_the_order_unknown(drive):
    with pytest.raises(OrderOutcomeUnknownError) as caught:
        drive(OPERATIONS["place_order"](**TERMS, client_order_id="mine"), Response(504))
    assert caught.value.client_order_id == "mine"


@pytest.mark.parametrize(("symbol", "account"), [("ko", "SIM1M"), ("MESZ26", "SIM2F")])
def test_without_an_account_the_one_that_fits_is_taken(drive, symbol, account):
    accounts = {"Accounts": ACCOUNTS["Accounts"][:2]}
    terms = {**TERMS, "account": None, "symbol": symbol}
    order, requests = drive(OPERATIONS["place_order"](**terms), accounts, TAKEN)
    assert order.account == account
    assert requests[1].json()["AccountID"] == account


def test_several_fitting_accounts_are_named_and_nothing_is_sent(drive):
    with pytest.raises(ConfigurationError, match="SIM1M, SIM2F, SIM3X"):
        drive(OPERATIONS["place_order"](**{**TERMS, "account": None}), ACCOUNTS)
    with pytest.raises(ConfigurationError, match="none"):
        drive(OPERATIONS["place_order"](**{**TERMS, "account": None}), {"Accounts": []})


def test_a_group_is_one_request_and_each_order_an_answer(drive):
    body = {"Orders": [{"Message": "Sent", "OrderID": "1"}, {"Message": "Sent", "OrderID": "2"}]}
    operation = OPERATIONS["place_group_order"]("oco", [TERMS, {**TERMS, "side": "sell"}])
    (first, second), (request,) = drive(operation, body)
    assert request.path == "/v3/orderexecution/ordergroups"
    assert request.json()["Type"] == "OCO"
    assert [part["TradeAction"] for part in request.json()["Orders"]] == ["BUY", "SELL"]
    assert (first.order_id, first.status, first.side) == ("1", "pending_new", "buy")
    assert (second.order_id, second.side, second["OrderID"]) == ("2", "sell", "2")


@pytest.mark.parametrize(
    ("body", "side"),
    [
        ({"Orders": [{"Error": "FAILED", "Message": "No."}, {"Message": "Sent", "OrderID": "2"}]}, "sell"),
        ({"Orders": [{"Message": "Sent", "OrderID": "2"}], "Errors": [{"Message": "No."}]}, None),
    ],
)
def test_orders_taken_from_a_partly_refused_group_are_in_the_error(drive, body, side):
    operation = OPERATIONS["place_group_order"]("bracket", [TERMS, {**TERMS, "side": "sell"}])
    with pytest.raises(OrderRejectedError, match=r"No\.") as caught:
        drive(operation, body)
    (taken,) = caught.value.accepted
    assert (taken.order_id, taken.status, taken.side) == ("2", "pending_new", side)


def test_a_group_that_is_refused_whole_is_a_rejection(drive):
    body = {"Errors": [{"Error": "FAILED", "Message": "One."}, {"Error": "FAILED", "Message": "Two."}]}
    with pytest.raises(OrderRejectedError, match=r"One\.; Two\.") as caught:
        drive(OPERATIONS["place_group_order"]("normal", [TERMS, TERMS]), body)
    assert "accepted" not in caught.value.facts


def test_confirmations_place_nothing(drive):
    body = {"Confirmations": [{"AccountID": "SIM1M", "OrderConfirmID": "c1", "EstimatedCost": "3525.00"}]}
    (confirmation,), (request,) = drive(OPERATIONS["confirm_order"](**TERMS), body)
    assert (request.path, request.is_repeatable) == ("/v3/orderexecution/orderconfirm", True)
    assert str(confirmation.estimated_cost) == "3525.00"
    group, (request,) = drive(OPERATIONS["confirm_group_order"]("brk", [TERMS]), body)
    assert request.path == "/v3/orderexecution/ordergroupconfirm"
    assert group[0].order_confirm_id == "c1"


def test_a_replacement_sends_only_what_changes(drive):
    operation = OPERATIONS["replace_order"]("1-2345", quantity=40, limit_price="70.4", account="SIM1M")
    order, (request,) = drive(operation, {"Message": "Cancel/Replace order sent.", "OrderID": "12346"})
    assert (request.method, request.path) == ("PUT", "/v3/orderexecution/orders/12345")
    assert request.json() == {"Quantity": "40", "LimitPrice": "70.4"}
    assert (order.order_id, order.status, order.quantity, order.account) == ("12346", "pending_replace", 40, "SIM1M")
    _, (request,) = drive(OPERATIONS["replace_order"]("1", type="market", extra={"AdvancedOptions": {}}), TAKEN)
    assert request.json() == {"OrderType": "Market", "AdvancedOptions": {}}


@pytest.mark.parametrize(
    ("changes", "text"),
    [({}, "something to change"), ({"quantity": None}, "something"), ({"time_in_force": "gtc"}, "time_in_force")],
)
def test_a_replacement_of_nothing_or_of_fixed_terms_is_refused(changes, text):
    with pytest.raises(ConfigurationError, match=text):
        next(OPERATIONS["replace_order"]("1", **changes))


def test_a_cancellation_is_asked_for_once(drive):
    order, (request,) = drive(OPERATIONS["cancel_order"]("12345"), {"Message": "Cancel request sent"})
    assert (request.method, request.path, request.body) == ("DELETE", "/v3/orderexecution/orders/12345", None)
    assert not request.is_repeatable
    assert (order.order_id, order.status, order["Message"]) == ("12345", "pending_cancel", "Cancel request sent")
    assert (order.type, order.time_in_force) == (None, None)


@pytest.mark.parametrize(
    "answer",
    [
        Response(400, {}, b'{"Error":"BadRequest","Message":"Not an open order."}'),
        {"Error": "FAILED", "Message": "Not an open order.", "OrderID": "1"},
    ],
)
def test_a_refused_change_says_why(drive, answer):
    with pytest.raises(OrderRejectedError, match="Not an open order"):
        drive(OPERATIONS["cancel_order"]("1"), answer)


def test_all_open_orders_are_cancelled_and_refusals_are_kept(drive, lines):
    done, first, second = orders(lines, 0, 1, 1)
    second["OrderID"] = "800000009"
    operation = OPERATIONS["cancel_all_orders"](accounts=["SIM5550001M"], symbols=["ko"])
    refused = Response(400, {}, b'{"Error":"BadRequest","Message":"Not an open order."}')
    result, requests = drive(
        operation, {"Orders": [done, first, second]}, {"Message": "Cancel request sent", "OrderID": "1"}, refused
    )
    assert [request.method for request in requests] == ["GET", "DELETE", "DELETE"]
    assert [(order.order_id, order.status) for order in result] == [
        ("800000002", "pending_cancel"),
        ("800000009", "accepted"),
    ]
    assert "Not an open order" in result[1].reason
    assert result[0]["Routing"] == "Intelligent"


def test_orders_of_other_symbols_stay_open(drive, lines):
    operation = OPERATIONS["cancel_all_orders"](accounts=["SIM5550001M"], symbols=["PEP"])
    assert drive(operation, {"Orders": orders(lines, 1)})[0] == []
