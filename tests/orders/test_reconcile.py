from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.orders.events import ACCOUNT, fill, update

from brokerwire.events import TERMINAL_STATUSES, Fill, Order, OrderUpdate
from brokerwire.orders.reconcile import MISSES, PLAIN_RULES, OrderBook, as_update
from brokerwire.venues.tradestation import VENUE

RULES = VENUE.orders
assert RULES is not None


def new_book(*known: OrderUpdate, baseline: bool = True) -> OrderBook:
    return OrderBook(ACCOUNT, RULES, venue="tradestation", known=known, has_baseline=baseline)


def kinds(events: list[Any]) -> list[str]:
    return [event.kind for event in events]


# The stream


def test_before_the_baseline_orders_are_told_as_they_stand() -> None:
    book = new_book(baseline=False)
    assert kinds(book.hear(update(filled=4), now=1)) == ["order"]
    assert kinds(book.hear(update(filled=6), now=1)) == ["order", "fill"]
    book.set_baseline()
    assert kinds(book.hear(update("2", filled=4), now=1)) == ["order", "fill"]


def test_an_order_that_was_just_placed_is_told_in_full_even_before_the_baseline() -> None:
    book = new_book(baseline=False)
    book.name("2", "earlier")
    assert kinds(book.hear(update("2", filled=4), now=1)) == ["order"]
    assert book.orders["2"].client_order_id == "earlier"
    book.expect("1", "mine")
    order, executed = book.hear(update(filled=4), now=1)
    assert isinstance(order, OrderUpdate)
    assert order.client_order_id == "mine"
    assert isinstance(executed, Fill)
    assert executed.quantity == 4
    assert book.hear(update(filled=4), now=2) == []
    assert order["OrderID"] == "1"


def test_what_a_session_made_of_a_growth_is_passed_over() -> None:
    book = new_book()
    book.hear(update(), now=1)
    assert book.hear(fill(total=3, quantity=3), now=1) == []
    (_, executed) = book.hear(update(filled=3), now=1)
    assert isinstance(executed, Fill)
    assert (executed.fill_id, executed.quantity) == ("1:A:3", 3)
    assert executed.raw == {"OrderID": "1", "Status": "X"}


def test_executions_that_a_venue_names_are_told_once() -> None:
    book = OrderBook(ACCOUNT, PLAIN_RULES)
    assert book.hear(fill(total=3), now=1) == [fill(total=3)]
    assert book.hear(fill(total=3), now=1) == []
    assert kinds(book.hear(update(filled=3), now=1)) == ["order"]
    assert book.hear(update(filled=3, at=9), now=1) == []
    book.set_baseline()
    assert kinds(book.hear(update(filled=4), now=1)) == ["order"]


def test_nothing_goes_backwards() -> None:
    book = new_book()
    book.hear(update("1", "filled", 10), now=1)
    assert book.hear(update("1", filled=3), now=2) == []
    assert book.hear(update("1", "pending_cancel", 10), now=2) == []
    assert book.orders["1"].status == "filled"


def test_a_status_that_says_nothing_keeps_the_known_one() -> None:
    book = new_book()
    book.hear(update(), now=1)
    assert book.hear(update("1", "unknown"), now=2) == []
    book.hear(update("2", "unknown"), now=2)
    assert book.has_unknown


# The venue's list


def test_a_lost_execution_is_found_in_the_list_once() -> None:
    book = new_book()
    book.hear(update(), now=1)
    assert kinds(book.read([update("1", "filled", 10)], asked_at=9, now=9)) == ["order", "fill"]
    assert book.read([update("1", "filled", 10)], asked_at=19, now=19) == []
    assert book.hear(update("1", "filled", 10, at=99), now=20) == []


def test_an_order_that_only_the_list_knows_is_told() -> None:
    book = new_book()
    found = Order("v", "A", None, 5, ACCOUNT, "7", status="rejected", reason="no")
    (event,) = book.read([found], asked_at=1, now=1)
    assert isinstance(event, OrderUpdate)
    assert (event.status, event.reason) == ("rejected", "no")
    assert as_update(event) is event


def test_a_list_older_than_the_stream_changes_nothing() -> None:
    book = new_book()
    book.hear(update(limit_price=Decimal(5)), now=1)
    book.hear(update(limit_price=Decimal(6)), now=10)
    assert book.read([update(limit_price=Decimal(5))], asked_at=9, now=12) == []
    assert book.read([update(limit_price=Decimal(5))], asked_at=10.5, now=12) == []
    assert kinds(book.read([update(limit_price=Decimal(7))], asked_at=20, now=21)) == ["order"]


def test_an_older_list_that_is_further_still_counts() -> None:
    book = new_book()
    book.hear(update(), now=10)
    assert kinds(book.read([update(filled=5)], asked_at=9, now=12)) == ["order", "fill"]


