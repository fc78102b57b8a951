"""The studies of one chart session: made from its series or from each other, and kept up to date with them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from brokerwire.simulator.fronts.tradingview.history import Bar
from brokerwire.simulator.fronts.tradingview.indicators import Column
from brokerwire.simulator.fronts.tradingview.points import Pieces, Row, add_points, points
from brokerwire.simulator.fronts.tradingview.series import Series
from brokerwire.simulator.fronts.tradingview.settings import STUDIES_OF_PLAN, Settings
from brokerwire.simulator.fronts.tradingview.study_catalog import PINE_TYPE
from brokerwire.simulator.fronts.tradingview.study_run import (
    StudyRefused,
    StudyWish,
    changed,
    compute,
    newest,
    read_wish,
)
from brokerwire.simulator.fronts.tradingview.timescale import TimeScale

_NODE = "sim1-studies-1-runner-1@sim1-compute-1"
_TOO_MANY = "The maximum number of studies per chart has been reached for current subscription"
_NEWEST = 2
_NO_VALUE: Mapping[str, Any] = MappingProxyType({"null": None, "NaN": "NaN", "1e100": 1e100})
_NOT_ALLOWED = "Study not allowed in this connection"


class StudySink(Protocol):
    """Where the packets about studies go, and what is known of the client."""

    @property
    def plan(self) -> str: ...

    @property
    def may_run_scripts(self) -> bool: ...

    def send_data(self, topic: str, method: str, params: list[Any]) -> None: ...

    def send_answer(self, topic: str, method: str, params: list[Any]) -> None: ...


class _Placed:
    """One study of the chart; ``root`` is the series at the bottom of its parents."""

    def __init__(self, study_id: str, turnaround: str, *, parent: str, root: str, wish: StudyWish) -> None:
        self.study_id = study_id
        self.turnaround = turnaround
        self.parent = parent
        self.root = root
        self.wish = wish
        self.is_told = False


class ChartStudies:
    """Every study of a chart session. Making one gives way to the loop now and then."""

    def __init__(self, session_id: str, sink: StudySink, settings: Settings, scale: TimeScale) -> None:
        self._session_id = session_id
        self._sink = sink
        self._settings = settings
        self._scale = scale
        self._placed: dict[str, _Placed] = {}

    def has(self, study_id: str) -> bool:
        """Say whether there is a study with this id."""
        return study_id in self._placed

    def root_of(self, parent: str) -> str:
        """Return the series that a parent, a series or a study, goes back to."""
        placed = self._placed.get(parent)
        return parent if placed is None else placed.root

    async def create(
        self,
        study_id: str,
        turnaround: str,
        *,
        parent: str,
        series: Series,
        study_type: str,
        inputs: Mapping[str, Any],
    ) -> None:
        """Make a study and tell its values, or why there are none."""
        tag = f"{series.turnaround}_{turnaround}"
        self._sink.send_answer(self._topic(series, study_id), "study_loading", [self._session_id, study_id, tag])
        try:
            self._check_allowed(study_type)
            wish = read_wish(study_type, inputs)
            placed = _Placed(study_id, turnaround, parent=parent, root=series.series_id, wish=wish)
            self._placed[study_id] = placed
            await self._tell_all(placed, series)
        except StudyRefused as refused:
            self._placed.pop(study_id, None)
            self._send_error(series, study_id, tag, refused)

    def _check_allowed(self, study_type: str) -> None:
        limit = self._settings.studies_per_chart or STUDIES_OF_PLAN[self._sink.plan]
        if len(self._placed) >= limit:
            raise StudyRefused(_TOO_MANY)
        if study_type == PINE_TYPE and not self._sink.may_run_scripts:
            raise StudyRefused(_NOT_ALLOWED)

    async def modify(self, study_id: str, turnaround: str, *, series: Series, inputs: Mapping[str, Any]) -> None:
        """Change the inputs of a study and tell its values anew."""
        placed = self._placed[study_id]
        placed.turnaround = turnaround
        tag = self._tag(placed, series)
        self._sink.send_answer(self._topic(series, study_id), "study_loading", [self._session_id, study_id, tag])
        try:
            placed.wish = changed(placed.wish, inputs)
            await self._tell_all(placed, series)
        except StudyRefused as refused:
            self._send_error(series, study_id, tag, refused)

    def _send_error(self, series: Series, study_id: str, tag: str, refused: StudyRefused) -> None:
        params = [self._session_id, study_id, tag, refused.reason, refused.detail or _NODE]
        self._sink.send_answer(self._topic(series, study_id), "study_error", params)

    def remove(self, study_id: str) -> None:
        """End a study and those made from it."""
        if self._placed.pop(study_id, None) is not None:
            for other in [placed.study_id for placed in self._placed.values() if placed.parent == study_id]:
                self.remove(other)

    def series_removed(self, series_id: str) -> None:
        """End the studies of a series."""
        for study_id in [placed.study_id for placed in self._placed.values() if placed.root == series_id]:
            self._placed.pop(study_id, None)

    async def series_loaded(self, series: Series) -> None:
        """Tell the values of every study of a series anew: its bars are not what they were."""
        for placed in [placed for placed in self._placed.values() if placed.root == series.series_id]:
            topic, tag = self._topic(series, placed.study_id), self._tag(placed, series)
            self._sink.send_answer(topic, "study_loading", [self._session_id, placed.study_id, tag])
            try:
                await self._tell_all(placed, series)
            except StudyRefused as refused:
                self._send_error(series, placed.study_id, tag, refused)

    async def _tell_all(self, placed: _Placed, series: Series) -> None:
        """Tell a value for every bar; what is newest is computed last, for the market goes on."""
        placed.is_told = False
        rows = compute(placed.wish, series.bars, self._source(placed, series))
        steady = max(0, len(rows) - _NEWEST)
        pieces = Pieces()
        await add_points(pieces, self._scale, self._rows(series.bars[:steady], rows[:steady]))
        pieces.add(self._points(series, self._newest_rows(placed, series, len(series.bars) - steady)))
        topic, tag = self._topic(series, placed.study_id), self._tag(placed, series)
        body = {"node": _NODE, "st": pieces.whole(), "ns": {"d": "", "indexes": []}, "t": tag}
        placed.is_told = True
        self._sink.send_data(topic, "du", [self._session_id, {placed.study_id: body}])
        self._sink.send_answer(topic, "study_completed", [self._session_id, placed.study_id, tag])

    def _source(self, placed: _Placed, series: Series) -> Column | None:
        """Return the plot of another study that this one is made from; None when it is made from prices."""
        study_id, _, plot = placed.wish.source.partition("$")
        if plot:
            return self._plot(study_id, series, plot)
        return self._plot(placed.parent, series, "0") if placed.parent in self._placed else None

    def _plot(self, study_id: str, series: Series, plot: str) -> Column:
        parent = self._placed.get(study_id)
        number = int(plot) if plot.isdigit() else 0
        if parent is None or number >= len(parent.wish.study.plots):
            raise StudyRefused(f"invalid source {study_id}${plot}")
        return [row[number] for row in compute(parent.wish, series.bars, self._source(parent, series))]

    def newest_points(self, series: Series, count: int) -> dict[str, Any]:
        """Return the values at the newest bars of every study of a series."""
        found: dict[str, Any] = {}
        for placed in self._placed.values():
            if placed.root == series.series_id and placed.is_told:
                rows = self._newest_rows(placed, series, count)
                points = self._points(series, rows)
                tag = self._tag(placed, series)
                found[placed.study_id] = {"st": points, "ns": {"d": "", "indexes": "nochange"}, "t": tag}
        return found

    def _newest_rows(self, placed: _Placed, series: Series, count: int) -> list[list[float | None]]:
        try:
            source = self._source(placed, series)
            if source is None:
                return newest(placed.wish, series.bars, count)
            return compute(placed.wish, series.bars, source)[-count:]
        except StudyRefused:  # the study that it is made from is gone
            return []

    def _points(self, series: Series, rows: list[list[float | None]]) -> list[dict[str, Any]]:
        return points(self._scale, self._rows(series.bars[len(series.bars) - len(rows) :], rows))

    def _rows(self, bars: Sequence[Bar], rows: Sequence[list[float | None]]) -> list[Row]:
        none = _NO_VALUE[self._settings.no_value]
        return [
            (bar.time_s, [float(bar.time_s), *(none if value is None else value for value in row)])
            for bar, row in zip(bars, rows, strict=True)
        ]

    @staticmethod
    def _tag(placed: _Placed, series: Series) -> str:
        return f"{series.turnaround}_{placed.turnaround}"

    @staticmethod
    def _topic(series: Series, study_id: str) -> str:
        return f"study/{series.history.listed.full_name}/{study_id}"
