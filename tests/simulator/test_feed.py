from brokerwire.simulator.feed import BOOK_DEPTH, UPDATES_PER_SLOT
from brokerwire.simulator.market import Market

SLOT_NS = 200_000_000


def test_book_sequence_counts_slots(market: Market) -> None:
    now = market.now_ns()
    first, second = market.book("BTCUSDT", 1, now), market.book("BTCUSDT", 1, now + SLOT_NS)
    assert second.sequence - first.sequence == UPDATES_PER_SLOT


def test_book_is_no_deeper_than_its_depth(market: Market) -> None:
    assert len(market.book("BTCUSDT", 5000).asks) == BOOK_DEPTH


def test_change_over_several_slots_leads_from_one_book_to_the_other(market: Market) -> None:
    feed, now = market._feed("BTCUSDT"), market.now_ns()
    slot = feed.slot(now)
    before = {level.price: level.size for level in feed.book(BOOK_DEPTH, now).asks}
    change = feed.book_change(slot, slot + 40, at_ns=now)
    before.update(change.asks)
    after = {level.price: level.size for level in feed.book(BOOK_DEPTH, now + 40 * SLOT_NS).asks}
    assert {p: s for p, s in before.items() if s} == after


def test_last_trade_before_the_first_of_a_minute_is_of_the_minute_before(market: Market) -> None:
    feed = market._feed("AAPL")
    minute_ns = market.now_ns() // 60_000_000_000 * 60_000_000_000
    assert feed.last_path_trade(minute_ns).time_ns < minute_ns


def test_a_size_is_the_same_whatever_was_asked_for_before(market: Market) -> None:
    feed = market._feed("BTCUSDT")
    now = market.now_ns()
    moments = [now + number * SLOT_NS for number in range(0, 400, 7)]
    forwards = [feed.book(BOOK_DEPTH, moment) for moment in moments]
    backwards = [feed.book(BOOK_DEPTH, moment) for moment in reversed(moments)]
    feed._rests.clear()
    anew = [feed.book(BOOK_DEPTH, moment) for moment in reversed(moments)]
    assert forwards[::-1] == backwards == anew


def test_what_is_known_of_levels_stays_within_its_bound(market: Market) -> None:
    feed, now = market._feed("BTCUSDT"), market.now_ns()
    for number in range(100):
        feed.book(BOOK_DEPTH, now + number * 3600 * 10**9)
    assert len(feed._rests) <= 4096
