"""TradeStation's requests: arguments → requests, answers → records; paging included.

Source: https://api.tradestation.com/docs/ (specification, fundamentals/rate-limiting/historical-bar), read 2026-11-20.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from urllib.parse import quote

import msgspec
from msgspec import structs

from brokerwire.errors import ConfigurationError, OrderOutcomeUnknownError, OrderRejectedError, ProtocolError
from brokerwire.events import Account, Balance, Bar, Order, OrderStatus, Position, Quote, Topic, stamp, tie
from brokerwire.redact import clean
from brokerwire.venue import Operation, Request, Response
from brokerwire.venues.tradestation import auth, codec, spec, wire
from brokerwire.venues.tradestation.spec import NAME, canonical_id, canonical_symbol, escape

Names: TypeAlias = Sequence[str] | None
Time: TypeAlias = int | str | datetime | date
"""UTC nanoseconds, RFC 3339 text, or a datetime; one without a zone is UTC."""

_CHANGEABLE = frozenset({"quantity", "limit_price", "stop_price", "type", "extra", "client_order_id"})
_NO_TERMS = wire.OrderTerms(type="", time_in_force="")
_SECOND_NS = 10**9
_MINUTE_NS = 60 * _SECOND_NS
_read_rows = wire.decoder(list[msgspec.Raw])
_read_quote = wire.decoder(wire.QuoteMessage)
_read_bar = wire.decoder(wire.BarMessage)
_read_account = wire.decoder(wire.AccountMessage)
_read_balance = wire.decoder(wire.BalanceMessage)
_read_position = wire.decoder(wire.PositionMessage)
_read_order = wire.decoder(wire.OrderMessage)


def get_quotes(symbols: Sequence[str]) -> Operation[list[Quote]]:
    """Return a quote for each symbol, in the order of the answer.

    Raises:
        InvalidSymbolError: The venue does not know one of the symbols, or the login may not see it.
    """
    quotes = []
    for names in spec.chunks([canonical_symbol(symbol) for symbol in symbols], spec.MAX_QUOTE_SYMBOLS):
        body, response = yield from auth.fetch(f"/v3/marketdata/quotes/{escape(names)}", bucket="quotes")
        auth.raise_refused(body)
        for row in auth.rows_of(body, "Quotes"):
            message = _read_quote(row)
            time_ns = wire.to_ns(message.trade_time)
            values = codec.quote_values(message)
            quote = codec.quote_of(values, message.symbol or "", time_ns=time_ns, received_ns=response.received_ns)
            stamp(quote, Topic("quote", quote.symbol), row)
            quotes.append(quote)
    return quotes


def get_bars(
    symbol: str,
    interval: str = "1m",
    *,
    limit: int | None = None,
    start: Time | None = None,
    end: Time | None = None,
    session_template: str = "",
) -> Operation[list[Bar]]:
    """Return bars that open in [start, end), oldest first.

    Without ``start`` the last ``limit`` bars before ``end``, or the last 500; with it the first ``limit`` of the range.

    Raises:
        InvalidSymbolError: The venue does not know the symbol.
        UnsupportedError: It has no bars of this interval.
        ConfigurationError: The limit or the session template is none.
    """
    variant = codec.bar_variant(interval, template=session_template)
    codec.parse_bar_variant(variant)
    topic = Topic("bar", canonical_symbol(symbol), variant)
    if limit is not None and limit < 1:
        raise ConfigurationError(f"limit is a number of bars from 1, not {limit}", venue=NAME)
    start_ns, end_ns = _to_ns(start), _to_ns(end)
    if start_ns is None:
        return (yield from _bars_back(topic, end_ns, limit or spec.DEFAULT_BARS))
    return (yield from _bars_between(topic, start_ns, end_ns, limit=limit))[:limit]


def _bars_back(topic: Topic, end_ns: int | None, limit: int) -> Operation[list[Bar]]:
    step_ns, is_intraday = _step_ns(topic)
    most = min(spec.MAX_BARS, spec.MAX_BAR_MINUTES * _MINUTE_NS // step_ns) if is_intraday else limit + 1
    last_ns = None if end_ns is None else end_ns + step_ns - _SECOND_NS
    bars: dict[int, Bar] = {}
    oldest_ns: int | None = None
    while len(bars) < limit:
        until = {} if last_ns is None else {"lastdate": _from_ns(last_ns)}
        wanted = limit - len(bars) + len(until)  # one more: whether a bar at the very end counts is not documented
        page, _ = yield from _bar_page(topic, {"barsback": str(min(wanted, most)), **until})
        last_ns = min((bar.open_time_ns for bar in page), default=None)
        if last_ns is None or (oldest_ns is not None and last_ns >= oldest_ns):
            break
        oldest_ns = last_ns
        bars |= {bar.open_time_ns: bar for bar in page if end_ns is None or bar.open_time_ns < end_ns}
    return [bars[key] for key in sorted(bars)][-limit:]


def _bars_between(topic: Topic, start_ns: int, end_ns: int | None, *, limit: int | None) -> Operation[list[Bar]]:
    step_ns, is_intraday = _step_ns(topic)
    window_ns = min(spec.MAX_BARS * step_ns, spec.MAX_RANGE_MINUTES * _MINUTE_NS)
    until_ns = None if end_ns is None else end_ns + step_ns - _SECOND_NS
    bars: dict[int, Bar] = {}
    cursor_ns = start_ns
    while True:
        last_ns = until_ns
        if is_intraday and (until_ns is None or until_ns > cursor_ns + window_ns):
            last_ns = cursor_ns + window_ns
        query = {"firstdate": _from_ns(cursor_ns)} | ({} if last_ns is None else {"lastdate": _from_ns(last_ns)})
        page, now_ns = yield from _bar_page(topic, query)
        bars |= {bar.open_time_ns: bar for bar in page if _is_in(bar, start_ns, end_ns)}
        cursor_ns += window_ns
        is_done = not is_intraday or cursor_ns >= min(now_ns, until_ns or now_ns)
        if is_done or (limit is not None and len(bars) >= limit):
            return [bars[key] for key in sorted(bars)]


def _is_in(bar: Bar, start_ns: int, end_ns: int | None) -> bool:
    return bar.open_time_ns >= start_ns and (end_ns is None or bar.open_time_ns < end_ns)


def _bar_page(topic: Topic, query: Mapping[str, str]) -> Operation[tuple[list[Bar], int]]:
    interval, _, template = codec.parse_bar_variant(topic.variant)
    path = f"/v3/marketdata/barcharts/{escape([topic.symbol])}"
    query = {**codec.bar_query(interval, template), **query}
    body, response = yield from auth.fetch(path, query, bucket="bars")
    bars = []
    for row in auth.rows_of(body, "Bars"):
        bar = codec.bar_of(_read_bar(row), topic, response.received_ns, origin="backfill")
        stamp(bar, topic, row)
        bars.append(bar)
    return bars, response.received_ns


def _step_ns(topic: Topic) -> tuple[int, bool]:
    """Return the greatest length of a bar, and whether it is one of minutes, which alone have limits."""
    interval = topic.variant.partition(";")[0]
    minutes = spec.MINUTES_OF.get(interval)
    return (minutes or spec.UNIT_DAYS[interval] * spec.MAX_MINUTES) * _MINUTE_NS, minutes is not None


def _from_ns(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns // _SECOND_NS, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _to_ns(time: Time | None) -> int | None:
    try:
        return time if time is None or isinstance(time, int) else wire.to_ns(str(time))
    except ProtocolError as exc:
        raise ConfigurationError(f"{time!r} is not a time", venue=NAME) from exc


def get_symbol_details(symbols: Sequence[str]) -> Operation[list[wire.SymbolDetails]]:
    """Return what each symbol is; the venue's order need not be that of the request.

    Raises:
        InvalidSymbolError: The venue does not know one of the symbols.
    """
    details: list[wire.SymbolDetails] = []
    for body in (yield from _detail_pages(symbols)):
        auth.raise_refused(body)
        details += auth.records_of(body, "Symbols", wire.SymbolDetails)
    return details


def validate_symbols(symbols: Sequence[str]) -> Operation[dict[str, bool]]:
    """Return for each symbol, in the venue's spelling, whether the venue knows it."""
    known: set[str] = set()
    for body in (yield from _detail_pages(symbols)):
        known |= {details.symbol.upper() for details in auth.records_of(body, "Symbols", wire.SymbolDetails)}
    names = [canonical_symbol(symbol) for symbol in symbols]
    return {name: name in known for name in names}


