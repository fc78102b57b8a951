"""The buffer takes in what fits, drops whole batches, and says what was lost."""

from brokerwire.recording.buffer import Buffer, Entry, EntryKind


def entry(time_ns: int, size: int = 100, kind: EntryKind = "received") -> Entry:
    return Entry(kind, time_ns, 1, (b"x" * size,))


def test_entries_come_out_in_order_in_portions() -> None:
    buffer = Buffer(10_000, on_change=lambda _: None)
    for number in range(5):
        buffer.put(entry(number))
    assert [each.time_ns for each in buffer.take(400)] == [0, 1]
    buffer.done()
    assert [each.time_ns for each in buffer.take(10_000)] == [2, 3, 4]
    buffer.done()
    assert (buffer.pending_bytes, buffer.batches, buffer.dropped) == (0, 5, 0)
    assert buffer.take(400) == []


def test_entry_larger_than_a_portion_comes_alone() -> None:
    buffer = Buffer(10_000, on_change=lambda _: None)
    buffer.put(entry(1, 5000))
    buffer.put(entry(2))
    assert [each.time_ns for each in buffer.take(400)] == [1]


def test_what_was_taken_counts_until_it_is_done() -> None:
    buffer = Buffer(10_000, on_change=lambda _: None)
    buffer.put(entry(1))
    buffer.take(400)
    assert buffer.pending_bytes == 200
    buffer.done()
    assert buffer.pending_bytes == 0


def test_full_buffer_drops_until_half_of_it_is_free_and_then_says_how_much() -> None:
    changes: list[bool] = []
    buffer = Buffer(1000, on_change=changes.append)
    for number in range(8):
        buffer.put(entry(number))
    assert (buffer.batches, buffer.dropped, changes, buffer.filled.is_set()) == (5, 3, [True], True)
    buffer.take(400)
    buffer.done()
    buffer.put(entry(8))
    assert (buffer.dropped, buffer.is_overflowing) == (4, True)
    buffer.take(1000)
    buffer.done()
    buffer.put(entry(9))
    assert changes == [True, False]
    assert [(each.kind, each.time_ns, each.batches) for each in buffer.take(1000)] == [
        ("lost", 9, 4),
        ("received", 9, 0),
    ]


def test_connections_are_noted_however_full_it_is() -> None:
    buffer = Buffer(150, on_change=lambda _: None)
    buffer.put(entry(1))
    buffer.put(Entry("opened", 2, 7, url="wss://a"))
    assert buffer.is_overflowing
    assert [each.kind for each in buffer.take(1000)] == ["opened"]


def test_loss_that_lasts_to_the_end_is_noted_at_the_end_once() -> None:
    buffer = Buffer(150, on_change=lambda _: None)
    buffer.put(entry(1))
    buffer.end_loss(5)
    buffer.end_loss(6)
    assert [(each.kind, each.batches) for each in buffer.take(1000)] == [("lost", 1)]


def test_buffer_that_is_half_full_wakes_the_writer() -> None:
    buffer = Buffer(1000, on_change=lambda _: None)
    for number in range(3):
        buffer.put(entry(number))
        assert not buffer.filled.is_set()
    buffer.put(entry(3))
    assert buffer.filled.is_set()
