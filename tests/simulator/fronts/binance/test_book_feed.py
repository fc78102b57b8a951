"""The live book keeps one line of ids across deltas, partial books, tickers and snapshots."""

import asyncio
from decimal import Decimal

from brokerwire.simulator.fronts.binance.book_feed import BookFeed, DepthCadence
from brokerwire.simulator.ticks import SimBookChange

MS = 1_000_000


def change(first, last, *, at_ms, bids=()):
    return SimBookChange(
        symbol="A", time_ns=at_ms * MS, first_sequence=first, last_sequence=last, bids=list(bids), asks=[]
    )


async def test_first_change_goes_out_at_once_and_further_ones_are_gathered():
    out = []
    cadence = DepthCadence(100, out.append)
    one, two = Decimal(1), Decimal(2)
    cadence.add(change(1, 2, at_ms=1000, bids=[(one, one)]))
    cadence.add(change(3, 4, at_ms=1010, bids=[(one, two)]))
    cadence.add(change(5, 6, at_ms=1020, bids=[(two, one)]))
    assert len(out) == 1
    cadence.add(change(7, 8, at_ms=1100, bids=[(one, Decimal(0))]))
    assert [(c.first_sequence, c.last_sequence) for c in out] == [(1, 2), (3, 8)]
    assert out[1].bids == [(two, one), (one, Decimal(0))]
    cadence.close()


async def test_gathered_changes_go_out_when_the_period_is_over():
    done = asyncio.Event()
    out = []

    def publish(published):
        out.append(published)
        if len(out) == 2:
            done.set()

    cadence = DepthCadence(100, publish)
    cadence.add(change(1, 1, at_ms=1000, bids=[(Decimal(1), Decimal(1))]))
    cadence.add(change(2, 2, at_ms=1010, bids=[(Decimal(1), Decimal(2))]))
    await asyncio.wait_for(done.wait(), 5)
    assert out[1].last_sequence == 2
    cadence.flush()
    assert len(out) == 2
    cadence.close()


async def test_empty_events_are_not_sent_and_the_ids_stay_contiguous():
    out = []
    cadence = DepthCadence(100, out.append)
    cadence.add(change(1, 2, at_ms=1000))
    assert out == []
    cadence.close()


async def test_feed_is_wanted_while_a_stream_is(desk):
    feed = BookFeed(desk.market, "BTCUSDT", lambda event: None)
    feed.add_ticker("btcusdt@bookTicker")
    feed.add_deltas("btcusdt@depth", 1000)
    feed.add_partial("btcusdt@depth5", levels=5, period_ms=1000)
    for stream in ("btcusdt@bookTicker", "btcusdt@depth", "btcusdt@depth5"):
        assert feed.is_wanted
        feed.remove(stream)
    assert not feed.is_wanted
    feed.close()


async def test_book_kept_by_the_documented_procedure_equals_partial_books_and_snapshots(venue, read):
    streams = "btcusdt@depth@100ms/btcusdt@depth20@100ms/btcusdt@bookTicker"
    async with venue.connect(f"/stream?streams={streams}") as socket:
        book, audits, tickers = None, 0, []
        while audits < 6:
            message = await read(socket)
            data = message["data"]
            if message["stream"].endswith("bookTicker"):
                tickers.append(data["u"])
            elif "U" in data:
                book = await keep(venue, book, data)
            elif book is not None and data["lastUpdateId"] == book["id"]:
                audits += 1
                assert top(book["bids"], reverse=True) == data["bids"]
                assert top(book["asks"], reverse=False) == data["asks"]
        assert tickers == sorted(set(tickers))


async def keep(venue, book, event):
    if book is None:
        _, snapshot = await venue.get("depth", symbol="BTCUSDT", limit="5000")
        book = {"id": snapshot["lastUpdateId"], "bids": dict(snapshot["bids"]), "asks": dict(snapshot["asks"])}
    if event["u"] <= book["id"]:
        return book
    assert event["U"] <= book["id"] + 1 <= event["u"]
    for side, levels in (("bids", event["b"]), ("asks", event["a"])):
        for price, size in levels:
            book[side][price] = size
            if not float(size):
                del book[side][price]
    book["id"] = event["u"]
    return book


def top(side, *, reverse):
    ordered = sorted(side.items(), key=lambda entry: Decimal(entry[0]), reverse=reverse)
    return [list(entry) for entry in ordered[:20]]
