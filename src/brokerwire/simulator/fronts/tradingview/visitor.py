"""One connected client: its token, its sessions, and what each of its method calls does."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from brokerwire.simulator.fronts.tradingview import framing
from brokerwire.simulator.fronts.tradingview.calls import apply_chart, apply_replay
from brokerwire.simulator.fronts.tradingview.chart_desk import ChartParts, CriticalError
from brokerwire.simulator.fronts.tradingview.chart_session import ChartSession
from brokerwire.simulator.fronts.tradingview.doorway import Visit
from brokerwire.simulator.fronts.tradingview.faulty_line import FaultyLine
from brokerwire.simulator.fronts.tradingview.line import NORMAL, Line
from brokerwire.simulator.fronts.tradingview.quote_session import QuoteSession
from brokerwire.simulator.fronts.tradingview.replay_session import ReplaySession
from brokerwire.simulator.fronts.tradingview.settings import BARS_OF_PLAN
from brokerwire.simulator.fronts.tradingview.study_catalog import STUDIES
from brokerwire.simulator.fronts.tradingview.tokens import ANONYMOUS, LITERALS, TokenDesk, TokenExpired, TokenRefused
from brokerwire.simulator.fronts.tradingview.wire_names import ARITY, STAMPED, argument_text, journal_kind
from brokerwire.simulator.journal import Journal

_MS_NS = 1_000_000
_RELEASE = "release_210-9"


class VisitorParts(msgspec.Struct, frozen=True):
    """What every client is served with."""

    chart: ChartParts
    tokens: TokenDesk
    journal: Journal
    crowd: Callable[[], int]


class Visitor:
    """Serves one socket. Everything it sends goes over the faulty line."""

    def __init__(self, visit: Visit, parts: VisitorParts) -> None:
        self._visit = visit
        self._parts = parts
        self._settings = parts.chart.settings
        self._market = parts.chart.market
        self._grant = ANONYMOUS
        self._token = ""
        self._is_deaf = False
        self._quotes: dict[str, QuoteSession] = {}
        self._charts: dict[str, ChartSession] = {}
        self._replays: dict[str, ReplaySession] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._line: Line | None = None
        self._faulty: FaultyLine | None = None
        self._calls: Mapping[str, Callable[[list[Any]], None]] = self._own_calls()

    @property
    def plan(self) -> str:
        return self._grant.plan

    @property
    def bar_limit(self) -> int:
        """How many intraday bars a chart shows: the plan's number, and no more than the host gives."""
        plan = BARS_OF_PLAN[self.plan]
        host = self._settings.data_bar_limit if self._visit.host == "data" else 0
        return min(plan, host) if host else plan

    @property
    def may_run_scripts(self) -> bool:
        if self._grant.is_anonymous and not self._settings.anonymous_pine:
            return False
        return self._visit.kind == "chart" or not self._settings.pine_needs_type

    def replay(self, session_id: str) -> ReplaySession | None:
        """Return a replay session of this client."""
        return self._replays.get(session_id)

    def open(self, line: Line, faulty: FaultyLine) -> None:
        """Greet the client."""
        self._line, self._faulty = line, faulty
        if self._settings.hello == "first":
            line.put(framing.pack(msgspec.json.encode(self._hello()).decode()))
        limit = self._settings.max_connections
        if limit and self._parts.crowd() > limit:
            self._violate("too_many_connections")
            self._end_with("user connections limit reached")
        line.call_later(self._settings.slow_quote_s, self._flush_quotes)

    def _hello(self) -> dict[str, Any]:
        now_ms = self._market.now_ns() // _MS_NS
        names = ",".join(study.pine_id for study in STUDIES)
        return {
            "session_id": f"0.{self._visit.number}.771_sim1-charts-1-tvbs-1-1@sim1-compute-1",
            "timestamp": now_ms // 1000,
            "timestampMs": now_ms,
            "release": _RELEASE,
            "studies_metadata_hash": hashlib.blake2b(names.encode(), digest_size=20).hexdigest(),
            "auth_scheme_vsn": 2,
            "protocol": "json",
            "via": self._visit.via,
            "javastudies": ["3.66"],
        }

    async def close(self) -> None:
        """End every session; nothing of them is left."""
        for quotes in self._quotes.values():
            quotes.close()
        for replay in self._replays.values():
            replay.close()
        charts = list(self._charts.values())
        self._replays.clear()
        self._quotes.clear()
        self._charts.clear()
        for chart in charts:
            await chart.close()
        await asyncio.gather(*self._closing)

    def _violate(self, reason: str, **detail: Any) -> None:
        self._parts.journal.record("violation", reason=reason, connection=self._visit.number, **detail)

    def _end_with(self, text: str) -> None:
        """Say what is wrong and end the connection."""
        if self._line is not None:
            self._line.put(framing.pack_message("protocol_error", [text]))
            self._line.finish(NORMAL)

    def send_data(self, topic: str, method: str, params: list[Any]) -> None:
        """Send what the faults of data may strike."""
        if self._faulty is not None and not self._is_deaf:
            self._faulty.offer(topic, method, params, self._stamp(method))

    def asked_for(self, topic: str) -> None:
        """Take note that a topic is asked for."""
        if self._faulty is not None:
            self._faulty.asked_for(topic)

    def send_answer(self, topic: str, method: str, params: list[Any]) -> None:
        """Send what answers a request."""
        if self._faulty is not None and not self._is_deaf:
            self._faulty.answer(topic, method, params, self._stamp(method))

    def note_failure(self, text: str) -> None:
        """Write down that the simulator failed, so that a test can see it."""
        self._parts.journal.record("failure", connection=self._visit.number, error=text)

    def _stamp(self, method: str) -> int | None:
        return self._market.now_ns() // _MS_NS if method in STAMPED else None

    def hear(self, text: str) -> None:
        """Take one WebSocket message."""
        try:
            payloads = framing.walk(text)
        except framing.FramingError:
            self._violate("framing")
            self._end_with("wrong data")
            return
        for payload in payloads:
            self._hear_packet(payload)

    def _hear_packet(self, payload: str) -> None:
        number = framing.heartbeat_number(payload)
        if number is not None:
            is_ours = self._line is not None and self._line.match_heartbeat(number)
            self._parts.journal.record(
                "control", connection=self._visit.number, method="heartbeat", number=number, is_ours=is_ours
            )
            return
        if self._line is None or self._line.is_ending:
            return
        try:
            call = msgspec.json.decode(payload)
            method, params = str(call["m"]), list(call["p"])
        except (msgspec.DecodeError, KeyError, TypeError):
            self._violate("wrong_data")
            self._end_with("wrong data")
            return
        self._record(method, params)
        self._call(method, params)

    def _record(self, method: str, params: list[Any]) -> None:
        shown = params
        if method == "set_auth_token":
            shown = [params[0] if params and params[0] in LITERALS else "<token>"]
        self._parts.journal.record(
            journal_kind(method), connection=self._visit.number, method=method, params=shown, host=self._visit.host
        )

    def _call(self, method: str, params: list[Any]) -> None:
        arity = ARITY.get(method)
        if arity is None:
            if self._settings.unknown_methods == "refuse":
                self._violate("unknown_method", method=method)
                self._send_critical(params[0] if params else "", "invalid method", method)
            return
        if not arity[0] <= len(params) <= arity[1]:
            self._violate("arity", method=method)
            self._break_session(method, params, "invalid parameters")
            return
        own = self._calls.get(method)
        if own is not None:
            own(params)
        elif method.startswith("quote_"):
            self._call_quotes(method, params)
        elif method.startswith("replay_"):
            self._call_replay(method, params)
        else:
            self._call_chart(method, params)

    def _own_calls(self) -> dict[str, Callable[[list[Any]], None]]:
        return {
            "set_auth_token": lambda params: self._set_token(str(params[0])),
            "set_locale": _do_nothing,
            "set_data_quality": _do_nothing,
            "set_broker": _do_nothing,
            "switch_protocol": _do_nothing,
            "set_future_tickmarks_mode": _do_nothing,
            "notify_study": _do_nothing,
            "create_pointset": _do_nothing,
            "modify_pointset": _do_nothing,
            "remove_pointset": _do_nothing,
            "request_data_problems": lambda _: self.send_answer("", "request_data_problems", [[]]),
            "request_studies_metadata": self._tell_metadata,
            "quote_create_session": self._create_quotes,
            "quote_delete_session": self._delete_quotes,
            "chart_create_session": self._create_chart,
            "chart_delete_session": self._delete_chart,
            "replay_create_session": self._create_replay,
            "replay_delete_session": self._delete_replay,
        }

    def _set_token(self, token: str) -> None:
        try:
            self._grant = self._parts.tokens.check(token)
        except TokenRefused:
            self._end_with("bad auth token")
            return
        except TokenExpired:
            if self._settings.expired_tokens == "refuse":
                self._end_with("bad auth token")
            else:
                self._is_deaf = True
            return
        self._token = token
        self._is_deaf = False
        if self._grant.expires_s is not None and self._line is not None:
            wait_s = self._grant.expires_s - self._market.now_ns() / 1e9
            self._line.call_later(max(wait_s, 0.001), self.check_token)

    def check_token(self) -> None:
        """Stop telling anything but heartbeats when the token has expired by now."""
        if not self._token or self._grant.is_anonymous or self._is_deaf:
            return
        try:
            self._parts.tokens.check(self._token)
        except TokenRefused:
            self._end_with("bad auth token")
        except TokenExpired:
            self._is_deaf = True
            self._parts.journal.record("token_expired", connection=self._visit.number)

    def _create_quotes(self, params: list[Any]) -> None:
        session_id = str(params[0])
        chart = self._parts.chart
        old = self._quotes.pop(session_id, None)
        if old is not None:
            old.close()
        self._quotes[session_id] = QuoteSession(
            session_id, self, market=chart.market, symbols=chart.symbols, tapes=chart.tapes
        )

    def _delete_quotes(self, params: list[Any]) -> None:
        session = self._quotes.pop(str(params[0]), None)
        if session is not None:
            session.close()

    def _create_chart(self, params: list[Any]) -> None:
        session_id = str(params[0])
        self._drop_chart(session_id)
        self._charts[session_id] = ChartSession(session_id, self, self._parts.chart)

    def _delete_chart(self, params: list[Any]) -> None:
        self._drop_chart(str(params[0]))

    def _drop_chart(self, session_id: str) -> None:
        session = self._charts.pop(session_id, None)
        if session is not None:
            session.stop()
            name = f"simulator-chart-{session_id}-close"
            task = asyncio.get_running_loop().create_task(session.close(), name=name)
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _create_replay(self, params: list[Any]) -> None:
        self._delete_replay(params)
        chart = self._parts.chart
        session = ReplaySession(str(params[0]), self, market=chart.market, symbols=chart.symbols)
        self._replays[session.session_id] = session
        session.greet()

    def _delete_replay(self, params: list[Any]) -> None:
        session = self._replays.pop(str(params[0]), None)
        if session is not None:
            session.close()

    def _call_replay(self, method: str, params: list[Any]) -> None:
        session = self._replays.get(str(params[0]))
        if session is None:
            self._unknown_session(method, params)
            return
        try:
            apply_replay(session, method, params[1:], days=self._settings.history_days)
        except (TypeError, ValueError):  # an argument of a type that nobody expects
            self._send_critical(session.session_id, "invalid parameters", method)

    def _call_quotes(self, method: str, params: list[Any]) -> None:
        session = self._quotes.get(str(params[0]))
        names = params[1:]
        if session is None:
            self._unknown_session(method, params)
        elif method == "quote_add_symbols" and isinstance(names[-1] if names else None, dict):
            self._call_quotes(method, params[:-1])
        elif not all(isinstance(name, str) for name in names) or (method == "quote_add_symbols" and not names):
            self._send_critical(session.session_id, "invalid_parameters", method)
        else:
            self._apply_quotes(session, method, names)

    def _apply_quotes(self, session: QuoteSession, method: str, names: list[str]) -> None:
        match method:
            case "quote_set_fields":
                session.later(lambda: session.set_fields(names))
            case "quote_add_symbols":
                for name in names:
                    session.later(partial(session.add, name))
            case "quote_remove_symbols":
                for name in names:
                    session.later(partial(session.remove, name))
            case "quote_fast_symbols":
                session.later(lambda: session.set_fast(names))
            case "quote_hibernate_all":
                session.later(lambda: session.set_fast([]))
            case "quote_list_fields":
                session.later(lambda: self.send_answer("", method, [session.session_id, session.known_fields()]))

    def _flush_quotes(self) -> None:
        for session in self._quotes.values():
            session.flush()
        if self._line is not None:
            self._line.call_later(self._settings.slow_quote_s, self._flush_quotes)

    def _call_chart(self, method: str, params: list[Any]) -> None:
        session = self._charts.get(str(params[0]))
        if session is None:
            self._unknown_session(method, params)
            return
        if session.is_dead:
            return
        try:
            apply_chart(session, method, params[1:])
        except CriticalError as broken:
            self._break_session(method, params, str(broken))
        except (TypeError, ValueError, AttributeError):  # an argument of a type that nobody expects
            self._break_session(method, params, "invalid parameters")

    def _break_session(self, method: str, params: list[Any], reason: str) -> None:
        session_id = str(params[0]) if params else ""
        session = self._charts.get(session_id)
        self._send_critical(session_id, reason, f'method: {method}. args: "{argument_text(params[1:])}"')
        if session is not None:
            session.stop()

    def _send_critical(self, session_id: Any, reason: str, detail: str) -> None:
        self.send_answer("", "critical_error", [session_id, reason, detail])

    def _unknown_session(self, method: str, params: list[Any]) -> None:
        self._violate("unknown_session", method=method)
        rest = ",".join(msgspec.json.encode(param).decode() for param in params[1:])
        self._end_with(f'{{unknown_session_id,<<"{method}">>,<<"{params[0]}">>,[{rest}]}}')

    def _tell_metadata(self, params: list[Any]) -> None:
        names = [{"id": study.names[0], "description": study.title} for study in STUDIES]
        body = {"metainfo": names, "hash": self._hello()["studies_metadata_hash"]}
        self.send_answer("", "studies_metadata", [params[0], body])


def _do_nothing(_: list[Any]) -> None:
    """Take a call that nothing answers and nothing depends on."""