def _detail_pages(symbols: Sequence[str]) -> Operation[list[Mapping[str, bytes]]]:
    pages = []
    for names in spec.chunks([canonical_symbol(symbol) for symbol in symbols], spec.MAX_DETAIL_SYMBOLS):
        body, _ = yield from auth.fetch(f"/v3/marketdata/symbols/{escape(names)}")
        pages.append(body)
    return pages


def search_symbols(query: str, *, limit: int | None = None, filter: str = "") -> Operation[list[wire.SymbolMatch]]:
    """Return symbols that begin with ``query``, or that fit criteria such as ``N=AMD&C=StockOption&Stk=5``.

    ``filter`` is an OData condition on Category, Country, Currency or Exchange, for text without criteria.
    """
    options = {} if "=" in query else {"$top": limit, "$filter": filter or None}
    given = tuple((name, str(value)) for name, value in options.items() if value is not None)
    path = f"search/{quote(query, safe='=&')}" if "=" in query else f"suggest/{quote(query, safe='@$')}"
    response = yield from auth.ask(Request(path=f"/v2/data/symbols/{path}", query=given, authorization="token"))
    return wire.convert(wire.parse(response.body), list[wire.SymbolMatch])[:limit]


def get_crypto_symbol_names() -> Operation[list[str]]:
    """Return the names of crypto pairs that there is data of; they cannot be traded."""
    body, _ = yield from auth.fetch("/v3/marketdata/symbollists/cryptopairs/symbolnames")
    return wire.convert(wire.parse(body.get("SymbolNames", b"[]")), list[str])


