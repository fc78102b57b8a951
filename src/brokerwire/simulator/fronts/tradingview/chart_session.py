"""One chart session: symbols, series and studies that a client made, and the packets about them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from brokerwire.simulator.fronts.tradingview.chart_desk import NODE, ChartParts, ChartSink, CriticalError
from brokerwire.simulator.fronts.tradingview.chart_studies import ChartStudies
from brokerwire.simulator.fronts.tradingview.chart_symbols import ChartSymbols
from brokerwire.simulator.fronts.tradingview.heikin_ashi import CHART_TYPE
from brokerwire.simulator.fronts.tradingview.history import History
from brokerwire.simulator.fronts.tradingview.replay_session import Move
from brokerwire.simulator.fronts.tradingview.resolution import SECOND_NS, parse_resolution, refusal
from brokerwire.simulator.fronts.tradingview.series import (
    Framed,
    More,
    Newest,
    Series,
    Wanted,
    read_wanted,
    without_frame,
)
from brokerwire.simulator.fronts.tradingview.series_report import SeriesReport
from brokerwire.simulator.fronts.tradingview.symbols import SymbolSpec
from brokerwire.simulator.fronts.tradingview.timescale import TimeScale
from brokerwire.simulator.price_path import DAY_NS
from brokerwire.simulator.ticks import SimTrade, Tick

_TICKMARK_STEP_S = 60
_REPLAYED = 300
_MOST_MARKS = 10_000


class ChartSession:
    """Carries out requests one after the other, and tells of every trade in the series that are loaded."""

    def __init__(self, session_id: str, sink: ChartSink, parts: ChartParts) -> None:
        self.session_id = session_id
        self.is_dead = False
        self._sink = sink
        self._parts = parts
        self._scale = TimeScale()
        self._symbols = ChartSymbols(session_id, sink, parts)
        self._series: dict[str, Series] = {}
        self._failed: dict[str, str] = {}
        self._kept: dict[str, Wanted] = {}
        self._studies = ChartStudies(session_id, sink, parts.settings, self._scale)
        self._report = SeriesReport(session_id, sink, parts.settings, scale=self._scale, studies=self._studies)
        self._jobs: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None

    def _later(self, job: Callable[[], Awaitable[None]]) -> None:
        self._jobs.put_nowait(job)
        if self._worker is None:
            name = f"simulator-chart-{self.session_id}"
            self._worker = asyncio.get_running_loop().create_task(self._work(), name=name)

    async def _work(self) -> None:
        while True:
            job = await self._jobs.get()
            try:
                await job()
            except Exception as exc:  # noqa: BLE001 - one request that fails here must not silence those after it
                self._sink.note_failure(repr(exc))

    async def close(self) -> None:
        """End everything; nothing of the session is left."""
        self.stop()
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
            self._worker = None

    def stop(self) -> None:
        """Tell nothing any more."""
        self.is_dead = True
        for series in self._series.values():
            series.stop()
        self._series.clear()

    def resolve_symbol(self, symbol_id: str, text: Any) -> None:
        """Find a symbol and tell about it.

        Raises:
            CriticalError: The id is taken.
        """
        self._symbols.add(symbol_id, text)
        self._later(lambda: self._symbols.tell(symbol_id))

    def create_series(self, args: list[Any]) -> None:
        """Begin a series: ``[series, turnaround, symbol, resolution, bars, frame]``.

        Raises:
            CriticalError: Too many series, a known id, an unknown symbol or an argument that means nothing.
        """
        series_id, turnaround, symbol_id, resolution_text, bars, frame = [*args, ""][:6]
        settings = self._parts.settings
        limit = settings.series_per_session if self._sink.plan else settings.anonymous_series
        if series_id in self._series:
            raise CriticalError("duplicate id")
        if limit and len(self._series) >= limit:
            raise CriticalError("exceed limit of series in the session")
        wanted = read_wanted(bars, frame)
        if wanted is None or symbol_id not in self._symbols:
            raise CriticalError("invalid parameters")
        self._kept[series_id] = without_frame(wanted)
        self._begin(series_id, turnaround, symbol_id=symbol_id, resolution=resolution_text, wanted=wanted)

    def modify_series(self, args: list[Any]) -> None:
        """Change a series: ``[series, turnaround, symbol, resolution, frame]`` or with the bars before the frame.

        With neither bars nor frame it shows as many bars as before: clients that change the symbol send ``""`` only.

        Raises:
            CriticalError: The series or symbol is unknown, or an argument means nothing.
        """
        series_id, turnaround, symbol_id, resolution_text = args[:4]
        bars, frame = (args[4], args[5]) if len(args) > 5 else ("", args[4])
        if isinstance(frame, int | list):
            bars, frame = frame, ""
        wanted = read_wanted(bars, frame)
        if series_id not in self._known_parents() or symbol_id not in self._symbols or wanted is None:
            raise CriticalError("invalid parameters")
        if bars != "":
            self._kept[series_id] = without_frame(wanted)
        elif not frame:
            wanted = self._kept[series_id]
        self._begin(series_id, turnaround, symbol_id=symbol_id, resolution=resolution_text, wanted=wanted)

    def _begin(self, series_id: str, turnaround: str, *, symbol_id: str, resolution: Any, wanted: Wanted) -> None:
        parsed = parse_resolution(resolution)
        if parsed is None:
            raise CriticalError("invalid parameters")
        symbol = self._symbols[symbol_id]
        self._sink.send_answer("", "series_loading", [self.session_id, series_id, turnaround])
        refused = "resolve error" if symbol.listed is None or symbol.spec is None else ""
        if symbol.listed is not None and symbol.spec is not None:
            refused = _chart_refusal(symbol.spec) or refusal(
                parsed, plan=self._sink.plan, full_name=symbol.listed.full_name
            )
            if not refused:
                history = self._symbols.history(symbol.listed, symbol.spec, parsed)
                self._load_series(series_id, turnaround, symbol_id=symbol_id, history=history, wanted=wanted)
        if refused:
            self._failed[series_id] = turnaround
            self._later(lambda: self._refuse_series(series_id, turnaround, refused))

    async def _refuse_series(self, series_id: str, turnaround: str, reason: str) -> None:
        self._sink.send_answer("", "series_error", [self.session_id, series_id, turnaround, reason, NODE])

    def _load_series(
        self, series_id: str, turnaround: str, *, symbol_id: str, history: History, wanted: Wanted
    ) -> None:
        old = self._series.get(series_id)
        if old is not None:
            old.pause()
        spec = self._symbols[symbol_id].spec
        replay = self._symbols.replay_of(spec)
        chart_type = "" if spec is None else spec.chart_type
        series = Series(
            series_id, turnaround, symbol_id=symbol_id, history=history, replay=replay, chart_type=chart_type
        )
        self._series[series_id] = series
        self._failed.pop(series_id, None)
        self._later(lambda: self._load(series, wanted, old))

    def request_more(self, series_id: str, count: Any) -> None:
        """Continue a series into the past, or into what came after an anchor when ``count`` is negative.

        Raises:
            CriticalError: The series is unknown or the count is none.
        """
        series = self._series.get(series_id)
        if series is None or not isinstance(count, int) or not count:
            raise CriticalError("invalid parameters")
        self._sink.send_answer("", "series_loading", [self.session_id, series_id, series.turnaround])
        self._later(lambda: self._load(series, More(count), None))

    async def _load(self, series: Series, wanted: Wanted, replaced: Series | None) -> None:
        if self._is_superseded(series):
            return
        if replaced is not None and not series.take_over(replaced):
            self._rebuild_scale()
        series.pause()
        shown = self._frame_of(wanted)
        if shown:
            self._report.send_frame(series, shown, accurate=False)
        new = await series.load(wanted)
        if self._series.get(series.series_id) is not series and self._parts.settings.completions == "merged":
            return
        await self._report.send_page(series, new)
        if shown:
            self._report.send_frame(series, shown, accurate=True)
        self._report.complete(series)
        self._follow(series)
        await self._studies.series_loaded(series)

    def _rebuild_scale(self) -> None:
        """Leave only the times of the series that there are."""
        self._scale.clear()
        self._scale.add(bar.time_s for series in self._series.values() for bar in series.bars)

    @staticmethod
    def _frame_of(wanted: Wanted) -> str:
        return wanted.frame if isinstance(wanted, Framed) else ""

    def _is_superseded(self, series: Series) -> bool:
        """Say whether the series is gone, or, where completions are merged, was modified before it was loaded."""
        current = self._series.get(series.series_id)
        return current is None or (current is not series and self._parts.settings.completions == "merged")

    def _follow(self, series: Series) -> None:
        """Tell what went on while the page was made, and then every trade."""
        if not series.is_at_front or self._series.get(series.series_id) is not series:
            return
        self._reveal(series)
        if series.replay is not None:
            series.stop = series.replay.follow(lambda move: self._on_move(series, move))
            return
        tape = self._parts.tapes.of(series.history.listed)
        series.stop = tape.follow(lambda tick: self._on_tick(series, tick))

    def _reveal(self, series: Series) -> None:
        for bar in series.catch_up():
            self._report.send_newest(series, bar, self._scale.add([bar.time_s]))

    def _on_move(self, series: Series, move: Move) -> None:
        if move == "step":
            self._reveal(series)
            return
        self._sink.send_answer("", "series_loading", [self.session_id, series.series_id, series.turnaround])
        self._later(lambda: self._load(series, Newest(len(series.bars) or _REPLAYED), None))

    def _on_tick(self, series: Series, tick: Tick) -> None:
        if not isinstance(tick, SimTrade):
            return
        opened = series.add_trade(tick)
        if opened is None:
            return
        bar = series.bars[-1]
        self._report.send_newest(series, bar, self._scale.add([bar.time_s]) if opened else None)
        if opened and self._parts.settings.final_bars == "late":
            self._report.send_newest(series, series.bars[-2], None)

    def remove_series(self, series_id: str) -> None:
        """End a series; its place is free again.

        Raises:
            CriticalError: The series is unknown.
        """
        series = self._series.pop(series_id, None)
        if series is None and series_id not in self._failed:
            raise CriticalError("invalid parameters")
        self._failed.pop(series_id, None)
        self._kept.pop(series_id, None)
        if series is not None:
            series.stop()
            self._studies.series_removed(series_id)
            self._rebuild_scale()

    def create_study(self, args: list[Any]) -> None:
        """Compute a study: ``[study, turnaround, parent, type, inputs]``.

        Raises:
            CriticalError: The id is taken, the parent is unknown or the inputs are none.
        """
        study_id, turnaround, parent, study_type, inputs = args
        if self._studies.has(study_id):
            raise CriticalError("duplicate id")
        if not isinstance(inputs, dict) or not (parent in self._known_parents() or self._studies.has(parent)):
            raise CriticalError("invalid parameters")
        self._later(
            lambda: self._make_study(study_id, turnaround, parent=parent, study_type=str(study_type), inputs=inputs)
        )

    def _known_parents(self) -> set[str]:
        return {*self._failed, *self._series}

    async def _make_study(
        self, study_id: str, turnaround: str, *, parent: str, study_type: str, inputs: Mapping[str, Any]
    ) -> None:
        series = self._series.get(self._studies.root_of(parent))
        if series is not None:
            await self._studies.create(
                study_id, turnaround, parent=parent, series=series, study_type=study_type, inputs=inputs
            )
        elif parent in self._failed:
            tag = f"{self._failed[parent]}_{turnaround}"
            self._sink.send_answer("", "study_error", [self.session_id, study_id, tag, "series error", NODE])

    def modify_study(self, study_id: str, turnaround: str, inputs: Any) -> None:
        """Compute a study anew with other inputs.

        Raises:
            CriticalError: The study is unknown or the inputs are none.
        """
        if not self._studies.has(study_id) or not isinstance(inputs, dict):
            raise CriticalError("invalid parameters")
        self._later(lambda: self._change_study(study_id, turnaround, inputs))

    async def _change_study(self, study_id: str, turnaround: str, inputs: Mapping[str, Any]) -> None:
        series = self._series.get(self._studies.root_of(study_id))
        if series is not None:
            await self._studies.modify(study_id, turnaround, series=series, inputs=inputs)

    def remove_study(self, study_id: str) -> None:
        """End a study, if there is one."""
        self._studies.remove(study_id)

    def switch_timezone(self, zone: Any) -> None:
        """Show times in another zone: only the marks of the axis change.

        Raises:
            CriticalError: There is no such zone.
        """
        if zone != "exchange" and not _is_zone(zone):
            raise CriticalError("invalid timezone")
        self._later(self._send_marks)

    async def _send_marks(self) -> None:
        body = {"index": 0, "zoffset": 0, "changes": [], "marks": self._scale.marks_from(0)}
        self._sink.send_answer("", "tickmark_update", [self.session_id, body])

    def request_tickmarks(self, series_id: str, count: Any) -> None:
        """Tell marks of times that are still to come.

        Raises:
            CriticalError: The series is unknown or the count is none.
        """
        series = self._series.get(series_id)
        if series is None or not isinstance(count, int) or not 0 < count <= _MOST_MARKS:
            raise CriticalError("invalid parameters")
        self._later(lambda: self._send_future_marks(series, count))

    async def _send_future_marks(self, series: Series, count: int) -> None:
        resolution = series.history.resolution
        step_s = resolution.length_ns // SECOND_NS if resolution.is_intraday else DAY_NS // SECOND_NS
        marks = self._scale.future_marks(count, step_s or _TICKMARK_STEP_S)
        body = {"index": len(self._scale), "zoffset": 0, "changes": [], "marks": marks}
        self._sink.send_answer("", "tickmark_update", [self.session_id, body])

    def first_bar_time(self, symbol_id: str, resolution: Any) -> None:
        """Tell when the history of a symbol begins.

        Raises:
            CriticalError: The symbol or the resolution is unknown.
        """
        parsed = parse_resolution(resolution)
        symbol = self._symbols.get(symbol_id)
        if symbol is None or symbol.listed is None or symbol.spec is None or parsed is None:
            raise CriticalError("invalid parameters")
        history = self._symbols.history(symbol.listed, symbol.spec, parsed)
        self._later(lambda: self._send_first_bar_time(symbol_id, history))

    async def _send_first_bar_time(self, symbol_id: str, history: History) -> None:
        first = next(history.grid.forward(history.reach_ns()))[0]
        self._sink.send_answer("", "first_bar_time", [self.session_id, symbol_id, first // SECOND_NS])


def _is_zone(name: Any) -> bool:
    if not isinstance(name, str) or not name:
        return False
    try:
        datetime.now(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _chart_refusal(spec: SymbolSpec) -> str:
    """Return why there is no chart of a type; Heikin-Ashi is the only one that is drawn here."""
    if not spec.chart_type or spec.chart_type.startswith(CHART_TYPE):
        return ""
    return f"study_not_auth:{spec.chart_type.rstrip('!')}"
