from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from brokerwire import Fill, Gap
from brokerwire.doctor import invariants
from brokerwire.doctor.listener import Listener, until
from brokerwire.events import Topic, stamp


@pytest.fixture
def heard(virtual: Any, offline: Callable[[], Any]) -> Callable[[Callable[[Listener, Any], Any]], None]:
    """Runs a check on a listener that has heard ten trades without any trouble."""

    def run(check: Callable[[Listener, Any], Any]) -> None:
        async def main() -> None:
            async with offline() as place:
                simulator = await place.simulator("binance")
                listener = Listener(await place.client(simulator))
                await listener.open("trades", "BTCUSDT")
                await listener.more(10)
                result = check(listener, simulator)
                if result is not None:
                    await result

        virtual(main)

    return run


def test_a_healthy_subscription_breaks_nothing(heard: Any) -> None:
    async def check(listener: Listener, simulator: Any) -> None:
        assert [*invariants.check_accounting(listener), *invariants.check_order(listener)] == []
        assert list(invariants.check_silence(listener)) == []
        assert list(invariants.check_bounded([listener.client], [listener])) == []
        assert invariants.has_converged([listener], [listener.client], [simulator])
        assert await invariants.check_close(listener.client, 5.0) == []
        assert await invariants.check_terminality(listener) == []
        assert invariants.library_tasks() == []

    heard(check)


def test_an_event_too_many_breaks_the_accounts_and_the_order(heard: Any) -> None:
    def check(listener: Listener, _simulator: Any) -> None:
        listener.events += listener.events[:2]
        assert [text[:2] for text in invariants.check_accounting(listener)] == ["I1"]
        assert [text[:2] for text in invariants.check_order(listener)] == ["I2"]

    heard(check)


def test_overlapping_callbacks_and_repeated_executions_are_told(heard: Any) -> None:
    def check(listener: Listener, _simulator: Any) -> None:
        listener.overlaps = 1
        fill = Fill(
            venue="binance",
            symbol="BTCUSDT",
            account="A",
            order_id="1",
            fill_id="1",
            price=Decimal(1),
            quantity=Decimal(1),
            time_ns=None,
            received_ns=1,
        )
        stamp(fill, Topic("order", "A"), b"{}")
        listener.events += [fill, fill]
        assert [text[:2] for text in invariants.check_order(listener)] == ["I2", "I3"]

    heard(check)


def test_silence_that_nobody_tells_is_told(heard: Any) -> None:
    def check(listener: Listener, _simulator: Any) -> None:
        listener.times.append(listener.times[-1] + 60)
        (broken,) = invariants.check_silence(listener)
        assert broken.startswith("I4: ")
        listener.flows = False
        assert list(invariants.check_silence(listener)) == []

    heard(check)


def test_a_missing_trade_needs_a_gap_around_it(heard: Any) -> None:
    def check(listener: Listener, _simulator: Any) -> None:
        assert list(invariants.check_holes(listener)) == []
        missed = listener.events.pop(4)
        (broken,) = invariants.check_holes(listener)
        assert broken.startswith("I4: ")
        times = {"start_ns": missed.received_ns, "end_ns": missed.received_ns}
        listener.statuses.append(Gap(topic=missed.topic, **times, reason="test", filled=True))
        assert len(list(invariants.check_holes(listener))) == 1
        listener.statuses.append(Gap(topic=missed.topic, **times, reason="test"))
        assert list(invariants.check_holes(listener)) == []

    heard(check)


def test_an_event_that_came_before_the_one_before_it_is_told(virtual: Any, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            listener = Listener(await place.client(await place.simulator("binance")))
            await listener.open("quotes", "BTCUSDT")
            await listener.more(3)
            assert list(invariants.check_times(listener)) == []
            listener.events.reverse()
            assert [text[:2] for text in invariants.check_times(listener)] == ["I2"]

    virtual(main)


def test_dials_control_messages_and_broken_limits_are_told(heard: Any) -> None:
    def check(listener: Listener, simulator: Any) -> None:
        journal = simulator.journal
        checks = (
            lambda: list(invariants.check_dials(simulator, opens=1, streams=1)),
            lambda: list(invariants.check_pace(simulator)),
            lambda: list(invariants.check_limits(simulator)),
        )
        assert [broken() for broken in checks] == [[], [], []]
        for kind, count in (("dial", 12), ("control", 6), ("violation", 1)):
            for _ in range(count):
                journal.record(kind)
        assert [[text[:2] for text in broken()] for broken in checks] == [["I9"], ["I9"], ["I9"]]

    heard(check)


def test_a_stream_that_the_server_lacks_is_no_convergence(heard: Any) -> None:
    async def check(listener: Listener, simulator: Any) -> None:
        simulator.faults.set("refuse:503")
        simulator.connections.drop()
        await until(lambda: listener.subscription.state == "recovering", "the drop to be noticed")
        assert not invariants.has_converged([listener], [listener.client], [simulator])

    heard(check)


def test_dials_are_counted_by_window() -> None:
    assert invariants.most_within([], 5) == 0
    assert invariants.most_within([0, 1, 2, 10, 11, 12, 13], 5) == 4


def test_sockets_are_counted() -> None:
    assert invariants.open_sockets() >= 0


def test_secrets_are_found() -> None:
    assert list(invariants.check_secrecy(["canary"], ["fine", "a canary sings"])) != []
    assert list(invariants.check_secrecy(["canary"], ["fine"])) == []
