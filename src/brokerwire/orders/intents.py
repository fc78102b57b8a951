"""What was asked of a venue and what became of it: ids made before a request leaves, doubts settled by its list."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import Struct, structs

from brokerwire.clock import Clock
from brokerwire.errors import ConfigurationError, OrderOutcomeUnknownError
from brokerwire.events import Order
from brokerwire.orders.journal import Journal
from brokerwire.orders.ledger import WITHOUT_ORDER, Intent, Leg, Outcome

ABSENT_AFTER_S = 30.0
"""What the venue's list does not show for so long after the answer was lost was not taken."""

MOST_REMEMBERED = 20_000
"""Requests that are remembered without a journal, or besides it; the oldest are forgotten first."""

SKEW_NS = 120 * 10**9
"""How far the venue's clock and ours may be apart when an order is recognised by when it was opened."""

LATEST_NS = 300 * 10**9
"""So long after a request left, an order that the venue opens is not what was asked for then."""


class Doubt(Struct, frozen=True):
    """A request of which it is not known what became of it, and since when, in the loop's time."""

    intent: Intent
    since: float
    settled: "asyncio.Future[Intent]"


def new_client_order_id() -> str:
    """Return an id that no other order has: 22 characters, which every venue takes."""
    return f"bw{secrets.token_hex(10)}"


class Intents:
    """The requests of one client that change orders, in the journal if there is one."""

    def __init__(self, journal: Journal | None, clock: Clock) -> None:
        self.doubts: dict[str, Doubt] = {}
        self._journal = journal
        self._clock = clock
        self._known: dict[str, Intent] = {}
        self._claimed: dict[str, None] = {}

    async def load(self) -> None:
        """Take up the requests that were under way when the last process ended.

        Raises:
            ConfigurationError: The journal cannot be read.
        """
        if self._journal is None:
            return
        doubted = await self._journal.open_intents()
        earliest_ns = min((intent.made_ns for intent in doubted), default=0) - SKEW_NS
        for intent in await self._journal.accepted_intents(earliest_ns) if doubted else ():
            self._claim(intent, intent.order_id)
        for intent in doubted:
            self.doubt(intent)

    def _claim(self, intent: Intent, order_id: str | None) -> None:
        if order_id and intent.action == "place":
            self._claimed[order_id] = None
            if len(self._claimed) > MOST_REMEMBERED:
                del self._claimed[next(iter(self._claimed))]

    async def make(self, intents: Sequence[Intent]) -> None:
        """Keep requests before they leave; they are on disk when this returns.

        Raises:
            ConfigurationError: An id was used before, or the journal cannot be written; nothing is to be sent.
        """
        for intent in intents:
            _refuse_repeated(self._known.get(intent.client_order_id))
        if self._journal is not None:
            for earlier in await asyncio.gather(*(self._journal.make_intent(intent) for intent in intents)):
                _refuse_repeated(earlier)
        for intent in intents:
            self._keep(intent)

    def _keep(self, intent: Intent) -> None:
        self._known[intent.client_order_id] = intent
        if len(self._known) > MOST_REMEMBERED:
            del self._known[next(iter(self._known))]

    def settle(self, intent: Intent, outcome: Outcome, *, order_id: str | None = None, text: str | None = None) -> None:
        """Keep what became of a request."""
        known = structs.replace(intent, outcome=outcome, order_id=order_id or intent.order_id, text=text)
        self._keep(known)
        self._claim(intent, order_id)
        doubt = self.doubts.pop(intent.client_order_id, None)
        if doubt is not None and not doubt.settled.done():
            doubt.settled.set_result(known)
        if self._journal is not None and self._journal.is_open:
            self._journal.settle_intent(known)

    def doubt(self, intent: Intent) -> Doubt:
        """Take note that nobody knows what became of a request."""
        settled: asyncio.Future[Intent] = asyncio.get_running_loop().create_future()
        found = self.doubts[intent.client_order_id] = Doubt(intent, self._clock.monotonic(), settled)
        return found

    def close(self) -> None:
        """Let nobody wait any longer; what is in doubt stays so, in the journal if there is one."""
        for doubt in self.doubts.values():
            if not doubt.settled.done():
                text = "the client was closed before it was known what became of the request"
                doubt.settled.set_exception(
                    OrderOutcomeUnknownError(text, client_order_id=doubt.intent.client_order_id)
                )
                doubt.settled.exception()  # nobody has to ask
        self.doubts.clear()

    async def find(self, client_order_id: str) -> Intent | None:
        """Return what is known of a request that is not in doubt."""
        known = self._known.get(client_order_id)
        if known is not None or self._journal is None:
            return known
        return await self._journal.intent(client_order_id)

    def decide(
        self, orders: Sequence[Order], *, asked_at: float, opened_ns: Callable[[Order], int | None]
    ) -> list[tuple[Intent, Outcome, Order | None]]:
        """Return which doubts a whole list of orders settles, and how."""
        decisions: list[tuple[Intent, Outcome, Order | None]] = []
        claimed = set(self._claimed)
        by_id = {order.order_id: order for order in orders}
        for doubt in sorted(self.doubts.values(), key=lambda doubt: doubt.intent.made_ns):
            if asked_at < doubt.since:
                continue
            is_late = asked_at - doubt.since >= ABSENT_AFTER_S
            intent = doubt.intent
            if intent.action == "place":
                outcome, order = _fate_of_new(intent, orders, claimed=claimed, opened_ns=opened_ns, is_late=is_late)
            else:
                order = by_id.get(intent.order_id or "")
                outcome = _fate_of_change(intent, order, is_late=is_late)
            if outcome != "open":
                decisions.append((intent, outcome, order))
            if order is not None and intent.action == "place":
                claimed.add(order.order_id)
        return decisions


