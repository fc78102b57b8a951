"""Recording of wire frames and REST answers, for a replay by the simulator."""

from brokerwire.recording.recorder import Recorder

__all__ = ["Recorder"]