def get_option_expirations(
    underlying: str, *, strike_price: float | None = None
) -> Operation[list[wire.OptionExpiration]]:
    """Return the days on which options of ``underlying`` expire, of one strike if it is given.

    Raises:
        InvalidSymbolError: The venue does not know the underlying.
    """
    query = {} if strike_price is None else {"strikePrice": str(strike_price)}
    path = f"/v3/marketdata/options/expirations/{escape([canonical_symbol(underlying)])}"
    body, _ = yield from auth.fetch(path, query, bucket="option_expirations")
    return auth.records_of(body, "Expirations", wire.OptionExpiration)


def get_option_strikes(
    underlying: str,
    *,
    spread_type: str = "Single",
    strike_interval: int | None = None,
    expiration: str | None = None,
    expiration2: str | None = None,
) -> Operation[wire.OptionStrikes]:
    """Return the strikes of a type of spread; expirations are dates ``YYYY-MM-DD``.

    Raises:
        InvalidSymbolError: The venue does not know the underlying.
    """
    query = {
        "spreadType": spread_type,
        "strikeInterval": strike_interval,
        "expiration": spec.venue_date(str(expiration)) if expiration else None,
        "expiration2": spec.venue_date(str(expiration2)) if expiration2 else None,
    }
    path = f"/v3/marketdata/options/strikes/{escape([canonical_symbol(underlying)])}"
    given = {name: str(value) for name, value in query.items() if value is not None}
    _, response = yield from auth.fetch(path, given, bucket="option_strikes")
    return wire.convert(wire.parse(response.body), wire.OptionStrikes)


def get_option_spread_types() -> Operation[list[wire.OptionSpreadType]]:
    """Return the types of spread that chains and strikes can be asked for."""
    body, _ = yield from auth.fetch("/v3/marketdata/options/spreadtypes", bucket="option_spread_types")
    return auth.records_of(body, "SpreadTypes", wire.OptionSpreadType)


