from datetime import UTC, datetime

from brokerwire.simulator.fronts.tradingview.timescale import TimeScale


def at(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp())


def test_newer_times_are_added_at_the_end():
    scale = TimeScale()
    assert scale.add([100, 200]) == 0
    assert scale.add([300]) == 2
    assert scale.add([300, 200]) is None
    assert [scale.index_of(each) for each in (100, 200, 300)] == [0, 1, 2]


def test_older_times_shift_the_indexes():
    scale = TimeScale()
    scale.add([300, 400])
    assert scale.add([100, 350]) == 0
    assert [scale.index_of(each) for each in (100, 300, 350, 400)] == [0, 1, 2, 3]
    assert scale.changes_from(2)["changes"] == [350.0, 400.0]


def test_a_change_set_says_where_it_begins_and_what_changes():
    scale = TimeScale()
    scale.add([60, 120, 180])
    changes = scale.changes_from(1)
    assert (changes["index"], changes["zoffset"], changes["changes"], changes["index_diff"]) == (
        1,
        0,
        [120.0, 180.0],
        [],
    )


def test_marks_weigh_what_begins_with_them():
    times = [
        at(2026, 11, 20, 0, 0),
        at(2026, 11, 20, 0, 1),
        at(2026, 11, 20, 0, 5),
        at(2026, 11, 20, 0, 30),
        at(2026, 11, 20, 1, 0),
        at(2026, 11, 20, 3, 0),
        at(2026, 11, 20, 6, 0),
        at(2026, 11, 20, 12, 0),
        at(2026, 11, 21, 0, 0),
        at(2026, 11, 23, 0, 0),
        at(2026, 12, 1, 0, 0),
        at(2027, 1, 1, 0, 0),
    ]
    scale = TimeScale()
    scale.add(times)
    assert [mark[0] for mark in scale.marks_from(0)] == [10, 20, 21, 22, 30, 31, 32, 33, 40, 50, 60, 70]
    assert scale.marks_from(11) == [[70, times[11], 11]]


def test_points_within_a_minute_weigh_least():
    scale = TimeScale()
    scale.add([0, 10])
    assert scale.marks_from(1)[0][0] == 10


def test_marks_of_the_future_follow_the_last_point():
    scale = TimeScale()
    assert scale.future_marks(3, 60) == []
    scale.add([0, 60])
    assert [mark[1:] for mark in scale.future_marks(2, 60)] == [[120, 2], [180, 3]]


def test_a_cleared_scale_begins_anew():
    scale = TimeScale()
    scale.add([1, 2])
    scale.clear()
    assert len(scale) == 0
    assert scale.add([5]) == 0
