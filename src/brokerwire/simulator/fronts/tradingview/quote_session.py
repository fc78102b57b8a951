"""One quote session: which symbols and fields a client wants, and what it has been told of them."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from brokerwire.simulator.fronts.tradingview.history import price_scaler, shown_currency
from brokerwire.simulator.fronts.tradingview.quote_fields import slow_fields, steady_fields, update_mode_of
from brokerwire.simulator.fronts.tradingview.resolution import SECOND_NS
from brokerwire.simulator.fronts.tradingview.symbols import Listed, SymbolSpec, SymbolTable, parse_spec
from brokerwire.simulator.fronts.tradingview.tape import Tape, Tapes
from brokerwire.simulator.market import Market
from brokerwire.simulator.ticks import Tick

_WITH_PRICE = ("lp_time", "ch", "chp")
"""Fields that come with every new price, also those that happen to be the same."""


_PRICES = frozenset(
    {
        "lp",
        "ch",
        "bid",
        "ask",
        "open_price",
        "high_price",
        "low_price",
        "prev_close_price",
        "regular_close",
    }
)


class QuoteSink(Protocol):
    """Where the session's packets go, and what is known of the client."""

    @property
    def plan(self) -> str: ...

    def send_data(self, topic: str, method: str, params: list[Any]) -> None: ...

    def send_answer(self, topic: str, method: str, params: list[Any]) -> None: ...

    def asked_for(self, topic: str) -> None: ...


class _Followed:
    """One symbol of a session, under the key that the client gave it."""

    def __init__(self, key: str, listed: Listed, tape: Tape) -> None:
        self.key = key
        self.listed = listed
        self.tape = tape
        self.told: dict[str, Any] = {}
        self.currency = ""
        self.stop: Callable[[], None] = lambda: None


class QuoteSession:
    """Follows symbols for one client. Fast symbols are told of at once, the others when ``flush`` is called."""

    def __init__(self, session_id: str, sink: QuoteSink, *, market: Market, symbols: SymbolTable, tapes: Tapes) -> None:
        self.session_id = session_id
        self._sink = sink
        self._market = market
        self._symbols = symbols
        self._tapes = tapes
        self._fields: frozenset[str] | None = None
        self._followed: dict[str, _Followed] = {}
        self._fast: frozenset[str] = frozenset()
        self._waiting: deque[Callable[[], None]] = deque()

    def later(self, act: Callable[[], None]) -> None:
        """Do something in the order of the calls, one thing in each turn of the loop: a client may ask for hundreds."""
        self._waiting.append(act)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._take_turn)

    def _take_turn(self) -> None:
        if not self._waiting:
            return
        self._waiting[0]()
        if self._waiting:
            self._waiting.popleft()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._take_turn)

    @property
    def keys(self) -> list[str]:
        return list(self._followed)

    def known_fields(self) -> list[str]:
        """Return the fields that are told; every one that the first symbol has, when no list was given."""
        if self._fields is not None:
            return sorted(self._fields)
        return sorted({name for followed in self._followed.values() for name in followed.told})

    def set_fields(self, fields: Iterable[str]) -> None:
        """Replace the list of fields that are told."""
        self._fields = frozenset(fields)

    def add(self, key: str) -> None:
        """Follow one symbol: all its fields at first, then what changes."""
        spec = parse_spec(key)
        listed = None if spec is None else self._symbols.find(spec.symbol)
        if listed is None:
            self._send_error(key)
            return
        self.remove(key)
        self._sink.asked_for(f"quote/{listed.full_name}")
        followed = self._followed[key] = _Followed(key, listed, self._tapes.of(listed))
        followed.currency = spec.currency if spec is not None else ""
        followed.stop = followed.tape.follow(lambda tick: self._on_tick(followed, tick))
        self._send_first(followed)

    def _send_error(self, key: str) -> None:
        params = [self.session_id, {"n": key, "s": "error", "v": {}, "errmsg": "invalid symbol"}]
        self._sink.send_answer(f"quote/{key}", "qsd", params)
        self._sink.send_answer(f"quote/{key}", "quote_completed", [self.session_id, key])

    def _send_first(self, followed: _Followed) -> None:
        values = dict(followed.tape.values())
        mode = update_mode_of(followed.listed, self._sink.plan)
        steady = steady_fields(followed.listed, calendar=self._market.calendar, update_mode=mode)
        self._send(followed, steady | values)
        year = datetime.fromtimestamp(self._market.now_ns() // SECOND_NS, tz=UTC).year
        self._send(followed, slow_fields(followed.listed, price=values["prev_close_price"], year=year))
        topic = f"quote/{followed.listed.full_name}"
        self._sink.send_answer(topic, "quote_completed", [self.session_id, followed.key])

    def remove(self, key: str) -> None:
        """Follow a symbol no more; it must be named by the string that it was added with."""
        followed = self._followed.pop(key, None)
        if followed is not None:
            followed.stop()

    def set_fast(self, keys: Iterable[str]) -> None:
        """Replace the list of symbols that are told of at once; they may be named by key or by symbol."""
        self._fast = frozenset(keys)

    def _is_fast(self, followed: _Followed) -> bool:
        return followed.key in self._fast or followed.listed.full_name in self._fast

    def _on_tick(self, followed: _Followed, _: Tick) -> None:
        if self._is_fast(followed):
            self._send(followed, followed.tape.values())

    def flush(self) -> None:
        """Tell what has changed since: of the symbols that are not fast everything, of the others what no tick told."""
        for followed in list(self._followed.values()):
            self._send(followed, followed.tape.values())

    def _send(self, followed: _Followed, values: Mapping[str, Any]) -> None:
        told = followed.told
        if followed.currency:
            values = self._converted(followed, values)
        fields = self._fields
        wanted = values if fields is None else {name: value for name, value in values.items() if name in fields}
        news = {name: value for name, value in wanted.items() if name not in told or told[name] != value}
        if "lp" in news:
            news |= {name: wanted[name] for name in _WITH_PRICE if name in wanted}
        if news:
            told |= news
            topic = f"quote/{followed.listed.full_name}"
            self._sink.send_data(topic, "qsd", [self.session_id, {"n": followed.key, "s": "ok", "v": news}])

    def _converted(self, followed: _Followed, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields with prices in the currency that was asked for, at today's opening rate."""
        listed = followed.listed
        spec = SymbolSpec(symbol=listed.full_name, currency=followed.currency)
        convert = price_scaler(self._market, listed, spec)(self._market.now_ns())
        found = {name: convert(value) if name in _PRICES else value for name, value in values.items()}
        if "currency_code" in found:
            found["currency_code"] = found["currency_id"] = shown_currency(self._market, listed, followed.currency)
        return found

    def close(self) -> None:
        """Follow nothing any more."""
        self._waiting.clear()
        for key in self.keys:
            self.remove(key)
