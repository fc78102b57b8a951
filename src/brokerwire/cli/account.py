"""``brokerwire account``: accounts, balances and positions at a glance."""

from typing import Any

from brokerwire.cli.options import Accounts, Environment, Json, Venue, new_client
from brokerwire.cli.output import show_records
from brokerwire.cli.running import run


def show(account: Accounts = None, venue: Venue = None, environment: Environment = None, as_json: Json = False) -> None:
    """Show the accounts of the login, their balances and positions."""

    async def ask() -> tuple[str, dict[str, list[Any]]]:
        async with new_client(venue, environment) as client:
            return client.venue, {
                "Accounts": [
                    a for a in await client.brokerage.get_accounts() if not account or a.account_id in account
                ],
                "Balances": await client.brokerage.get_balances(accounts=account),
                "Positions": await client.brokerage.get_positions(accounts=account),
            }

    name, found = run(ask)
    for title, records in found.items():
        show_records(records, venue=name, as_json=as_json, title=title)
