"""The three services as scripts call them: the same methods, which return when the asynchronous ones would."""

import inspect
from collections.abc import Callable, Coroutine, MutableMapping
from functools import partial, update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from brokerwire.client.callback_thread import CallbackThread
from brokerwire.client.loop_thread import LoopThread
from brokerwire.client.sync_subscription import SyncSubscription
from brokerwire.errors import BrokerwireError
from brokerwire.events import Event
from brokerwire.services.brokerage import BrokerageService
from brokerwire.services.market_data import MarketDataService
from brokerwire.services.order_execution import OrderExecutionService
from brokerwire.streaming.subscription import Subscription

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E", bound=Event)

CALLBACKS = frozenset({"callback", "error_callback", "status_callback"})


class SyncService:
    """One service of the asynchronous client, and the thread where it runs."""

    def __init__(self, service: Any, host: LoopThread) -> None:
        self.service = service
        self.host = host

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Blocking(Generic[P, R]):
    """A method that waits for the asynchronous one and returns what that returns."""

    def __init__(self, method: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, service: None, owner: type) -> Self: ...
    @overload
    def __get__(self, service: SyncService, owner: type) -> Callable[P, R]: ...
    def __get__(self, service: SyncService | None, owner: type) -> Self | Callable[P, R]:
        if service is None:
            return self
        host, method = service.host, partial(self._method, service.service)

        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            return host.run(lambda: method(*args, **kwargs))

        return _like(call, self._method)


class Streaming(Generic[P, E]):
    """A method that opens a subscription; its plain callbacks are called on a thread of their own."""

    def __init__(self, method: Callable[Concatenate[Any, P], Coroutine[Any, Any, Subscription[E]]]) -> None:
        self._method = method
        self._signature = inspect.signature(method)
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, service: None, owner: type) -> Self: ...
    @overload
    def __get__(self, service: SyncService, owner: type) -> Callable[P, SyncSubscription[E]]: ...
    def __get__(self, service: SyncService | None, owner: type) -> Self | Callable[P, SyncSubscription[E]]:
        if service is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> SyncSubscription[E]:
            return self._open(service, self._signature.bind(service.service, *args, **kwargs))

        return _like(call, self._method)

    def _open(self, service: SyncService, given: inspect.BoundArguments) -> SyncSubscription[E]:
        host = service.host
        callbacks = host.new_callbacks(f"brokerwire {self._method.__name__}")
        _move_callbacks(given, callbacks)

        async def open_it() -> SyncSubscription[E]:
            subscription = await self._method(*given.args, **given.kwargs)
            host.keep(_end_with(subscription, callbacks), f"brokerwire callbacks of {subscription.name}")
            return SyncSubscription(subscription, host, callbacks)

        try:
            return host.run(open_it)
        except BaseException:
            callbacks.stop()
            raise


async def _end_with(subscription: Subscription[Any], callbacks: CallbackThread) -> None:
    """End the thread of the callbacks when their subscription has ended, whatever ended it."""
    try:
        await subscription.wait_closed()
    except BrokerwireError:
        return  # the subscription tells its user
    finally:
        callbacks.end()


def _move_callbacks(given: inspect.BoundArguments, callbacks: CallbackThread) -> None:
    """Let the thread call what are plain functions among the callbacks, wherever they stand among the arguments."""
    places: list[MutableMapping[str, Any]] = [given.arguments]
    for name, parameter in given.signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD and name in given.arguments:
            places.append(given.arguments[name])
    for place in places:
        for name in CALLBACKS & place.keys():
            place[name] = callbacks.wrapped(place[name])


def _like(call: Callable[P, R], method: Callable[..., Any]) -> Callable[P, R]:
    """Give a call the name, text and signature of the method that it stands for, without the service."""
    update_wrapper(call, method)
    del call.__wrapped__  # type: ignore[attr-defined]  # it would make help() show a coroutine function
    signature = inspect.signature(method)
    call.__signature__ = signature.replace(  # type: ignore[attr-defined]  # inspect reads it
        parameters=list(signature.parameters.values())[1:]
    )
    return call


