"""Lets Hypothesis take the decisions of a mutation."""

from hypothesis import strategies as st


class Drawn:
    """Decisions that Hypothesis draws, and so can shrink."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def number(self, low: int, high: int) -> int:
        return self._data.draw(st.integers(low, high))

    def data(self, most: int) -> bytes:
        return self._data.draw(st.binary(max_size=most))