def get_option_risk_reward(legs: Sequence[str], *, spread_price: float | Decimal) -> Operation[wire.OptionRiskReward]:
    """Return what a spread can win and lose at a price; legs are ``SYMBOL*RATIO``, negative when sold.

    Raises:
        InvalidSymbolError: A leg is not one.
    """
    parts = [
        {"Symbol": symbol, "Quantity": abs(ratio), "TradeAction": "BUY" if ratio > 0 else "SELL"}
        for symbol, ratio in spec.parse_legs("+".join(legs))
    ]
    body = {"SpreadPrice": float(spread_price), "Legs": parts}
    response = yield from auth.ask(auth.post("/v3/marketdata/options/riskreward", body, bucket="option_risk_reward"))
    return wire.convert(wire.parse(response.body), wire.OptionRiskReward)


def get_accounts() -> Operation[list[Account]]:
    """Return the accounts of the login."""
    body, response = yield from auth.fetch("/v3/brokerage/accounts", bucket="accounts")
    accounts = []
    for row in auth.rows_of(body, "Accounts"):
        part = _read_account(row)
        account = Account(NAME, "", None, response.received_ns, *structs.astuple(part))
        stamp(account, Topic("account", part.account_id), row)
        accounts.append(account)
    return accounts


def get_balances(*, accounts: Names = None) -> Operation[list[Balance]]:
    """Return the balances of accounts, of all if None.

    Raises:
        RequestError: The venue refused one of the accounts.
    """
    return (yield from _balances(accounts, "balances", field="Balances", build=codec.balances_of))


def get_beginning_of_day_balances(*, accounts: Names = None) -> Operation[list[Balance]]:
    """Return what accounts, all if None, held at the beginning of the day.

    Raises:
        RequestError: The venue refused one of the accounts.
    """
    return (yield from _balances(accounts, "bodbalances", field="BODBalances", build=_opening_balances))


def _balances(
    accounts: Names, path: str, *, field: str, build: Callable[[wire.BalanceMessage, int], list[Balance]]
) -> Operation[list[Balance]]:
    balances: list[Balance] = []
    for names in spec.chunks((yield from streamed_accounts(accounts)), spec.MAX_ACCOUNTS):
        body, response = yield from auth.fetch(f"/v3/brokerage/accounts/{escape(names)}/{path}", bucket="balances")
        auth.raise_refused(body)
        for row in auth.rows_of(body, field):
            message = _read_balance(row)
            for balance in build(message, response.received_ns):
                stamp(balance, Topic("balance", message.account_id), row)
                balances.append(balance)
    return balances


def _opening_balances(message: wire.BalanceMessage, received_ns: int) -> list[Balance]:
    detail = message.balance_detail
    cash = detail.net_cash if detail.net_cash is not None else detail.account_balance
    account, *others = codec.balances_of(message, received_ns)
    opening = structs.replace(
        account,
        cash=wire.finite(cash),
        available=wire.finite(detail.cash_available_to_withdraw),
        equity=wire.finite(detail.equity),
        buying_power=wire.finite(detail.overnight_buying_power),
        unrealized_profit=wire.finite(detail.open_trade_equity),
    )
    return [opening, *others]


def get_positions(*, accounts: Names = None, symbol: str | None = None) -> Operation[list[Position]]:
    """Return open positions; ``symbol`` may be a list with commas and hold the venue's ``*``, as in ``MSFT *``.

    Raises:
        RequestError: The venue refused one of the accounts.
    """
    positions = []
    query = {} if symbol is None else {"symbol": symbol.upper()}
    for names in spec.chunks((yield from streamed_accounts(accounts)), spec.MAX_ACCOUNTS):
        path = f"/v3/brokerage/accounts/{escape(names)}/positions"
        body, response = yield from auth.fetch(path, query, bucket="positions")
        auth.raise_refused(body)
        for row in auth.rows_of(body, "Positions"):
            position = codec.position_of(_read_position(row), response.received_ns)
            stamp(position, Topic("position", position.account or ""), row)
            positions.append(position)
    return positions


def get_orders(*, accounts: Names = None, order_ids: Names = None) -> Operation[list[Order]]:
    """Return today's and all open orders, or those with the given ids.

    Raises:
        RequestError: The venue refused one of the accounts or ids.
    """
    return (yield from _orders(accounts, "orders", order_ids=order_ids, query={}))