class SyncMarketData(SyncService):
    """``MarketDataService`` for scripts: each method as there, without ``await``."""

    stream_quotes = Streaming(MarketDataService.stream_quotes)
    stream_trades = Streaming(MarketDataService.stream_trades)
    stream_time_and_sales = Streaming(MarketDataService.stream_time_and_sales)
    stream_bars = Streaming(MarketDataService.stream_bars)
    stream_market_depth = Streaming(MarketDataService.stream_market_depth)
    stream_option_chain = Streaming(MarketDataService.stream_option_chain)
    stream_option_quotes = Streaming(MarketDataService.stream_option_quotes)
    stream_studies = Streaming(MarketDataService.stream_studies)
    stream_statuses = Streaming(MarketDataService.stream_statuses)
    stream_news = Streaming(MarketDataService.stream_news)
    get_quotes = Blocking(MarketDataService.get_quotes)
    get_bars = Blocking(MarketDataService.get_bars)
    get_trades = Blocking(MarketDataService.get_trades)
    get_quote_history = Blocking(MarketDataService.get_quote_history)
    get_snapshots = Blocking(MarketDataService.get_snapshots)
    get_market_depth = Blocking(MarketDataService.get_market_depth)
    get_study = Blocking(MarketDataService.get_study)
    search_studies = Blocking(MarketDataService.search_studies)
    get_study_details = Blocking(MarketDataService.get_study_details)
    get_symbol_details = Blocking(MarketDataService.get_symbol_details)
    search_symbols = Blocking(MarketDataService.search_symbols)
    validate_symbols = Blocking(MarketDataService.validate_symbols)
    get_market_calendar = Blocking(MarketDataService.get_market_calendar)
    get_market_clock = Blocking(MarketDataService.get_market_clock)
    get_crypto_symbol_names = Blocking(MarketDataService.get_crypto_symbol_names)
    get_option_expirations = Blocking(MarketDataService.get_option_expirations)
    get_option_strikes = Blocking(MarketDataService.get_option_strikes)
    get_option_spread_types = Blocking(MarketDataService.get_option_spread_types)
    get_option_risk_reward = Blocking(MarketDataService.get_option_risk_reward)


class SyncOrderExecution(SyncService):
    """``OrderExecutionService`` for scripts: each method as there, without ``await``."""

    stream_order_updates = Streaming(OrderExecutionService.stream_order_updates)
    place_order = Blocking(OrderExecutionService.place_order)
    resolve_order = Blocking(OrderExecutionService.resolve_order)
    replace_order = Blocking(OrderExecutionService.replace_order)
    cancel_order = Blocking(OrderExecutionService.cancel_order)
    cancel_all_orders = Blocking(OrderExecutionService.cancel_all_orders)
    confirm_order = Blocking(OrderExecutionService.confirm_order)
    place_group_order = Blocking(OrderExecutionService.place_group_order)
    confirm_group_order = Blocking(OrderExecutionService.confirm_group_order)
    get_routes = Blocking(OrderExecutionService.get_routes)
    get_activation_triggers = Blocking(OrderExecutionService.get_activation_triggers)


class SyncBrokerage(SyncService):
    """``BrokerageService`` for scripts: each method as there, without ``await``."""

    stream_position_changes = Streaming(BrokerageService.stream_position_changes)
    stream_balance_changes = Streaming(BrokerageService.stream_balance_changes)
    get_accounts = Blocking(BrokerageService.get_accounts)
    get_balances = Blocking(BrokerageService.get_balances)
    get_beginning_of_day_balances = Blocking(BrokerageService.get_beginning_of_day_balances)
    get_positions = Blocking(BrokerageService.get_positions)
    get_orders = Blocking(BrokerageService.get_orders)
    get_historical_orders = Blocking(BrokerageService.get_historical_orders)
    get_activities = Blocking(BrokerageService.get_activities)
    get_assets = Blocking(BrokerageService.get_assets)
