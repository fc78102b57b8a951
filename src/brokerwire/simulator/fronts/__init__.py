"""What a wire front is given and what it must provide; one module or package per venue lies beside."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from aiohttp import web

from brokerwire.clock import Clock
from brokerwire.simulator.connections import Connections
from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.faults import Faults
from brokerwire.simulator.journal import Journal


class FrontContext(msgspec.Struct, frozen=True):
    """What a front works with. ``recording`` is what ``--replay`` names, as the front's venue reads it, or None."""

    exchange: Exchange
    faults: Faults
    journal: Journal
    connections: Connections
    clock: Clock
    settings: Mapping[str, Any]
    recording: Any
    speed: float | str


class Front(Protocol):
    """One venue's wire: ``credentials`` that are accepted, and the web application behind every endpoint key."""

    @property
    def credentials(self) -> Mapping[str, str]: ...

    @property
    def apps(self) -> Mapping[str, tuple[str, web.Application]]: ...

    async def close(self) -> None:
        """End every stream; nothing of the front runs afterwards."""
        ...