def get_historical_orders(*, since: Time, accounts: Names = None, order_ids: Names = None) -> Operation[list[Order]]:
    """Return orders that ended on or after the day of ``since``; the venue promises 90 days.

    Raises:
        RequestError: The venue refused one of the accounts or ids.
    """
    day = _from_ns(_to_ns(since) or 0)[:10]
    return (yield from _orders(accounts, "historicalorders", order_ids=order_ids, query={"since": day}))


def _orders(accounts: Names, path: str, *, order_ids: Names, query: Mapping[str, str]) -> Operation[list[Order]]:
    ids = [canonical_id(order_id) for order_id in order_ids or ()]
    id_lists = [f"/{escape(part)}" for part in spec.chunks(ids, spec.MAX_ORDER_IDS)]
    if order_ids is None:
        id_lists, query = [""], {**query, "pageSize": str(spec.MAX_PAGE)}
    orders: list[Order] = []
    for names in spec.chunks((yield from streamed_accounts(accounts)), spec.MAX_ACCOUNTS):
        for id_list in id_lists:
            orders += yield from _order_pages(f"/v3/brokerage/accounts/{escape(names)}/{path}{id_list}", query)
    return orders


def _order_pages(path: str, query: Mapping[str, str]) -> Operation[list[Order]]:
    orders: list[Order] = []
    token = ""
    while True:
        page = {"nextToken": token} if token else {}
        body, response = yield from auth.fetch(path, {**query, **page}, bucket="orders")
        auth.raise_refused(body)
        for row in auth.rows_of(body, "Orders"):
            order = codec.order_of(_read_order(row), Order, received_ns=response.received_ns)
            stamp(order, Topic("order", order.account or ""), row)
            orders.append(order)
        token = str(wire.parse(body.get("NextToken", b"null")) or "")
        if not token:
            return orders


def streamed_accounts(accounts: Names = None) -> Operation[list[str]]:
    """Return the accounts, or all that the venue streams: Cash, Margin, Futures and DVP."""
    if accounts is not None:
        return [canonical_id(account) for account in accounts]
    found = yield from get_accounts()
    return [account.account_id for account in found if (account.type or "").lower() in spec.STREAMED_ACCOUNT_TYPES]


def get_routes() -> Operation[list[wire.Route]]:
    """Return where orders can be routed to."""
    body, _ = yield from auth.fetch("/v3/orderexecution/routes")
    return auth.records_of(body, "Routes", wire.Route)


def get_activation_triggers() -> Operation[list[wire.ActivationTrigger]]:
    """Return the ways in which a price can trigger an order."""
    body, _ = yield from auth.fetch("/v3/orderexecution/activationtriggers")
    return auth.records_of(body, "ActivationTriggers", wire.ActivationTrigger)


def place_order(**terms: Any) -> Operation[Order]:
    """Place an order and return it as acknowledged, not as it will end; keywords are those of ``OrderTerms``.

    ``order.raw`` is the whole answer, with the orders that this one sends once it is filled; if one of those was
    refused, ``reason`` says so. Without an account the login's only one that fits the instrument is taken.

    Raises:
        ConfigurationError: The terms are incomplete, or several accounts would fit; nothing was sent.
        OrderRejectedError: The venue refused the order.
        OrderOutcomeUnknownError: It may or may not have been taken.
    """
    wanted = wire.OrderTerms(**terms)
    account = yield from _account_for(wanted)
    request = auth.order_request("orders", wire.encode_order(wanted, account))
    response = yield from auth.send_order(request, client_order_id=wanted.client_order_id)
    placed, refusals = auth.order_answers(response, wanted.client_order_id)
    (first, row), *others = placed + refusals
    if first.error:
        raise auth.rejection([first], client_order_id=wanted.client_order_id)
    refused = "; ".join(clean(answer.message or answer.error) for answer, _ in others if answer.error)
    order = codec.acknowledged(wanted, account, answer=first, received_ns=response.received_ns)
    return _stamped(structs.replace(order, reason=refused or None), row, response)