def _refuse_repeated(earlier: Intent | None) -> None:
    """An id whose request left no order may be used again; any other stands for an order that may exist."""
    if earlier is not None and earlier.outcome not in WITHOUT_ORDER:
        order = f", order {earlier.order_id}" if earlier.order_id else ""
        raise ConfigurationError(
            f"the client_order_id {earlier.client_order_id!r} was used before ({earlier.outcome}{order}); "
            "nothing was sent",
            client_order_id=earlier.client_order_id,
        )


def _fate_of_new(
    intent: Intent,
    orders: Sequence[Order],
    *,
    claimed: set[str],
    opened_ns: Callable[[Order], int | None],
    is_late: bool,
) -> tuple[Outcome, Order | None]:
    """The venue's own word counts first; else the oldest order of these terms that is nobody else's."""
    named = [order for order in orders if order.client_order_id == intent.client_order_id]
    free = [order for order in orders if order.order_id not in claimed and _is_same(intent, order)]
    alike = [order for order in free if -SKEW_NS <= (opened_ns(order) or intent.made_ns) - intent.made_ns <= LATEST_NS]
    found = named or sorted(alike, key=lambda order: (opened_ns(order) or 0, order.order_id))
    if found:
        return "accepted", found[0]
    return ("absent" if is_late else "open"), None


def _fate_of_change(intent: Intent, order: Order | None, *, is_late: bool) -> Outcome:
    if order is None:
        return "absent" if is_late else "open"
    if intent.action == "cancel" and order.status == "cancelled":
        return "accepted"
    if intent.action == "replace" and _has_terms(intent, order):
        return "accepted"
    if order.is_terminal or (is_late and order.status not in ("pending_cancel", "pending_replace")):
        return "rejected"
    return "open"


def _is_same(intent: Intent, order: Order) -> bool:
    if intent.account is not None and order.account != intent.account:
        return False
    legs = sorted((leg.symbol, direction(leg.side), leg.quantity) for leg in order.legs)
    wanted = sorted((leg.symbol, leg.direction, number(leg.quantity)) for leg in intent.legs)
    return legs == wanted and (not intent.type or order.type == intent.type) and _has_prices(intent, order)


def _has_terms(intent: Intent, order: Order) -> bool:
    if intent.type and order.type != intent.type:
        return False
    quantity = number(intent.quantity)
    return _has_prices(intent, order) and (quantity is None or order.quantity == quantity)


def _has_prices(intent: Intent, order: Order) -> bool:
    pairs = ((number(intent.limit_price), order.limit_price), (number(intent.stop_price), order.stop_price))
    return all(wanted is None or found == wanted for wanted, found in pairs)


def number(value: Any) -> Decimal | None:
    """Return a number that a user gave, None where it is none."""
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None


def text_of(value: Any) -> str | None:
    """Return a number that a user gave as text, None for None."""
    return None if value is None else str(value)


def direction(side: str | None) -> str:
    """Return ``buy`` or ``sell``: venues need not repeat whether that opens or closes a position."""
    return "buy" if (side or "").startswith("buy") else "sell"


def legs_of(terms: Mapping[str, Any], spell: Callable[[str], str]) -> tuple[Leg, ...]:
    """Return the legs of an order as a user asked for it, the symbols as the venue spells them."""
    given: Iterable[Any] = terms.get("legs") or [terms]
    return tuple(_leg(leg if isinstance(leg, Mapping) else structs.asdict(leg), terms, spell) for leg in given)


def _leg(fields: Mapping[str, Any], terms: Mapping[str, Any], spell: Callable[[str], str]) -> Leg:
    quantity = fields.get("quantity")
    if quantity is None:
        quantity = (number(terms.get("quantity")) or 1) * abs(int(fields.get("ratio") or 1))
    return Leg(spell(str(fields.get("symbol") or "")), direction(fields.get("side")), str(quantity))
