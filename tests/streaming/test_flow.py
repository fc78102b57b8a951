from brokerwire.events import Quote
from brokerwire.streaming.flow import LOOK_INTERVAL_S, STEADY_LOOKS, Flow, Rung


def event() -> Quote:
    return Quote("v", "A", None, 0)


def steady_flow() -> tuple[Flow, float, Quote]:
    flow, now, last = Flow(), 0.0, event()
    for _ in range(STEADY_LOOKS):
        now += LOOK_INTERVAL_S
        last = event()
        assert flow.look(last, now, forgive=False) is Rung.FLOWING
    return flow, now, last


def test_a_topic_that_never_flowed_steadily_is_never_silent() -> None:
    flow = Flow()
    last = event()
    for index in range(1000):
        last = event() if index % 4 == 0 else last
        assert flow.look(last, index * LOOK_INTERVAL_S, forgive=False) is Rung.FLOWING
    assert not flow.is_steady


def test_a_steady_topic_that_stops_climbs_the_ladder() -> None:
    flow, now, last = steady_flow()
    rungs = [flow.look(last, now + delay, forgive=False) for delay in (5, 10, 15, 20, 25)]
    assert rungs == [Rung.FLOWING, Rung.FLOWING, Rung.STALE, Rung.RESUBSCRIBE, Rung.STALE]
    assert flow.is_hopeless


def test_a_new_event_ends_the_silence() -> None:
    flow, now, last = steady_flow()
    flow.look(last, now + 15, forgive=False)
    assert flow.look(event(), now + 20, forgive=False) is Rung.FLOWING
    assert not flow.is_hopeless


def test_a_loop_that_was_held_up_starts_the_silence_anew() -> None:
    flow, now, last = steady_flow()
    assert flow.look(last, now + 30, forgive=True) is Rung.FLOWING
    assert flow.look(last, now + 35, forgive=False) is Rung.FLOWING


def test_a_new_connection_starts_the_silence_anew() -> None:
    flow, now, last = steady_flow()
    flow.restart()
    assert flow.look(last, now + 30, forgive=False) is Rung.FLOWING


def test_a_forgotten_topic_must_become_steady_again() -> None:
    flow, now, last = steady_flow()
    flow.forget()
    assert flow.look(last, now + 60, forgive=False) is Rung.FLOWING
    assert not flow.is_steady
