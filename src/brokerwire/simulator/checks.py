"""What the synthetic exchange checks before it takes an order."""

from collections.abc import Mapping
from decimal import Decimal

from brokerwire.simulator.accounts import Account, is_buying
from brokerwire.simulator.instruments import Instrument
from brokerwire.simulator.market import Market
from brokerwire.simulator.trading import OrderRefused, OrderTicket, TicketLeg


def check_ticket(ticket: OrderTicket, *, market: Market, accounts: Mapping[str, Account]) -> None:
    """Check an order against what exists, what the account holds and what it can pay.

    Raises:
        OrderRefused: The order cannot be taken.
    """
    account = accounts.get(ticket.account_id)
    if account is None:
        raise OrderRefused("unknown_account", "there is no such account")
    for leg in ticket.legs:
        _check_leg(leg, _instrument(leg, market), account=account)
    _check_prices(ticket, market)
    _check_funds(ticket, market=market, account=account)


def _instrument(leg: TicketLeg, market: Market) -> Instrument:
    instrument = market.universe.find(leg.symbol)
    if instrument is None:
        raise OrderRefused("unknown_symbol", "there is no such symbol")
    return instrument


def _check_leg(leg: TicketLeg, instrument: Instrument, *, account: Account) -> None:
    if not instrument.is_tradable or (instrument.kind == "crypto") != (account.kind == "spot"):
        raise OrderRefused("not_tradable", "this cannot be traded here")
    if (instrument.kind == "future") != (account.kind == "futures"):
        raise OrderRefused("wrong_account", "this account cannot trade it")
    if leg.quantity <= 0:
        raise OrderRefused("quantity", "the quantity must be positive")
    if leg.quantity % instrument.lot:
        raise OrderRefused("lot", "the quantity is not a multiple of the lot")
    if account.kind in ("margin", "cash"):
        _check_intent(leg, account)


def _check_intent(leg: TicketLeg, account: Account) -> None:
    """An order must say truly whether it opens or closes, and may not close more than is held."""
    held = account.positions.get(leg.symbol)
    quantity = held.quantity if held else Decimal(0)
    long, short = max(quantity, Decimal(0)), max(-quantity, Decimal(0))
    closes = leg.effect == "close" if leg.effect else leg.side in ("sell", "buy_to_cover")
    if closes and not is_buying(leg.side) and leg.quantity > long:
        raise OrderRefused("not_long", "more is sold than is held", quantity=long)
    if closes and is_buying(leg.side) and leg.quantity > short:
        raise OrderRefused("not_short", "more is bought back than was sold short", quantity=short)
    if not closes and not is_buying(leg.side) and long:
        raise OrderRefused("is_long", "the position is long", quantity=long)
    if not closes and is_buying(leg.side) and short:
        raise OrderRefused("is_short", "the position is short", quantity=short)


def _check_prices(ticket: OrderTicket, market: Market) -> None:
    needs_limit = ticket.type in ("limit", "stop_limit")
    needs_stop = ticket.type in ("stop", "stop_limit") and not ticket.is_trailing
    if (needs_limit and ticket.limit_price is None) or (needs_stop and ticket.stop_price is None):
        raise OrderRefused("price", "a price is missing")
    if len(ticket.legs) > 1:
        return
    tick = market.instrument(ticket.symbol).tick
    for price in (ticket.limit_price if needs_limit else None, ticket.stop_price if needs_stop else None):
        if price is not None and (price <= 0 or price % tick):
            raise OrderRefused("tick", "the price is not a positive multiple of the tick")
    if ticket.post_only and ticket.limit_price is not None:
        quote = market.quote(ticket.symbol)
        crosses = ticket.limit_price >= quote.ask if is_buying(ticket.side) else ticket.limit_price <= quote.bid
        if crosses:
            raise OrderRefused("would_take", "the order would take liquidity")


def _check_funds(ticket: OrderTicket, *, market: Market, account: Account) -> None:
    if account.kind == "spot":
        _check_spot_funds(ticket, market=market, account=account)
        return
    needed = sum((_cost(leg, ticket, market=market, account=account) for leg in ticket.legs), Decimal(0))
    if needed > buying_power(account, market):
        raise OrderRefused("funds", "the account cannot pay for it")


def _check_spot_funds(ticket: OrderTicket, *, market: Market, account: Account) -> None:
    instrument = market.instrument(ticket.symbol)
    if is_buying(ticket.side):
        price = ticket.limit_price or ticket.stop_price or market.quote(ticket.symbol).ask
        has_funds = ticket.quantity * price <= account.balance(instrument.quote).free
    else:
        has_funds = ticket.quantity <= account.balance(instrument.base).free
    if not has_funds:
        raise OrderRefused("funds", "the account cannot pay for it")


def _cost(leg: TicketLeg, ticket: OrderTicket, *, market: Market, account: Account) -> Decimal:
    instrument = market.instrument(leg.symbol)
    closes = leg.effect == "close" if leg.effect else leg.side in ("sell", "buy_to_cover")
    if closes or (instrument.kind == "option" and not is_buying(leg.side)):
        return Decimal(0)
    if instrument.kind == "future":
        return initial_margin(instrument) * leg.quantity
    price = ticket.limit_price if len(ticket.legs) == 1 and ticket.limit_price else market.quote(leg.symbol).ask
    return leg.quantity * price * instrument.point_value


def initial_margin(instrument: Instrument) -> Decimal:
    """Return what one contract of a future ties up, in dollars: seven per cent of its value."""
    return (instrument.anchor * instrument.point_value * Decimal("0.07")).quantize(Decimal(1))


def buying_power(account: Account, market: Market) -> Decimal:
    """Return what the account can still spend; a margin account four times its free equity."""
    if account.kind == "futures":
        tied = sum(
            (initial_margin(market.instrument(p.symbol)) * abs(p.quantity) for p in account.positions.values()),
            Decimal(0),
        )
        return equity(account, market) - tied
    if account.kind == "cash":
        return account.cash
    requirement = sum(
        (abs(p.value_at(market.last_trade(p.symbol).price)) for p in account.positions.values()), Decimal(0)
    )
    return max(Decimal(0), equity(account, market) * 4 - requirement)


def equity(account: Account, market: Market) -> Decimal:
    """Return cash plus what the positions are worth (futures: what they have earned)."""
    total = account.cash
    for position in account.positions.values():
        last = market.last_trade(position.symbol).price
        total += position.profit_at(last) if account.kind == "futures" else position.value_at(last)
    return total
