"""The alarms of orders: one per order and purpose, on the loop's time."""

import asyncio
from collections.abc import Callable


class OrderTimers:
    """Calls back once after a delay, unless disarmed before."""

    def __init__(self) -> None:
        self._handles: dict[tuple[str, int], asyncio.TimerHandle] = {}

    def arm(self, purpose: str, order_id: int, *, wait_s: float, act: Callable[[], None]) -> None:
        """Call ``act`` after ``wait_s`` seconds, in place of an earlier alarm for the same purpose."""
        self.disarm(purpose, order_id)

        def strike() -> None:
            self._handles.pop((purpose, order_id), None)
            act()

        self._handles[purpose, order_id] = asyncio.get_running_loop().call_later(wait_s, strike)

    def disarm(self, purpose: str, order_id: int) -> None:
        """Call an alarm off, if there is one."""
        handle = self._handles.pop((purpose, order_id), None)
        if handle is not None:
            handle.cancel()

    def close(self) -> None:
        """Call every alarm off."""
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()
