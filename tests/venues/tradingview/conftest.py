"""What the tests of TradingView share: packets as the venue sends them, and a driver of a session."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from brokerwire import Client
from brokerwire.config import Credentials, Secret
from brokerwire.events import Event, Topic
from brokerwire.venue import Access, Fetch, Response, Signal
from brokerwire.venues.tradingview.session import TradingViewSession
from brokerwire.venues.tradingview.spec import SETTINGS
from brokerwire.venues.tradingview.wire import pack, unpack

TIME_NS = 1_795_446_000_000_000_000
Scenario = Callable[[Any, Client], Awaitable[None]]


def packet(method: str, *arguments: Any) -> bytes:
    """Return one packet of the venue's."""
    return pack(msgspec.json.encode({"m": method, "p": arguments}))


class Driver:
    """Drives a session as the shell does, and keeps what it says."""

    def __init__(self, *topics: Topic, recalled: Mapping[Topic, Event] | None = None, **settings: Any) -> None:
        self.session = TradingViewSession({**SETTINGS, **settings})
        self.signals: list[Signal] = []
        self.calls: list[list[Any]] = []
        self.texts: list[bytes] = []
        self.now = 100.0
        for topic, event in (recalled or {}).items():
            assert self.session.recall(topic, [event])
        self.session.subscribe(topics, self.now)
        self.session.handle_open(self.now)
        self.take()

    def take(self) -> None:
        while self.session.has_output:
            self.signals += self.session.take_signals()
            for frame in self.session.frames_to_send():
                for payload in unpack(frame):
                    if payload.startswith(b"~h~"):
                        self.texts.append(payload)
                    else:
                        message = msgspec.json.decode(payload)
                        self.calls.append([message["m"], *message["p"]])

    def identify(self, token: str | None = None, *, given: str | None = None, time_ns: int = TIME_NS) -> None:
        credentials = Credentials({} if given is None else {"auth_token": given})
        access = Access(credentials=credentials, token=None if token is None else Secret(token), time_ns=time_ns)
        self.session.receive_access(access, self.now)
        self.take()

    def receive(self, *packets: bytes, received_ns: int = TIME_NS) -> list[Event]:
        events = list(self.session.receive(b"".join(packets), self.now, received_ns))
        self.take()
        return events

    def answer(self, body: object, status: int = 200) -> list[Event]:
        fetch = next(signal for signal in reversed(self.signals) if isinstance(signal, Fetch))
        response = Response(status, {}, msgspec.json.encode(body))
        events = list(self.session.receive_response(fetch.key, response, self.now))
        self.take()
        return events

    def pass_time(self, seconds: float) -> list[Event]:
        self.now += seconds
        deadline = self.session.deadline
        events = list(self.session.handle_timeout(self.now)) if deadline is not None and deadline <= self.now else []
        self.take()
        return events

    def called(self, method: str) -> list[list[Any]]:
        return [call for call in self.calls if call[0] == method]

    def heard(self, kind: type[Signal]) -> list[Any]:
        return [signal for signal in self.signals if isinstance(signal, kind)]


def bars_packet(
    session: str, points: Sequence[Sequence[float]], *, method: str = "timescale_update", closes: float | None = None
) -> bytes:
    """Return a page or a change of the series."""
    part: dict[str, Any] = {"s": [{"i": at, "v": list(point)} for at, point in enumerate(points)], "t": "s1"}
    if closes is not None:
        part["lbs"] = {"bar_close_time": closes}
    return packet(method, session, {"sds_1": part})


def completed(session: str, turnaround: str = "s1", *, mode: str = "streaming", **info: Any) -> bytes:
    """Return the end of a page."""
    return packet("series_completed", session, "sds_1", mode, turnaround, {"rt_update_period": 0, **info})


@pytest.fixture
def run(virtual: Any, offline: Any) -> Callable[..., None]:
    """Runs a scenario with a simulator and a client of it, in virtual time."""

    def runner(scenario: Scenario, *, settings: Mapping[str, Any] | None = None, **options: Any) -> None:
        async def main() -> None:
            async with offline() as venue:
                simulator = await venue.simulator("tradingview", settings=dict(settings or {}))
                await scenario(simulator, await venue.client(simulator, **options))

        virtual(main)

    return runner
