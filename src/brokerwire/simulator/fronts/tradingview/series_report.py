"""What is told of a series: windows, pages, completions, and its newest bar."""

from typing import Any

from brokerwire.simulator.fronts.tradingview.chart_desk import NODE, ChartSink
from brokerwire.simulator.fronts.tradingview.chart_studies import ChartStudies
from brokerwire.simulator.fronts.tradingview.history import Bar
from brokerwire.simulator.fronts.tradingview.points import Pieces, Row, add_points, changes_from, points
from brokerwire.simulator.fronts.tradingview.quote_fields import update_mode_of
from brokerwire.simulator.fronts.tradingview.resolution import SECOND_NS
from brokerwire.simulator.fronts.tradingview.series import Series, frame_bounds_s
from brokerwire.simulator.fronts.tradingview.settings import Settings
from brokerwire.simulator.fronts.tradingview.timescale import TimeScale


class SeriesReport:
    """Makes the packets about the series of one chart session."""

    def __init__(
        self, session_id: str, sink: ChartSink, settings: Settings, *, scale: TimeScale, studies: ChartStudies
    ) -> None:
        self._session_id = session_id
        self._sink = sink
        self._settings = settings
        self._scale = scale
        self._studies = studies

    def send_frame(self, series: Series, frame: str, *, accurate: bool) -> None:
        """Tell which indexes lie in the window that was asked for."""
        start_s, end_s = frame_bounds_s(frame, series.history.now_ns() // SECOND_NS)
        inside = [self._scale.index_of(bar.time_s) for bar in series.bars if start_s <= bar.time_s <= end_s]
        bounds = [inside[0], inside[-1]] if inside else [0, max(0, len(self._scale) - 1)]
        params = [self._session_id, series.series_id, series.turnaround, *bounds, frame, accurate]
        self._sink.send_answer(series.topic, "series_timeframe", params)

    async def send_page(self, series: Series, bars: list[Bar]) -> None:
        """Tell bars of the past, giving way to the loop now and then."""
        length = len(self._scale)
        first = self._scale.add(bar.time_s for bar in bars)
        if not bars:
            return
        pieces = Pieces()
        await add_points(pieces, self._scale, self._in_order(series.rows(bars)))
        body = {"node": NODE, "s": pieces.whole(), "ns": {"d": "", "indexes": []}} | self._tags(series)
        changes = await changes_from(self._scale, len(self._scale) if first is None else first)
        shift = len(self._scale) - length if first == 0 and length else 0
        notes = self._settings.shift_notes
        if shift and notes == "index_diff":
            changes["index_diff"] = [[0, shift]]
        self._sink.send_data(series.topic, "timescale_update", [self._session_id, {series.series_id: body}, changes])
        if shift and notes == "index_update":
            moved = {series.series_id: {"index_diff": [[0, shift]]}}
            self._sink.send_data(series.topic, "index_update", [self._session_id, moved])

    def _in_order(self, rows: list[Row]) -> list[Row]:
        """Return the points of a page as they are sent: oldest first, or with neighbours in each other's place."""
        if self._settings.page_order == "ascending":
            return rows
        return [rows[number ^ 1 if number ^ 1 < len(rows) else number] for number in range(len(rows))]

    @staticmethod
    def _tags(series: Series) -> dict[str, Any]:
        return {"t": series.turnaround, "lbs": {"bar_close_time": series.bars[-1].close_s if series.bars else 0}}

    def complete(self, series: Series) -> None:
        """Tell that a request has been answered, and whether there is anything older."""
        notes: dict[str, Any] = {"rt_update_period": 0 if self._sink.plan else 5}
        if series.end and self._settings.page_notes == "full":
            notes["data_completed"] = series.end
        mode = "replay" if series.replay else update_mode_of(series.history.listed, self._sink.plan)
        params = [self._session_id, series.series_id, mode, series.turnaround, notes]
        self._sink.send_answer(series.topic, "series_completed", params)

    def send_newest(self, series: Series, bar: Bar, first: int | None) -> None:
        """Send one bar; ``first`` is where it changed the scale, if it opened on a time that was not there."""
        point = points(self._scale, series.rows([bar]))
        objects = {series.series_id: {"s": point, "ns": {"d": "", "indexes": "nochange"}} | self._tags(series)}
        objects |= self._studies.newest_points(series, 1 if first is None else 2)
        if first is None or self._settings.new_bars == "du":
            self._sink.send_data(series.topic, "du", [self._session_id, objects])
            return
        changes = self._scale.changes_from(first) | {"marks": self._scale.marks_from(first)}
        self._sink.send_data(series.topic, "timescale_update", [self._session_id, objects, changes])
