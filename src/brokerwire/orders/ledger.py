"""The tables of a journal: plain calls, made from the one thread that owns the database."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from brokerwire.events import Fill, OrderUpdate, Topic, stamp
from brokerwire.orders.executions import Accounted
from brokerwire.orders.journal_file import open_file

OrderEvent: TypeAlias = OrderUpdate | Fill
Outcome: TypeAlias = Literal["open", "accepted", "rejected", "absent"]
"""``open`` until it is known what became of a request; ``absent``: the venue has no such order."""

WITHOUT_ORDER: frozenset[Outcome] = frozenset({"rejected", "absent"})

DAY_NS = 86_400 * 10**9

RECALL_DAYS = 7
"""Orders that ended longer ago are not looked at when a client starts: no venue lists them among today's orders."""

KEEP_DAYS = 90
"""Events that every consumer has heard are kept for so long."""

_read_accounted = msgspec.json.Decoder(Accounted).decode
_read_event = msgspec.json.Decoder(OrderUpdate | Fill).decode


class Leg(Struct, frozen=True):
    """One instrument of an order as it was asked for: ``direction`` is ``buy`` or ``sell``."""

    symbol: str
    direction: str
    quantity: str


class Intent(Struct, frozen=True, kw_only=True):
    """A request that changes orders, as it was meant before it left, and what became of it.

    ``order_id`` is the order that is to be changed, or the one that was placed.
    """

    client_order_id: str
    action: Literal["place", "replace", "cancel"]
    made_ns: int
    account: str | None = None
    order_id: str | None = None
    legs: tuple[Leg, ...] = ()
    quantity: str | None = None
    type: str | None = None
    limit_price: str | None = None
    stop_price: str | None = None
    outcome: Outcome = "open"
    text: str | None = None


_read_intent = msgspec.json.Decoder(Intent).decode


class Recorded(Struct, frozen=True):
    """An event and its place in the journal; 0 for a state that was told before and is only repeated."""

    seq: int
    event: OrderEvent


class Consumer(Struct, frozen=True):
    """Up to where a consumer has heard everything; a fresh one has yet to hear what stands."""

    position: int
    is_fresh: bool


class Known(Struct, frozen=True):
    """What a journal knows of an account's orders: their newest states, and how much of them was told as executed."""

    orders: Sequence[OrderUpdate]
    accounted: Sequence[Accounted]
    has_baseline: bool


def dedupe_key(event: OrderEvent, revision: int) -> str:
    """Return what makes an event unique: the execution id, or the order's id and its revision."""
    if isinstance(event, Fill):
        return f"fill|{event.account}|{event.fill_id}"
    return f"order|{event.account}|{event.order_id or event.client_order_id}|{revision}"


