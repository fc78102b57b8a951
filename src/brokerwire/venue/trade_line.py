"""Numbered trades in their order, each once, with holes filled: for sessions of venues whose ids count up by one."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from brokerwire.events import Event, Topic, Trade
from brokerwire.venue import GapFound

TakeTrade: TypeAlias = Callable[[Trade, float, int], Sequence[Event]]
"""``(trade, now, expected id) -> events``: takes a trade whose id is not the expected one."""

Expect: TypeAlias = Callable[[int], None]
"""Tells which id comes next, or that each one is to be looked at: ``NOT_IN_STEP``."""

NOT_IN_STEP = -1


class FillLimits(Struct, frozen=True, kw_only=True):
    """How a venue's missing trades are asked for, and when it is given up.

    Attributes:
        page: The most trades of one answer.
        fill_s: A hole is waited for so long, counted from the last answer that brought something.
        patience_s: On a healthy connection a missing trade may still come by itself; so long it is not asked for.
        interval_s: The least time between two requests, unless an answer was full.
        most_pages: More answers than these are not asked for to fill one hole.
        most_held: More trades than these are not held back behind a hole.
    """

    page: int = 1000
    fill_s: float = 5.0
    patience_s: float = 0.25
    interval_s: float = 1.0
    most_pages: int = 10
    most_held: int = 10_000


def id_of(trade: Trade) -> int:
    """Return the number of a trade of a venue that numbers them."""
    return int(trade.trade_id or 0)


class TradeLine:
    """The trades of one topic in the order of their ids, each of them once.

    One that comes before its turn is held back while the missing ones are waited for, then asked for. Once they are
    there, or it has taken too long, what was held back goes on, and ``tell`` says what became of the hole.
    ``ask(first_id, count)`` wants ``fill`` called with the answer.

    Attributes:
        is_asking: Whether an answer is awaited.
        repeated: How many trades came again and were dropped.
    """

    def __init__(
        self,
        topic: Topic,
        *,
        ask: Callable[[int, int], None],
        tell: Callable[[GapFound], None],
        expect: Expect,
        limits: FillLimits,
    ) -> None:
        self.is_asking = False
        self.repeated = 0
        self._topic = topic
        self._ask_for = ask
        self._tell = tell
        self._expect = expect
        self._limits = limits
        self._next = NOT_IN_STEP  # the first id that is missing, as long as something is
        self._delivered = NOT_IN_STEP
        self._held: dict[int, Trade] = {}
        self._is_recalled = False
        self._has_fetched = False
        self._lost: list[str] = []
        self._pages = 0
        self._limit = 0
        self._ask_at: float | None = None
        self._last_asked = float("-inf")
        self._give_up_at: float | None = None

    @property
    def is_in_step(self) -> bool:
        """Whether nothing is missing."""
        return self._next == NOT_IN_STEP

    @property
    def deadline(self) -> float | None:
        """When ``handle_timeout`` is due next."""
        return min((at for at in (self._ask_at, self._give_up_at) if at is not None), default=None)

    def recall(self, last_id: int) -> None:
        """Continue after a trade that an earlier connection delivered: what followed it is asked for."""
        self._next = last_id + 1
        self._is_recalled = True

    def accepted(self, now: float) -> None:
        """Ask for what was missed before the venue took the subscription."""
        if self._is_recalled and self._give_up_at is None:
            self._give_up_at = now + self._limits.fill_s
            self._ask(now)

    def take(self, trade: Trade, now: float, expected: int) -> Sequence[Event]:
        """Take a trade whose id is not the expected one; returns what may go on."""
        trade_id = id_of(trade)
        if self.is_in_step and expected != NOT_IN_STEP and trade_id > expected:
            self._fall_out_of_step(expected, now)
        elif self.is_in_step and expected == NOT_IN_STEP and trade_id > self._delivered:
            self._expect(trade_id + 1)
            return (trade,)
        if self.is_in_step or trade_id < self._next or trade_id in self._held:
            self.repeated += 1
            return ()
        self._held[trade_id] = trade
        found = self._take_held()
        if found and not self._held:
            self._get_in_step()
        return found if len(self._held) < self._limits.most_held else [*found, *self._give_up()]

    def _fall_out_of_step(self, expected: int, now: float) -> None:
        self._expect(NOT_IN_STEP)
        self._next = expected
        self._give_up_at = now + self._limits.fill_s
        self._plan(now + self._limits.patience_s)

    def _take_held(self) -> list[Trade]:
        found: list[Trade] = []
        while (trade := self._held.pop(self._next, None)) is not None:
            found.append(trade)
            self._next += 1
        return found

    def _plan(self, at: float) -> None:
        """Ask at a time, but not before a second has passed since the last time."""
        self._ask_at = max(at, self._last_asked + self._limits.interval_s)

    def _ask(self, now: float) -> None:
        self._ask_at = None
        self._last_asked = now
        self.is_asking = True
        wanted = max(self._held) - self._next if self._held else self._limits.page
        self._limit = min(wanted, self._limits.page)
        self._ask_for(self._next, self._limit)

    def fill(self, trades: Sequence[Trade] | None, now: float) -> Sequence[Event]:
        """Take the answer, None if there was none; returns what may go on."""
        self.is_asking = False
        if self.is_in_step:
            return ()
        if trades is None:
            return self._give_up()
        had_held, is_last = bool(self._held), len(trades) < self._limit
        found = self._merge(trades)
        if found:
            self._give_up_at = now + self._limits.fill_s
        if not self._held and (had_held or is_last):
            self._get_in_step()
            return found
        self._pages += 1
        if self._pages >= self._limits.most_pages:
            return [*found, *self._give_up()]
        if is_last:
            self._plan(now)  # requests are answered from what may be a moment behind the stream
        else:
            self._ask(now)
        return found

    def _merge(self, trades: Sequence[Trade]) -> list[Trade]:
        """Return what the answer reaches, with what is held back up to there; it is the venue's last word on that."""
        answered = {id_of(trade): trade for trade in trades}
        reach = max(answered, default=NOT_IN_STEP)
        known = answered | {trade_id: trade for trade_id, trade in self._held.items() if trade_id <= reach}
        found = self._in_order(known)
        self._has_fetched = self._has_fetched or bool(found)
        self._held = {trade_id: trade for trade_id, trade in self._held.items() if trade_id > reach}
        return [*found, *self._take_held()]

    def _in_order(self, known: Mapping[int, Trade]) -> list[Trade]:
        """Return trades that were not delivered, and take note of the ids between them that are not there."""
        found: list[Trade] = []
        for trade_id in sorted(known):
            if trade_id < self._next:
                continue
            if trade_id > self._next:
                self._lost.append(f"{self._next} to {trade_id - 1}")
            found.append(known[trade_id])
            self._next = trade_id + 1
        return found

    def _give_up(self) -> list[Trade]:
        """Return what is held back, and say what is missing."""
        held, self._held = self._held, {}
        if not held:
            self._lost.append(f"from {self._next} on")
        found = self._in_order(held)
        self._get_in_step()
        if not held:
            self._expect(NOT_IN_STEP)
        return found

    def _get_in_step(self) -> None:
        """Go on from here, and say what became of the hole; one that filled itself was none."""
        if self._lost:
            text = f"trades {', '.join(self._lost[:9])} could not be fetched"
            self._tell(GapFound(self._topic, None, None, text))
        elif self._is_recalled or self._has_fetched:
            self._tell(GapFound(self._topic, None, None, "what was missing was fetched", filled=True))
        self._expect(self._next)
        self._delivered, self._next = self._next - 1, NOT_IN_STEP
        self.is_asking = self._is_recalled = self._has_fetched = False
        self._lost = []
        self._pages = 0
        self._ask_at = self._give_up_at = None

    def handle_timeout(self, now: float) -> Sequence[Event]:
        """Ask for what is missing, or go on without it."""
        if self._give_up_at is not None and self._give_up_at <= now:
            return self._give_up()
        if self._ask_at is not None and self._ask_at <= now and not self.is_asking:
            self._ask(now)
        return ()

    def handle_close(self) -> Sequence[Event]:
        """Return what is held back; where nothing is, the next connection asks for all of it."""
        return self._give_up() if self._held else ()
