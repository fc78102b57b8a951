"""The state of one WebSocket API connection: who is logged on, and which user data subscriptions are active."""

from collections.abc import Callable, Mapping
from typing import Any

from brokerwire.simulator.fronts.binance import refusals, signing
from brokerwire.simulator.fronts.binance.arguments import Arguments, as_texts
from brokerwire.simulator.fronts.binance.desk import Desk
from brokerwire.simulator.fronts.binance.figures import TimeUnit
from brokerwire.simulator.fronts.binance.refusals import Refusal
from brokerwire.simulator.fronts.binance.request_faults import RequestFaults
from brokerwire.simulator.fronts.binance.signing import KeyRing
from brokerwire.simulator.fronts.binance.trading_desk import AccountEvent, TradingDesk
from brokerwire.simulator.fronts.binance.user_data import AccountFeed, event_objects

_LOGON_NAMES = frozenset({"apiKey", "timestamp", "recvWindow", "signature"})


class ApiSession:
    """One connection's logon and subscriptions; ``send`` gets a channel's name and an event to send."""

    def __init__(
        self,
        *,
        desk: Desk,
        trading: TradingDesk,
        feed: AccountFeed,
        keys: KeyRing,
        faults: RequestFaults,
        unit: TimeUnit,
        send: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._desk = desk
        self._trading = trading
        self._feed = feed
        self._keys = keys
        self._faults = faults
        self._unit = unit
        self._send = send
        self._connected_ns = desk.now_ns()
        self._api_key: str | None = None
        self._authorized_ns = 0
        self._limits_flag: bool | None = None
        self._subscription: int | None = None
        self._next_subscription = 0
        self._calls: Mapping[str, Callable[[dict[str, Any], Arguments], Any]] = {
            "session.logon": self._logon,
            "session.status": self._status,
            "session.logout": self._logout,
            "session.subscriptions": self._list,
            "userDataStream.subscribe": self._subscribe,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
        }

    def shows_limits(self, default: bool) -> bool:
        """Whether replies carry rate limits when the request does not say."""
        return default if self._limits_flag is None else self._limits_flag

    def call(self, name: str, params: dict[str, Any], arguments: Arguments) -> Any:
        """Carry out a session or user data request.

        Raises:
            Refusal: The request is unknown (-1020) or refused.
        """
        call = self._calls.get(name)
        if call is None:
            raise Refusal(-1020, "This operation is not supported.")
        return call(params, arguments)

    def authorize(self, params: dict[str, Any], arguments: Arguments, *, channel: str) -> str:
        """Check a signed request: with its own key and signature, or in a session that has logged on.

        Raises:
            Refusal: Key, time or signature is missing or not valid.
        """
        self._faults.check_credentials(channel)
        if self._api_key is not None and not arguments.has("signature"):
            signing.check_time(arguments, self._desk.now_ns())
            return self._api_key
        if not arguments.has("apiKey"):
            raise refusals.missing("apiKey")
        api_key = self._keys.check_key(arguments.text("apiKey"))
        signature = arguments.text("signature")
        signing.check_time(arguments, self._desk.now_ns())
        self._keys.check(api_key=api_key, payload=signing.socket_payload(as_texts(params)), signature=signature)
        return api_key

    def _logon(self, params: dict[str, Any], arguments: Arguments) -> dict[str, Any]:
        arguments.check_names(_LOGON_NAMES)
        api_key = self.authorize(params, arguments, channel="session.logon")
        if not self._keys.is_ed25519(api_key, arguments.text("signature")):
            raise Refusal(-4056, "HMAC_SHA256 API key is not supported.")
        self._api_key, self._authorized_ns = api_key, self._desk.now_ns()
        return self._status(params, arguments)

    def _status(self, _params: dict[str, Any], _arguments: Arguments) -> dict[str, Any]:
        is_authorized = self._api_key is not None
        return {
            "apiKey": self._api_key,
            "authorizedSince": self._unit.of(self._authorized_ns) if is_authorized else None,
            "connectedSince": self._unit.of(self._connected_ns),
            "returnRateLimits": self.shows_limits(True),
            "serverTime": self._unit.of(self._desk.now_ns()),
            "userDataStream": self._subscription is not None,
        }

    def _logout(self, params: dict[str, Any], arguments: Arguments) -> dict[str, Any]:
        self._api_key = None
        self._end_subscription()
        return self._status(params, arguments)

    def _list(self, _params: dict[str, Any], _arguments: Arguments) -> list[dict[str, Any]]:
        return [] if self._subscription is None else [{"subscriptionId": self._subscription}]

    def _subscribe(self, _params: dict[str, Any], _arguments: Arguments) -> dict[str, Any]:
        if self._api_key is None:
            raise refusals.unauthorized()
        return self._begin_subscription()

    def _subscribe_signed(self, params: dict[str, Any], arguments: Arguments) -> dict[str, Any]:
        arguments.check_names(_LOGON_NAMES)
        self.authorize(params, arguments, channel="userDataStream.subscribe.signature")
        return self._begin_subscription()

    def _begin_subscription(self) -> dict[str, Any]:
        if self._subscription is not None:
            raise Refusal(-2035, "User Data Stream subscription is already active.")
        if self._next_subscription >= self._desk.settings.max_subscriptions:
            raise Refusal(-2042, "Subscription ids are exhausted; reconnect to subscribe again.")
        self._subscription = self._next_subscription
        self._next_subscription += 1
        self._feed.add(self._tell)
        return {"subscriptionId": self._subscription}

    def _unsubscribe(self, _params: dict[str, Any], arguments: Arguments) -> dict[str, Any]:
        wanted = arguments.optional_integer("subscriptionId")
        if wanted is not None and wanted != self._subscription:
            raise Refusal(-2036, "User Data Stream subscription is not active.")
        self._end_subscription()
        return {}

    def _end_subscription(self) -> None:
        if self._subscription is None:
            return
        number, self._subscription = self._subscription, None
        self._feed.remove(self._tell)
        event = {"e": "eventStreamTerminated", "E": self._unit.of(self._desk.now_ns())}
        self._send("userData", {"subscriptionId": number, "event": event})

    def _tell(self, event: AccountEvent) -> None:
        for body in event_objects(event, self._trading, self._unit):
            self._send(f"userData@{event.order.symbol}", {"subscriptionId": self._subscription, "event": body})

    def close(self) -> None:
        """End the subscription without telling anybody."""
        self._subscription = None
        self._feed.remove(self._tell)


def read_flag(value: Any, default: bool) -> bool:
    """Read a flag that may be JSON or text; anything else leaves the default."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(str(value).lower(), default)
