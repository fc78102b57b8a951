"""The faults that strike requests: over the limit, refused, never answered, late or stale snapshots."""

import asyncio
from collections.abc import Awaitable, Callable

from brokerwire.clock import Clock
from brokerwire.simulator.faults import Fault, Faults
from brokerwire.simulator.fronts.binance import limits, refusals
from brokerwire.simulator.fronts.binance.refusals import Refusal

_SECOND_NS = 1_000_000_000
_LATE_S = 2.0


class RequestFaults:
    """Consulted once for every request, by its path or method name."""

    def __init__(self, faults: Faults, *, clock: Clock, now_ns: Callable[[], int]) -> None:
        self._faults = faults
        self._clock = clock
        self._now_ns = now_ns

    async def strike(self, channel: str) -> None:
        """Let a fault strike before the request is looked at.

        ``rate_limit:<seconds>`` answers 429, with the option ``status`` 418.

        Raises:
            Refusal: The fault turns the request away.
        """
        if not self._faults:
            return
        if self._faults.take("silent_accept", channel=channel):
            await asyncio.Event().wait()
        if limited := self._faults.take("rate_limit", channel=channel):
            raise self._limited(limited)
        if self._faults.active("maintenance"):
            text = "Service unavailable from a restricted location or under maintenance. Please try again later."
            raise Refusal(-1008, text, status=503)
        if refused := self._faults.take("refuse", channel=channel):
            text = "An unknown error occurred while processing the request."
            raise Refusal(-1000, text, status=int(refused.number(500)))

    def _limited(self, fault: Fault) -> Refusal:
        now_ns = self._now_ns()
        until_ns = now_ns + int(fault.number(1.0) * _SECOND_NS)
        if fault.options.get("status") == 418:
            return limits.banned(until_ns, now_ns)
        return limits.too_much_weight(6000, until_ns, now_ns)

    def snapshot_age_ns(self, channel: str) -> int:
        """Return how old a snapshot is to be: the option ``age_s`` of ``late_snapshot``, whose delay may be 0."""
        late = self._faults.active("late_snapshot", channel=channel)
        age_s = late.options.get("age_s", 0) if late else 0
        return int(age_s * _SECOND_NS)

    async def delay_snapshot(self, channel: str) -> None:
        """Hold back a snapshot that was taken already, under ``late_snapshot``."""
        if late := self._faults.take("late_snapshot", channel=channel):
            await self._clock.sleep(late.number(_LATE_S))

    def lost_answer(self, channel: str) -> Refusal | None:
        """Return what is answered instead under ``drop_answer`` to a request that has been carried out.

        With a status, as in ``drop_answer:504``, the answer says that the outcome is unknown; a refusal with the
        status 0 stands for no answer at all.
        """
        lost = self._faults.take("drop_answer", channel=channel)
        return None if lost is None else refusals.outcome_unknown(int(lost.number(0)))

    def check_credentials(self, channel: str) -> None:
        """Refuse credentials under ``reject_auth`` and ``expire_token``.

        Raises:
            Refusal: The key is not accepted (-2015).
        """
        rejected = self._faults.take("reject_auth", channel=channel) or self._faults.active("expire_token")
        if rejected is not None:
            raise refusals.unauthorized()

    def trickle(self, channel: str) -> Callable[[bytes, Callable[[bytes], Awaitable[None]]], Awaitable[None]] | None:
        """Return the function that writes an answer byte by byte under ``slow_loris``, else None."""
        slow = self._faults.active("slow_loris", channel=channel)
        if slow is None:
            return None
        interval_s = slow.number(1.0)

        async def write_slowly(body: bytes, write: Callable[[bytes], Awaitable[None]]) -> None:
            for byte in body:
                await write(bytes((byte,)))
                await self._clock.sleep(interval_s)

        return write_slowly
