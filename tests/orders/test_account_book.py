import asyncio
from typing import Any

from tests.orders.events import ACCOUNT, fill, update

from brokerwire.clock import SystemClock
from brokerwire.events import Quote, Topic
from brokerwire.orders.account_book import AccountBook, ids_of, is_about
from brokerwire.orders.reconcile import OrderBook
from brokerwire.venues.tradestation import VENUE

assert VENUE.orders is not None
RULES = VENUE.orders


class Owner:
    def __init__(self) -> None:
        self.told: list[Any] = []
        self.baselines = 0
        self.snapshots = 0

    def tell(self, book: AccountBook, news: Any) -> None:
        self.told += news
        book.pass_on(news)

    def baseline_set(self, book: AccountBook) -> None:
        self.baselines += 1

    def snapshot_ended(self) -> None:
        self.snapshots += 1


class Taker:
    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.put = self.taken.append


def new_book() -> tuple[AccountBook, Owner]:
    owner = Owner()
    return AccountBook(OrderBook(ACCOUNT, RULES), clock=SystemClock(), owner=owner), owner


async def test_what_one_view_hears_every_view_is_told_once() -> None:
    book, owner = new_book()
    whole, one, other = (book.view(frozenset(ids)) for ids in ((), ("1",), ("2",)))
    takers = [Taker(), Taker(), Taker()]
    for view, taker in zip((whole, one, other), takers, strict=True):
        view.pass_to([taker])
    for view in (whole, one):
        view.put(update("1"))
        view.put(fill("1"))
        view.put(Quote("v", "A", None, 1))
    assert [taker.taken for taker in takers] == [[update("1")], [update("1")], []]
    assert owner.told == [update("1")]


async def test_a_view_knows_what_stands() -> None:
    book, _ = new_book()
    whole, one = book.view(frozenset()), book.view(frozenset({"1"}))
    for each in ("1", "2"):
        whole.put(update(each))
    assert list(whole.recollection()) == [update("1"), update("2")]
    assert list(one.recollection()) == [update("1")]
    assert one.last_about(update("2")) == update("2")
    assert one.last_about(update("3")) is None
    whole.expect_snapshot()


async def test_only_the_stream_of_a_whole_account_gives_a_baseline() -> None:
    book, owner = new_book()
    book.view(frozenset({"1"})).end_snapshot(1)
    assert (owner.baselines, owner.snapshots) == (0, 1)
    for _ in range(2):
        book.view(frozenset()).end_snapshot(1)
    assert (owner.baselines, owner.snapshots) == (1, 3)
    assert book.book.has_baseline


async def test_the_venues_list_is_told_to_every_view() -> None:
    book, owner = new_book()
    taker = Taker()
    book.view(frozenset()).pass_to([taker])
    now = asyncio.get_running_loop().time()
    book.read([update("1")], asked_at=now)
    book.read([update("1")], asked_at=now)
    assert taker.taken == owner.told == [update("1")]


def test_a_topic_says_which_orders_it_is_about() -> None:
    assert ids_of(Topic("order", ACCOUNT)) == frozenset()
    assert ids_of(Topic("order", ACCOUNT, "1,2")) == {"1", "2"}
    assert is_about(update("1"), frozenset())
    assert is_about(update("1"), frozenset({"1"}))
    assert not is_about(update("1"), frozenset({"2"}))