def place_group_order(group: str, orders: Sequence[Mapping[str, Any]]) -> Operation[list[Order]]:
    """Place orders that depend on one another: ``group`` is ``oco``, ``bracket`` or ``normal``.

    Each of ``orders`` has the keywords of ``OrderTerms``.

    Raises:
        ConfigurationError: The terms are incomplete; nothing was sent.
        OrderRejectedError: The venue refused some; ``accepted`` holds the orders that it took all the same.
        OrderOutcomeUnknownError: They may or may not have been taken.
    """
    wanted, accounts, body = yield from _group(group, orders)
    response = yield from auth.send_order(auth.order_request("ordergroups", body))
    answers, refusals = auth.order_answers(response)
    if refusals or len(answers) != len(wanted):  # the venue does not say which answer belongs to which order
        wanted, accounts = [_NO_TERMS] * len(answers), accounts[:1] * len(answers)
    taken = [
        _stamped(codec.acknowledged(terms, account, answer=answer, received_ns=response.received_ns), row, response)
        for terms, account, (answer, row) in zip(wanted, accounts, answers, strict=True)
        if not answer.error
    ]
    refused = [answer for answer, _ in answers + refusals if answer.error]
    if refused:
        raise auth.rejection(refused, accepted=tuple(taken) or None)
    return taken


def confirm_order(**terms: Any) -> Operation[list[wire.OrderConfirmation]]:
    """Return what an order would cost, without placing it; keywords are those of ``OrderTerms``.

    Raises:
        ConfigurationError: The terms are incomplete.
        RequestError: The venue would refuse the order.
    """
    wanted = wire.OrderTerms(**terms)
    account = yield from _account_for(wanted)
    return (yield from _confirm("orderconfirm", wire.encode_order(wanted, account)))


def confirm_group_order(group: str, orders: Sequence[Mapping[str, Any]]) -> Operation[list[wire.OrderConfirmation]]:
    """Return what a group of orders would cost, without placing it.

    Raises:
        ConfigurationError: The terms are incomplete.
        RequestError: The venue would refuse the orders.
    """
    _, _, body = yield from _group(group, orders)
    return (yield from _confirm("ordergroupconfirm", body))


