"""TradeStationClient: Client with TradeStation chosen."""

from typing import Any

from brokerwire.client.client import Client


class TradeStationClient(Client):
    """A ``Client`` of TradeStation; takes the same keyword arguments."""

    def __init__(self, **options: Any) -> None:
        super().__init__("tradestation", **options)
