"""A wire that is heard: whatever passes over it is shown before it is passed on."""

from collections.abc import Callable, Sequence

from brokerwire.transport.frame_transport import ConnectionEnd, FrameTransport, OnFrames
from brokerwire.typedefs import Frame


class TappedTransport:
    """Does what another transport does; ``received``, ``sent`` and ``ended`` hear of it and must not raise."""

    def __init__(
        self,
        transport: FrameTransport,
        *,
        received: Callable[[Sequence[Frame]], None],
        sent: Callable[[Frame], None],
        ended: Callable[[], None],
    ) -> None:
        self.reading = transport.reading
        self._transport = transport
        self._received = received
        self._sent = sent
        self._ended = ended
        self._is_closed = False

    async def pump(self, on_frames: OnFrames) -> ConnectionEnd:
        """Push every frame into ``on_frames`` until the wire ends; say why it ended."""
        received = self._received

        def hear(frames: Sequence[Frame]) -> None:
            received(frames)
            on_frames(frames)

        return await self._transport.pump(hear)

    async def send(self, frame: Frame) -> None:
        """Send one frame.

        Raises:
            ConnectionLostError: The wire is gone.
        """
        await self._transport.send(frame)
        self._sent(frame)

    def hurry(self) -> None:
        """Ask soon, where frames come by asking."""
        self._transport.hurry()

    async def close(self) -> None:
        """End the wire; safe to call twice."""
        if not self._is_closed:
            self._is_closed = True
            self._ended()
        await self._transport.close()