class Ledger:
    """What is written in a journal; every change is part of the transaction that is open."""

    def __init__(self, path: Path, *, owner: str) -> None:
        self._connection = open_file(path, owner=owner)

    def close(self) -> None:
        """Close the database; what was committed is in the file."""
        self._connection.close()

    def begin(self) -> None:
        """Open a transaction."""
        self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make durable what was changed since ``begin``."""
        self._connection.execute("COMMIT")

    def roll_back(self) -> None:
        """Undo what was changed since ``begin``."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        with closing(self._connection.execute(sql, values)) as cursor:
            return cursor.fetchall()

    # Events

    def record(
        self, account: str, events: Iterable[OrderEvent], *, accounted: Iterable[Accounted] = (), now_ns: int
    ) -> list[Recorded]:
        """Write events in their order; those that were written before are left out of the answer.

        ``accounted`` is how much of their orders has been told as executed, with these events.
        """
        for leg in accounted:
            row = (account, leg.order_id, leg.symbol, msgspec.json.encode(leg))
            self._rows("INSERT OR REPLACE INTO accounted VALUES (?, ?, ?, ?)", *row)
        written = []
        for event in events:
            seq = self._write_event(account, event, now_ns)
            if seq is not None:
                written.append(Recorded(seq, event))
        return written

    def _write_event(self, account: str, event: OrderEvent, now_ns: int) -> int | None:
        revision = 0 if isinstance(event, Fill) else self._revisions(account, event)
        row = (
            account,
            event.order_id,
            event.kind,
            isinstance(event, OrderUpdate) and event.is_terminal,
            dedupe_key(event, revision),
            now_ns,
            msgspec.json.encode(event),
            _message_of(event),
        )
        columns = "account, order_id, kind, is_final, dedupe_key, recorded_ns, body, message"
        sql = f"INSERT OR IGNORE INTO events ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  # no input
        with closing(self._connection.execute(sql, row)) as cursor:
            return cursor.lastrowid if cursor.rowcount == 1 else None

    def _revisions(self, account: str, event: OrderUpdate) -> int:
        sql = "SELECT COUNT(*) FROM events WHERE account = ? AND kind = 'order' AND order_id = ?"
        return int(self._rows(sql, account, event.order_id)[0][0])

    def known(self, account: str, now_ns: int) -> Known:
        """Return what is known of an account's orders that are open or ended lately."""
        orders = self._newest_orders(account, now_ns)
        order_ids = {order.order_id for order in orders}
        accounted = [leg for leg in self._accounted(account) if leg.order_id in order_ids]
        return Known(orders, accounted, self._has_baseline(account))

    def _newest_orders(self, account: str, now_ns: int) -> list[OrderUpdate]:
        rows = self._rows(
            "SELECT seq, body, message FROM events WHERE seq IN (SELECT MAX(seq) FROM events "
            "WHERE account = ? AND kind = 'order' GROUP BY order_id) AND (NOT is_final OR recorded_ns > ?) "
            "ORDER BY seq",
            account,
            now_ns - RECALL_DAYS * DAY_NS,
        )
        events = [_event_of(account, *row).event for row in rows]
        return [event for event in events if isinstance(event, OrderUpdate)]

    def _accounted(self, account: str) -> list[Accounted]:
        rows = self._rows("SELECT body FROM accounted WHERE account = ?", account)
        return [_read_accounted(body) for (body,) in rows]

    def events_after(self, position: int, accounts: Sequence[str], limit: int) -> list[Recorded]:
        """Return the events of some accounts behind a position, in order, at most ``limit``."""
        marks = ",".join("?" * len(accounts))
        sql = f"SELECT account, seq, body, message FROM events WHERE seq > ? AND account IN ({marks}) "  # noqa: S608  # only marks
        return [_event_of(*row) for row in self._rows(sql + "ORDER BY seq LIMIT ?", position, *accounts, limit)]

    def forget_old(self, now_ns: int) -> None:
        """Delete events that are old and that every consumer has heard; each order's newest state stays."""
        self._rows(
            "DELETE FROM events WHERE recorded_ns < ? AND seq <= (SELECT COALESCE(MIN(position), 0) FROM consumers) "
            "AND seq NOT IN (SELECT MAX(seq) FROM events WHERE kind = 'order' GROUP BY account, order_id)",
            now_ns - KEEP_DAYS * DAY_NS,
        )
        self._rows(
            "DELETE FROM accounted WHERE (account, order_id) NOT IN (SELECT account, order_id FROM events "
            "WHERE kind = 'order' AND (NOT is_final OR recorded_ns > ?))",
            now_ns - KEEP_DAYS * DAY_NS,
        )

    # Accounts

    def _has_baseline(self, account: str) -> bool:
        return bool(self._rows("SELECT 1 FROM baselines WHERE account = ?", account))

    def set_baseline(self, account: str, now_ns: int) -> None:
        """Take note that a whole list of the account's orders has been taken in."""
        self._rows("INSERT OR IGNORE INTO baselines VALUES (?, ?)", account, now_ns)

    # Consumers

    def consumer(self, name: str) -> Consumer:
        """Return how far a consumer has heard; one that was never here begins at the end."""
        self._rows("INSERT OR IGNORE INTO consumers SELECT ?, COALESCE(MAX(seq), 0), 1 FROM sqlite_sequence", name)
        ((position, is_fresh),) = self._rows("SELECT position, is_fresh FROM consumers WHERE name = ?", name)
        return Consumer(position, bool(is_fresh))

    def mark(self, name: str, position: int) -> None:
        """Take note that a consumer has heard everything up to a position."""
        self._rows("UPDATE consumers SET position = MAX(position, ?), is_fresh = 0 WHERE name = ?", position, name)

    # Intents

    def make_intent(self, intent: Intent) -> Intent | None:
        """Write down what is about to be asked for; returns the earlier one if its id was used before.

        An id whose request left no order may be used again.
        """
        rows = self._rows("SELECT body FROM intents WHERE client_order_id = ?", intent.client_order_id)
        earlier = _read_intent(rows[0][0]) if rows else None
        if earlier is not None and earlier.outcome not in WITHOUT_ORDER:
            return earlier
        self.settle_intent(intent)
        return None

    def settle_intent(self, intent: Intent) -> None:
        """Write down what is known of a request now."""
        row = (intent.client_order_id, intent.made_ns, intent.outcome, msgspec.json.encode(intent))
        self._rows("INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?)", *row)

    def intent(self, client_order_id: str) -> Intent | None:
        """Return what is written of a request."""
        rows = self._rows("SELECT body FROM intents WHERE client_order_id = ?", client_order_id)
        return _read_intent(rows[0][0]) if rows else None

    def open_intents(self) -> list[Intent]:
        """Return the requests of which it is not known what became of them, the oldest first."""
        rows = self._rows("SELECT body FROM intents WHERE outcome = 'open' ORDER BY made_ns")
        return [_read_intent(body) for (body,) in rows]

    def accepted_intents(self, since_ns: int) -> list[Intent]:
        """Return the requests made since then that the venue took: their orders are nobody else's."""
        rows = self._rows("SELECT body FROM intents WHERE outcome = 'accepted' AND made_ns >= ?", since_ns)
        return [_read_intent(body) for (body,) in rows]


def _message_of(event: OrderEvent) -> bytes | None:
    """Return the venue's message of an event as bytes, parsed again only when somebody asks."""
    message = getattr(event, "_message", None)
    if message is None or isinstance(message, bytes):
        return message
    return msgspec.json.encode(message)


def _event_of(account: str, seq: int, body: bytes, message: bytes | None) -> Recorded:
    event = _read_event(body)
    stamp(event, Topic("order", account), message)
    return Recorded(seq, event)