def replace_order(order_id: str, *, account: str | None = None, **changes: Any) -> Operation[Order]:
    """Ask for other terms: quantity, limit_price, stop_price, type (only ``market``) and ``extra`` of the venue.

    Raises:
        ConfigurationError: There is nothing to change, or something that cannot be changed.
        OrderRejectedError: The venue refused the change.
        OrderOutcomeUnknownError: The change may or may not have been taken.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    fixed = sorted(given.keys() - _CHANGEABLE)
    if fixed:
        raise ConfigurationError(f"{NAME} cannot change {', '.join(fixed)} of an order", venue=NAME)
    wanted = wire.OrderTerms(**{"type": "", "time_in_force": "", **given})
    fields = {
        "Quantity": wire.amount(wanted.quantity),
        "LimitPrice": wire.amount(wanted.limit_price),
        "StopPrice": wire.amount(wanted.stop_price),
        "OrderType": spec.word(spec.ORDER_TYPES, wanted.type, "type") if wanted.type else None,
    }
    body = {name: value for name, value in fields.items() if value is not None} | dict(wanted.extra or {})
    if not body:
        raise ConfigurationError("replace_order needs something to change", venue=NAME)
    request = structs.replace(auth.order_request(f"orders/{canonical_id(order_id)}", body), method="PUT")
    return (yield from _change(request, wanted, account=account, status="pending_replace"))


def cancel_order(order_id: str, *, account: str | None = None) -> Operation[Order]:
    """Ask for an order to be cancelled; it may still be filled before it is.

    Raises:
        OrderRejectedError: The order is not open.
        OrderOutcomeUnknownError: The request may or may not have been taken.
    """
    request = auth.order_request(f"orders/{canonical_id(order_id)}", {})
    request = structs.replace(request, method="DELETE", body=None, headers={})
    return (yield from _change(request, _NO_TERMS, account=account, status="pending_cancel"))


def cancel_all_orders(*, accounts: Names = None, symbols: Names = None) -> Operation[list[Order]]:
    """Ask for every open order to be cancelled, of all accounts and symbols if None, one after the other.

    An order that could not be cancelled is returned as it was, with the ``reason``.
    """
    names = None if symbols is None else {canonical_symbol(symbol) for symbol in symbols}
    orders = []
    for order in (yield from get_orders(accounts=accounts)):
        if order.is_terminal or (names is not None and names.isdisjoint(leg.symbol for leg in order.legs)):
            continue
        try:
            yield from cancel_order(order.order_id, account=order.account)
            result = structs.replace(order, status="pending_cancel")
        except (OrderRejectedError, OrderOutcomeUnknownError) as exc:
            result = structs.replace(order, reason=str(exc))
        stamp(result, Topic("order", order.account or ""), order.raw)
        orders.append(result)
    return orders


def _stamped(order: Order, row: bytes, response: Response) -> Order:
    stamp(order, Topic("order", order.account or ""), row)
    tie(order, "_frame", response.body)
    return order


def _change(request: Request, terms: wire.OrderTerms, *, account: str | None, status: OrderStatus) -> Operation[Order]:
    response = yield from auth.send_order(request)
    accepted, refusals = auth.order_answers(response)
    answer, _ = (accepted + refusals)[0]
    if answer.error:
        raise auth.rejection([answer])
    order = codec.acknowledged(terms, account, answer=answer, received_ns=response.received_ns)
    order_id = order.order_id or request.path.rpartition("/")[2]
    return _stamped(structs.replace(order, status=status, order_id=order_id), response.body, response)


def _confirm(path: str, body: Mapping[str, Any]) -> Operation[list[wire.OrderConfirmation]]:
    request = structs.replace(auth.order_request(path, body), is_repeatable=True)
    response = yield from auth.ask(request)
    fields = auth.fields_of(response)
    auth.raise_refused(fields)
    return auth.records_of(fields, "Confirmations", wire.OrderConfirmation)


def _group(group: str, orders: Sequence[Mapping[str, Any]]) -> Operation[tuple[list[wire.OrderTerms], list[str], Any]]:
    kind = spec.word(spec.GROUP_TYPES, group, "group")
    wanted = [wire.OrderTerms(**terms) for terms in orders]
    accounts = []
    for terms in wanted:
        accounts.append((yield from _account_for(terms)))
    bodies = [wire.encode_order(terms, account) for terms, account in zip(wanted, accounts, strict=True)]
    return wanted, accounts, {"Type": kind, "Orders": bodies}


def _account_for(terms: wire.OrderTerms) -> Operation[str]:
    if terms.account is not None:
        return canonical_id(terms.account)
    is_future = terms.symbol is not None and spec.asset_class(canonical_symbol(terms.symbol)) == "future"
    found = yield from get_accounts()
    fitting = [account.account_id for account in found if ((account.type or "").lower() == "futures") == is_future]
    if len(fitting) != 1:
        names = ", ".join(account.account_id for account in found) or "none"
        raise ConfigurationError(f"say which account the order is for; the login has: {names}", venue=NAME)
    return fitting[0]


_MARKET_DATA = (get_quotes, get_bars, get_symbol_details, search_symbols, validate_symbols, get_crypto_symbol_names)
_OPTIONS = (get_option_expirations, get_option_strikes, get_option_spread_types, get_option_risk_reward)
_BROKERAGE = (get_accounts, get_balances, get_beginning_of_day_balances, get_positions, get_orders)
_ORDERS = (place_order, place_group_order, confirm_order, confirm_group_order, replace_order)
_REST = (get_historical_orders, get_routes, get_activation_triggers, cancel_order, cancel_all_orders)
OPERATIONS: Mapping[str, Callable[..., Operation[Any]]] = {
    function.__name__: function for group in (_MARKET_DATA, _OPTIONS, _BROKERAGE, _ORDERS, _REST) for function in group
}
"""Name of the request method → its operation."""
