"""``brokerwire orders``: place, cancel and list."""

from typing import Annotated

import typer

from brokerwire import Order
from brokerwire.cli.options import Accounts, Environment, Json, Venue, new_client
from brokerwire.cli.output import show_records
from brokerwire.cli.running import run
from brokerwire.events import OrderSide, OrderType

app = typer.Typer(help="Place, cancel and list orders.", no_args_is_help=True)


@app.command("list")
def list_orders(
    account: Accounts = None, venue: Venue = None, environment: Environment = None, as_json: Json = False
) -> None:
    """Today's orders and all open ones."""

    async def ask() -> tuple[str, list[Order]]:
        async with new_client(venue, environment) as client:
            return client.venue, await client.brokerage.get_orders(accounts=account)

    name, found = run(ask)
    show_records(found, venue=name, as_json=as_json, title="Orders")


@app.command()
def place(
    side: Annotated[OrderSide, typer.Argument(help="buy, sell, sell_short or buy_to_cover.")],
    quantity: Annotated[str, typer.Argument(help="How much, in units of the instrument.")],
    symbol: Annotated[str, typer.Argument(help="Of what.")],
    *,
    limit_price: Annotated[str | None, typer.Option("--limit", help="Limit price.")] = None,
    stop_price: Annotated[str | None, typer.Option("--stop", help="Stop price.")] = None,
    time_in_force: Annotated[str, typer.Option("--time-in-force", help="day, gtc, ioc, fok...")] = "day",
    account: Annotated[str | None, typer.Option("--account", help="For which account.")] = None,
    client_order_id: Annotated[str | None, typer.Option("--client-order-id", help="An id of your own.")] = None,
    venue: Venue = None,
    environment: Environment = None,
    as_json: Json = False,
) -> None:
    """Place one order: market, or limit, stop and stop-limit by the prices that are given."""

    async def ask() -> tuple[str, Order]:
        async with new_client(venue, environment) as client:
            order = await client.order_execution.place_order(
                symbol=symbol,
                side=side,
                quantity=quantity,
                type=_type_of(limit_price, stop_price),
                limit_price=limit_price,
                stop_price=stop_price,
                time_in_force=time_in_force,
                account=account,
                client_order_id=client_order_id,
            )
            return client.venue, order

    name, order = run(ask)
    show_records([order], venue=name, as_json=as_json, title="Placed")


def _type_of(limit_price: str | None, stop_price: str | None) -> OrderType:
    if limit_price is not None:
        return "limit" if stop_price is None else "stop_limit"
    return "market" if stop_price is None else "stop"


@app.command()
def cancel(
    order_id: Annotated[str, typer.Argument(help="The venue's order id.")],
    venue: Venue = None,
    environment: Environment = None,
    as_json: Json = False,
) -> None:
    """Ask the venue to cancel an order."""

    async def ask() -> tuple[str, Order]:
        async with new_client(venue, environment) as client:
            return client.venue, await client.order_execution.cancel_order(order_id)

    name, order = run(ask)
    show_records([order], venue=name, as_json=as_json, title="Cancel requested")
