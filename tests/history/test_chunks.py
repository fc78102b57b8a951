from hypothesis import given
from hypothesis import strategies as st

from brokerwire.history.chunks import Chunk, plan_chunks


def test_the_last_part_is_what_is_left() -> None:
    assert plan_chunks(10, 35, 10) == [Chunk(10, 20), Chunk(20, 30), Chunk(30, 35)]
    assert plan_chunks(10, 10, 10) == []


@given(st.integers(-1000, 1000), st.integers(1, 1000), st.integers(1, 100))
def test_parts_cover_the_range_once(start: int, length: int, span: int) -> None:
    chunks = plan_chunks(start, start + length, span)
    assert [chunks[0].start_ns, *(chunk.end_ns for chunk in chunks)] == [
        *(chunk.start_ns for chunk in chunks),
        start + length,
    ]
    assert all(0 < chunk.end_ns - chunk.start_ns <= span for chunk in chunks)


def test_a_later_end_changes_the_last_part_alone() -> None:
    assert plan_chunks(0, 25, 10)[:2] == plan_chunks(0, 39, 10)[:2]
