"""Every request about orders and the account: names, paths, verbs, weights and arguments."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec

from brokerwire.simulator.fronts.binance import cancel_replace, order_lists
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.figures import TimeUnit
from brokerwire.simulator.fronts.binance.order_tickets import NEW_ORDER_NAMES
from brokerwire.simulator.fronts.binance.trading_desk import TradingDesk

AccountHandler: TypeAlias = Callable[[TradingDesk, Arguments, TimeUnit], Any]
SIGNED_NAMES = frozenset({"timestamp", "recvWindow", "signature", "apiKey"})


class AccountMethod(msgspec.Struct, frozen=True):
    """One signed request; ``is_order`` says that it counts as an order and costs nothing when it succeeds.

    ``path`` is below ``/api/v3/`` unless it begins with a slash. Without ``names`` any argument is let through: it is
    refused all the same.
    """

    name: str
    verb: str
    path: str
    handle: AccountHandler
    weight: Callable[[Arguments], int]
    names: frozenset[str] | None
    is_order: bool = False

    @property
    def route(self) -> str:
        """Where it is served."""
        return self.path if self.path.startswith("/") else f"/api/v3/{self.path}"


def weighs(weight: int) -> Callable[[Arguments], int]:
    """Return a weight that no argument changes."""
    return lambda _: weight


def _open_weight(arguments: Arguments) -> int:
    return 6 if arguments.has("symbol") else 80


def _trades_weight(arguments: Arguments) -> int:
    return 5 if arguments.has("orderId") else 20


def _matches_weight(arguments: Arguments) -> int:
    return 20 if arguments.has("orderId") else 2


def _test_weight(arguments: Arguments) -> int:
    return 20 if (arguments.optional("computeCommissionRates") or "").lower() == "true" else 1


_TEST = NEW_ORDER_NAMES | {"computeCommissionRates"}
_CANCEL = frozenset(["symbol", "orderId", "origClientOrderId", "newClientOrderId", "cancelRestrictions"])
_HISTORY = frozenset(["symbol", "orderId", "fromId", "startTime", "endTime", "limit"])

ACCOUNT_METHODS: tuple[AccountMethod, ...] = (
    AccountMethod("order.place", "POST", "order", TradingDesk.place, weighs(1), NEW_ORDER_NAMES, is_order=True),
    AccountMethod("order.test", "POST", "order/test", TradingDesk.test, _test_weight, _TEST),
    AccountMethod("order.status", "GET", "order", TradingDesk.status, weighs(4), _CANCEL),
    AccountMethod("order.cancel", "DELETE", "order", TradingDesk.cancel, weighs(1), _CANCEL, is_order=True),
    AccountMethod(
        "order.cancelReplace",
        "POST",
        "order/cancelReplace",
        cancel_replace.cancel_replace,
        weighs(1),
        cancel_replace.NAMES,
        is_order=True,
    ),
    AccountMethod(
        "openOrders.status", "GET", "openOrders", TradingDesk.open_orders, _open_weight, frozenset({"symbol"})
    ),
    AccountMethod(
        "openOrders.cancelAll",
        "DELETE",
        "openOrders",
        TradingDesk.cancel_all,
        weighs(1),
        frozenset({"symbol"}),
        is_order=True,
    ),
    AccountMethod("allOrders", "GET", "allOrders", TradingDesk.all_orders, weighs(20), _HISTORY),
    AccountMethod("myTrades", "GET", "myTrades", TradingDesk.my_trades, _trades_weight, _HISTORY),
    *(
        AccountMethod(f"orderList.place{name}", "POST", path, order_lists.refuses(kind), weighs(1), None)
        for name, path, kind in (
            ("", "order/oco", "OCO"),
            (".oco", "orderList/oco", "OCO"),
            (".oto", "orderList/oto", "OTO"),
            (".otoco", "orderList/otoco", "OTO"),
            (".opo", "orderList/opo", "OPO"),
            (".opoco", "orderList/opoco", "OPO"),
        )
    ),
    AccountMethod("orderList.status", "GET", "orderList", order_lists.status, weighs(4), None),
    AccountMethod("orderList.cancel", "DELETE", "orderList", order_lists.cancel, weighs(1), None),
    AccountMethod("order.amend.keepPriority", "PUT", "order/amend/keepPriority", order_lists.amend, weighs(4), None),
    AccountMethod(
        "order.amendments",
        "GET",
        "order/amendments",
        order_lists.amendments,
        weighs(4),
        frozenset(["symbol", "orderId", "fromExecutionId", "limit"]),
    ),
    AccountMethod("openOrderLists.status", "GET", "openOrderList", order_lists.listed, weighs(6), frozenset()),
    AccountMethod(
        "allOrderLists",
        "GET",
        "allOrderList",
        order_lists.listed,
        weighs(20),
        frozenset(["fromId", "startTime", "endTime", "limit"]),
    ),
    AccountMethod(
        "myPreventedMatches",
        "GET",
        "myPreventedMatches",
        TradingDesk.prevented_matches,
        _matches_weight,
        frozenset(["symbol", "preventedMatchId", "orderId", "fromPreventedMatchId", "limit"]),
    ),
    AccountMethod(
        "myAllocations",
        "GET",
        "myAllocations",
        TradingDesk.allocations,
        weighs(20),
        frozenset(["symbol", "startTime", "endTime", "fromAllocationId", "limit", "orderId"]),
    ),
    AccountMethod(
        "account.status",
        "GET",
        "account",
        TradingDesk.account_status,
        weighs(20),
        frozenset({"omitZeroBalances"}),
    ),
    AccountMethod(
        "account.commission",
        "GET",
        "account/commission",
        TradingDesk.commission,
        weighs(20),
        frozenset({"symbol"}),
    ),
    AccountMethod(
        "account.rateLimits.orders",
        "GET",
        "rateLimit/order",
        TradingDesk.order_counts,
        weighs(40),
        frozenset(),
    ),
)

ACCOUNT_METHODS_BY_NAME: Mapping[str, AccountMethod] = MappingProxyType(
    {method.name: method for method in ACCOUNT_METHODS}
)


def call_account(method: AccountMethod, trading: TradingDesk, arguments: Arguments, *, unit: TimeUnit) -> Any:
    """Carry out a signed request whose caller has been checked and whose weight has been paid.

    Raises:
        Refusal: The venue refuses it.
    """
    if method.names is not None:
        arguments.check_names(method.names | SIGNED_NAMES)
    result = method.handle(trading, arguments, unit)
    if method.is_order:
        trading.desk.limits.give_back(method.weight(arguments), trading.desk.now_ns())
    return result
