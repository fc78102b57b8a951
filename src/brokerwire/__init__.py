"""Subscribe to brokers and exchanges for months at a time.

The names below are loaded when they are first used, so that importing the package stays cheap.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "brokerwire.client.client": ("Client",),
    "brokerwire.client.sync_client": ("SyncClient",),
    "brokerwire.client.sync_subscription": ("SyncSubscription",),
    "brokerwire.client.tradestation": ("TradeStationClient",),
    "brokerwire.auth.token_manager": ("TokenManager",),
    "brokerwire.config": ("Secret",),
    "brokerwire.services.brokerage": ("BrokerageService",),
    "brokerwire.services.market_data": ("MarketDataService",),
    "brokerwire.services.order_execution": ("OrderExecutionService",),
    "brokerwire.streaming.manager": ("StreamManager",),
    "brokerwire.streaming.subscription": ("Subscription",),
    "brokerwire.streaming.raw_stream": ("HTTPStream", "WebSocketStream"),
    "brokerwire.errors": (
        "AuthenticationError",
        "BrokerwireError",
        "ConfigurationError",
        "ConnectionLostError",
        "InvalidSymbolError",
        "OrderOutcomeUnknownError",
        "OrderRejectedError",
        "ProtocolError",
        "RateLimitError",
        "ReauthenticationRequired",
        "RequestError",
        "SlowConsumerError",
        "StreamError",
        "StreamLimitError",
        "UnsupportedError",
        "VenueUnavailableError",
    ),
    "brokerwire.events": (
        "Account",
        "Balance",
        "Bar",
        "Depth",
        "Fill",
        "Gap",
        "News",
        "Notice",
        "OptionChainEntry",
        "OptionQuote",
        "Order",
        "OrderUpdate",
        "Overflow",
        "Position",
        "Quote",
        "StateChange",
        "StudyPoint",
        "Topic",
        "Trade",
        "TradeCorrection",
        "TradingStatus",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]  # the type checker reads the imports below


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if TYPE_CHECKING:
    from brokerwire.auth.token_manager import TokenManager as TokenManager
    from brokerwire.client.client import Client as Client
    from brokerwire.client.sync_client import SyncClient as SyncClient
    from brokerwire.client.sync_subscription import SyncSubscription as SyncSubscription
    from brokerwire.client.tradestation import TradeStationClient as TradeStationClient
    from brokerwire.config import Secret as Secret
    from brokerwire.errors import AuthenticationError as AuthenticationError
    from brokerwire.errors import BrokerwireError as BrokerwireError
    from brokerwire.errors import ConfigurationError as ConfigurationError
    from brokerwire.errors import ConnectionLostError as ConnectionLostError
    from brokerwire.errors import InvalidSymbolError as InvalidSymbolError
    from brokerwire.errors import OrderOutcomeUnknownError as OrderOutcomeUnknownError
    from brokerwire.errors import OrderRejectedError as OrderRejectedError
    from brokerwire.errors import ProtocolError as ProtocolError
    from brokerwire.errors import RateLimitError as RateLimitError
    from brokerwire.errors import ReauthenticationRequired as ReauthenticationRequired
    from brokerwire.errors import RequestError as RequestError
    from brokerwire.errors import SlowConsumerError as SlowConsumerError
    from brokerwire.errors import StreamError as StreamError
    from brokerwire.errors import StreamLimitError as StreamLimitError
    from brokerwire.errors import UnsupportedError as UnsupportedError
    from brokerwire.errors import VenueUnavailableError as VenueUnavailableError
    from brokerwire.events import Account as Account
    from brokerwire.events import Balance as Balance
    from brokerwire.events import Bar as Bar
    from brokerwire.events import Depth as Depth
    from brokerwire.events import Fill as Fill
    from brokerwire.events import Gap as Gap
    from brokerwire.events import News as News
    from brokerwire.events import Notice as Notice
    from brokerwire.events import OptionChainEntry as OptionChainEntry
    from brokerwire.events import OptionQuote as OptionQuote
    from brokerwire.events import Order as Order
    from brokerwire.events import OrderUpdate as OrderUpdate
    from brokerwire.events import Overflow as Overflow
    from brokerwire.events import Position as Position
    from brokerwire.events import Quote as Quote
    from brokerwire.events import StateChange as StateChange
    from brokerwire.events import StudyPoint as StudyPoint
    from brokerwire.events import Topic as Topic
    from brokerwire.events import Trade as Trade
    from brokerwire.events import TradeCorrection as TradeCorrection
    from brokerwire.events import TradingStatus as TradingStatus
    from brokerwire.services.brokerage import BrokerageService as BrokerageService
    from brokerwire.services.market_data import MarketDataService as MarketDataService
    from brokerwire.services.order_execution import OrderExecutionService as OrderExecutionService
    from brokerwire.streaming.manager import StreamManager as StreamManager
    from brokerwire.streaming.raw_stream import HTTPStream as HTTPStream
    from brokerwire.streaming.raw_stream import WebSocketStream as WebSocketStream
    from brokerwire.streaming.subscription import Subscription as Subscription
