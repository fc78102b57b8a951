"""BrokerageService: accounts, balances, positions and past orders."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Unpack, cast

from brokerwire.events import Account, Balance, Order, Position
from brokerwire.services.arguments import DeliveryKeywords, listed
from brokerwire.services.desk import Desk
from brokerwire.streaming.subscription import Subscription
from brokerwire.typedefs import JSON, Callback

Accounts = str | Sequence[str] | None


class BrokerageService:
    """What the accounts of a login hold; ``accounts=None`` always means all of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def stream_position_changes(
        self,
        callback: Callback[Position] | None = None,
        *,
        accounts: Accounts = None,
        **delivery: Unpack[DeliveryKeywords],
    ) -> Subscription[Position]:
        """Deliver the positions and every change of them to ``callback``; quantity 0 means closed.

        Raises:
            StreamLimitError: The cap on streams is reached.
            AuthenticationError: The credentials or the token are refused.
            UnsupportedError: The venue has no positions.
        """
        self._desk.require("position_changes")
        chosen = await self._desk.accounts(accounts)
        return await self._desk.subscribe("position", chosen, callback, delivery=delivery)

    async def stream_balance_changes(
        self,
        callback: Callback[Balance] | None = None,
        *,
        accounts: Accounts = None,
        **delivery: Unpack[DeliveryKeywords],
    ) -> Subscription[Balance]:
        """Deliver the balances and every change of them to ``callback``, where need be by asking regularly.

        Raises:
            StreamLimitError: The cap on streams is reached.
            AuthenticationError: The credentials or the token are refused.
            UnsupportedError: The venue has no balances.
        """
        self._desk.require("balance_changes")
        chosen = await self._desk.accounts(accounts)
        return await self._desk.subscribe("balance", chosen, callback, delivery=delivery)

    async def get_accounts(self) -> list[Account]:
        """Return the accounts of the login."""
        return cast(list[Account], await self._desk.call("get_accounts"))

    async def get_balances(self, *, accounts: Accounts = None) -> list[Balance]:
        """Return the balances, one record for each account and currency."""
        return cast(list[Balance], await self._desk.call("get_balances", accounts=listed(accounts)))

    async def get_beginning_of_day_balances(self, *, accounts: Accounts = None) -> list[Balance]:
        """Return the balances as the day began."""
        return cast(list[Balance], await self._desk.call("get_beginning_of_day_balances", accounts=listed(accounts)))

    async def get_positions(self, *, accounts: Accounts = None) -> list[Position]:
        """Return the open positions."""
        return cast(list[Position], await self._desk.call("get_positions", accounts=listed(accounts)))

    async def get_orders(self, *, accounts: Accounts = None) -> list[Order]:
        """Return today's and all open orders, the newest first; every page of them."""
        return cast(list[Order], await self._desk.call("get_orders", accounts=listed(accounts)))

    async def get_historical_orders(self, *, since: date, accounts: Accounts = None) -> list[Order]:
        """Return the orders that ended on or after ``since``."""
        return cast(list[Order], await self._desk.call("get_historical_orders", since=since, accounts=listed(accounts)))

    async def get_activities(self, *, since: date | None = None, accounts: Accounts = None) -> list[Mapping[str, JSON]]:
        """Return what happened in the accounts besides orders."""
        found = await self._desk.call("get_activities", since=since, accounts=listed(accounts))
        return cast(list[Mapping[str, JSON]], found)

    async def get_assets(self) -> list[Mapping[str, JSON]]:
        """Return what can be traded."""
        return cast(list[Mapping[str, JSON]], await self._desk.call("get_assets"))