def test_an_open_order_that_lists_leave_out_is_told_as_unknown_once() -> None:
    book = new_book(update("1"), update("2", "filled", 10))
    told: list[Any] = []
    for number in range(MISSES + 2):
        missing = book.missing_from([], asked_at=10.0 + number)
        told += book.miss(missing, received_ns=77)
    (event,) = told
    assert (event.order_id, event.status, event.received_ns) == ("1", "unknown", 77)
    assert "no longer lists" in event.reason
    assert not book.has_unknown
    assert kinds(book.read([update("1", "filled", 10)], asked_at=30, now=30)) == ["order", "fill"]


def test_an_order_younger_than_the_list_is_not_missing() -> None:
    book = new_book()
    book.hear(update("1"), now=10)
    assert book.missing_from([], asked_at=10.5) == []
    assert book.missing_from([update("1")], asked_at=20) == []
    assert book.missing_from([], asked_at=20) == ["1"]


def test_an_order_that_is_listed_again_starts_anew() -> None:
    book = new_book(update("1"))
    for _ in range(MISSES - 1):
        assert book.miss(["1"], received_ns=1) == []
    book.read([update("1")], asked_at=10, now=10)
    assert book.miss(["1"], received_ns=1) == []


def test_what_became_of_a_request_in_doubt_is_told() -> None:
    book = new_book(update("1"))
    (found,) = book.settle("mine", order_id="1", reason="", received_ns=9)
    assert isinstance(found, OrderUpdate)
    assert (found.client_order_id, found.status, found.received_ns) == ("mine", "accepted", 9)
    assert found["OrderID"] == "1"
    assert book.settle("other", order_id="2", reason="", received_ns=9) == []
    (order, _) = book.hear(update("2", filled=3), now=1)
    assert isinstance(order, OrderUpdate)
    assert order.client_order_id == "other"
    (absent,) = book.settle("third", order_id="", reason="not placed", received_ns=9)
    assert isinstance(absent, OrderUpdate)
    assert (absent.client_order_id, absent.status, absent.order_id) == ("third", "rejected", "")
    assert (absent.venue, absent.account, absent.reason) == ("tradestation", ACCOUNT, "not placed")


def test_what_is_remembered_is_bounded() -> None:
    book = new_book()
    book.hear(update("open"), now=0)
    for number in range(20_010):
        book.hear(update(str(number), "cancelled"), now=0)
    assert len(book.orders) == 20_000
    assert "open" in book.orders
    assert "0" not in book.orders
    named = OrderBook(ACCOUNT, PLAIN_RULES)
    for number in range(20_010):
        named.hear(fill(total=number), now=0)
    assert len(named._fill_ids) == 20_000


# Any interleaving, against an oracle

RANK = {"pending_new": 0, "accepted": 1, "pending_cancel": 1, "partially_filled": 2}
STEP_S = 0.3


class Oracle:
    """The venue: its orders as they are, what its stream has still to say, what its lists said when asked."""

    def __init__(self) -> None:
        self.filled: dict[str, int] = {}
        self.money: dict[str, Decimal] = {}
        self.status: dict[str, str] = {}
        self.price: dict[str, int] = {}
        self.queue: list[OrderUpdate] = []
        self.said: list[OrderUpdate] = []
        self.answers: list[tuple[float, list[OrderUpdate]]] = []

    def state(self, order_id: str, *, is_priced: bool = True) -> OrderUpdate:
        filled = self.filled[order_id]
        average = str(self.money[order_id] / filled) if filled and is_priced else None
        found = update(
            order_id,
            self.status[order_id],  # type: ignore[arg-type]  # it is one
            filled,
            quantity=100,
            average=average,
            limit_price=Decimal(self.price[order_id]),
        )
        if is_priced or not filled:
            return found
        (leg,) = found.legs
        bare = type(leg)(symbol="A", side="buy", quantity=leg.quantity, filled_quantity=leg.filled_quantity, ratio=1)
        fields = {name: getattr(found, name) for name in found.__struct_fields__}
        return OrderUpdate(**{**fields, "average_price": None, "legs": (bare,)})

    def states(self) -> list[OrderUpdate]:
        return [self.state(order_id) for order_id in self.status]

    def change(self, action: str, pick: int, amount: int) -> None:
        if action == "new" or not self.status:
            order_id = f"o{len(self.status)}"
            self.status[order_id], self.filled[order_id] = "accepted", 0
            self.money[order_id], self.price[order_id] = Decimal(0), 5
        else:
            order_id = list(self.status)[pick % len(self.status)]
            if self.status[order_id] in TERMINAL_STATUSES:
                return
            self.alter(order_id, action, amount)
        self.queue.append(self.state(order_id, is_priced=amount % 4 != 0))

    def alter(self, order_id: str, action: str, amount: int) -> None:
        if action == "fill":
            quantity = min(amount, 100 - self.filled[order_id])
            self.filled[order_id] += quantity
            self.money[order_id] += quantity * (Decimal(amount) / 7 + 1).quantize(Decimal("0.01"))
            is_done = self.filled[order_id] == 100
            self.status[order_id] = "filled" if is_done else "partially_filled"
        elif action == "end":
            self.status[order_id] = ("cancelled", "expired")[amount % 2]
        elif action == "ask to cancel":
            self.status[order_id] = "pending_cancel"
        else:
            self.price[order_id] += 1


