"""The streams of a recording: a connection subscribes here as it would to the live market."""

from collections.abc import Awaitable, Callable
from typing import Literal

from brokerwire.clock import Clock
from brokerwire.simulator.fronts.binance.hub import Subscriber, Switchboard
from brokerwire.simulator.fronts.binance.names import StreamName
from brokerwire.simulator.fronts.binance.payloads import RecordedEvent
from brokerwire.simulator.fronts.binance.recorded_session import PlayableFrame, RecordedSession
from brokerwire.simulator.replay import ReplayClock


class ReplaySource:
    """Plays a recorded session to whoever is subscribed; its clock runs for all connections together."""

    def __init__(
        self,
        session: RecordedSession,
        *,
        clock: Clock,
        speed: float | Literal["max"],
        drain: Callable[[], Awaitable[None]],
        delay_s: float,
    ) -> None:
        self._switchboard = Switchboard()
        self._clock = ReplayClock(
            session.frames,
            self._publish,
            clock=clock,
            speed=speed,
            is_heard=lambda: bool(self._switchboard.subscribers()),
            drain=drain,
            start_delay_s=delay_s,
        )

    @property
    def played(self) -> int:
        """How many frames of the recording lie behind."""
        return self._clock.played

    def subscribe(self, name: StreamName, subscriber: Subscriber) -> None:
        """Add a subscriber; the recording starts ``delay_s`` after the last one, later ones join in."""
        self._switchboard.add(name.text, subscriber)
        self._clock.subscription_arrived()

    def unsubscribe(self, name: StreamName, subscriber: Subscriber) -> None:
        """Remove a subscriber."""
        self._switchboard.remove(name.text, subscriber)

    def _publish(self, frame: PlayableFrame) -> None:
        self._switchboard.publish(RecordedEvent(frame.stream, wrapped=frame.wrapped, bare=frame.bare))

    async def close(self) -> None:
        """Stop playing."""
        await self._clock.close()