CHANGES = ["new", "fill", "fill", "fill", "end", "ask to cancel", "amend"]
WIRE = ["say", "say", "say", "lose", "repeat", "reconnect", "ask", "answer"]
STEPS = st.lists(st.tuples(st.sampled_from(CHANGES + WIRE), st.integers(0, 50), st.integers(1, 40)), max_size=80)


def act(oracle: Oracle, book: OrderBook, now: float, action: str, pick: int) -> list[Any]:
    if action == "say" and oracle.queue:
        oracle.said.append(oracle.queue.pop(0))
        return list(book.hear(oracle.said[-1], now=now))
    if action == "lose" and oracle.queue:
        oracle.queue.pop(pick % len(oracle.queue))
    if action == "repeat" and oracle.said:
        return list(book.hear(oracle.said[pick % len(oracle.said)], now=now))
    if action == "reconnect":
        oracle.queue.clear()
        return [event for state in oracle.states() for event in book.hear(state, now=now)]
    if action == "ask":
        oracle.answers.append((now, oracle.states()))
    if action == "answer" and oracle.answers:
        asked_at, rows = oracle.answers.pop(pick % len(oracle.answers))
        return list(book.read(rows, asked_at=asked_at, now=now))
    return []


def check(told: list[Any], oracle: Oracle, before: dict[str, int]) -> None:
    fills = [event for event in told if isinstance(event, Fill)]
    assert max(Counter(event.fill_id for event in fills).values(), default=1) == 1
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for event in fills:
        sums[event.order_id] += event.quantity
    wanted = {order_id: filled - before.get(order_id, 0) for order_id, filled in oracle.filled.items()}
    assert {name: sums[name] for name in wanted} == wanted
    ranks: dict[str, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for event in told:
        if isinstance(event, OrderUpdate):
            filled = event.filled_quantity or Decimal(0)
            rank = (3 if event.is_terminal else 2 if filled else RANK[event.status], filled)
            assert rank[1] >= ranks[event.order_id][1]
            assert rank >= ranks[event.order_id]
            ranks[event.order_id] = rank


@settings(max_examples=400)
@given(early=STEPS, steps=STEPS)
def test_executions_add_up_and_nothing_goes_backwards_in_any_interleaving(
    early: list[tuple[str, int, int]], steps: list[tuple[str, int, int]]
) -> None:
    oracle, book, told, now = Oracle(), new_book(baseline=False), [], 0.0
    for action, pick, amount in early:
        if action in CHANGES:
            oracle.change(action, pick, amount)
    oracle.queue.clear()
    before = dict(oracle.filled)
    for state in oracle.states():
        told += book.hear(state, now=now)
    book.set_baseline()
    for action, pick, amount in steps:
        now += STEP_S
        if action in CHANGES:
            oracle.change(action, pick, amount)
        else:
            told += act(oracle, book, now, action, pick)
    told += book.read(oracle.states(), asked_at=now + 5, now=now + 5)
    check(told, oracle, before)
    for order_id, order in book.orders.items():
        assert (order.status, order.filled_quantity) == (oracle.status[order_id], oracle.filled[order_id])
        assert order.limit_price == oracle.price[order_id]
    money = sum(event.price * event.quantity for event in told if isinstance(event, Fill))
    if not any(before.values()):
        assert abs(money - sum(oracle.money.values())) < Decimal("0.0001")


@settings(max_examples=200)
@given(steps=STEPS, cut=st.integers(0, 79))
def test_a_book_that_begins_again_from_what_was_told_repeats_and_loses_nothing(
    steps: list[tuple[str, int, int]], cut: int
) -> None:
    oracle, book, told, now = Oracle(), new_book(), [], 0.0
    for number, (action, pick, amount) in enumerate(steps):
        now += STEP_S
        if number == cut:
            newest = {event.order_id: event for event in told if isinstance(event, OrderUpdate)}
            accounted = [leg for order_id in newest for leg in book.executions.of(order_id)]
            book = OrderBook(ACCOUNT, RULES, known=newest.values(), accounted=accounted, has_baseline=True)
        if action in CHANGES:
            oracle.change(action, pick, amount)
        else:
            told += act(oracle, book, now, action, pick)
    told += book.read(oracle.states(), asked_at=now + 5, now=now + 5)
    check(told, oracle, {})
