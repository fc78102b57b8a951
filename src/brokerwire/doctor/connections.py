"""Rows about connections: one that is dead, one that is mute, one that is dropped again and again."""

from itertools import pairwise

from brokerwire.doctor.finding import Figure, Finding
from brokerwire.doctor.invariants import REDIAL_WINDOW_S, most_within
from brokerwire.doctor.ward import Ward
from brokerwire.simulator import Simulator

T_S = 25.0
STEADY_S = 60.0
"""How long a topic flows before its silence is looked for: twice as long as it takes to be known as steady."""

_BOUNDS = [min(30.0, 0.5 * 2.0**attempt) for attempt in range(1, 40)]


async def half_open(ward: Ward) -> Finding:
    """F04: the network swallows everything in both directions and closes nothing."""
    simulator = await ward.simulator()
    weather = await ward.weather(simulator)
    listener = await ward.listen(ward.client(simulator, weather=weather), "quotes", ward.symbol)
    await listener.more(20)
    died = ward.now()
    weather.set("black_hole")
    noticed = await listener.entered("recovering", within_s=2 * T_S)
    weather.clear()
    back = await listener.entered("live", within_s=120)
    await listener.more(20)
    return Finding(
        "the network swallowed everything and closed nothing",
        (
            Figure(name="noticed after", value=noticed - died, unit="s", at_most=T_S),
            Figure(name="live again after", value=back - died, unit="s", at_most=60.0),
            Figure(name="gaps reported", value=len(listener.gaps), at_least=1),
        ),
    )


async def mute(ward: Ward) -> Finding:
    """F05: heartbeats and pongs go on, data has stopped."""
    simulator = await ward.simulator()
    client = ward.client(simulator)
    has_one = ward.venue == "tradestation"  # a stream of HTTP has its symbols in its address
    listener = await ward.listen(client, "quotes", ward.symbol if has_one else ward.symbols)
    await ward.sleep(STEADY_S)
    simulator.faults.set("mute", **({"times": 1} if has_one else {"heals": "resubscribe"}))
    muted = ward.now()
    stale = await listener.entered("stale", within_s=2 * T_S)
    resumed = await listener.more(10)
    await ward.until(lambda: listener.subscription.state == "live", "the subscription to be live")
    rung = "a new connection" if listener.reconnects else "a new subscription on the same connection"
    return Finding(
        f"heartbeats went on and data stopped; {rung} healed it",
        (
            Figure(name="stale after", value=stale - muted, unit="s", at_most=T_S),
            Figure(name="data again after", value=resumed - muted, unit="s", at_most=2 * T_S),
            Figure(name="reconnects", value=listener.reconnects, at_most=1),
            Figure(name="gaps reported", value=len(listener.gaps), at_least=1),
        ),
    )


async def accepted_then_dropped(ward: Ward) -> Finding:
    """F09: a server that accepts, takes the subscription and drops the connection, for five minutes; three of them."""
    simulators = [await ward.simulator(seed=ward.seed + number) for number in range(3)]
    for simulator in simulators:
        listener = await ward.listen(ward.client(simulator), "quotes", ward.symbol, flows=False)
        await listener.more(5)
    for simulator in simulators:
        simulator.faults.set("close")
    await ward.sleep(REDIAL_WINDOW_S)
    dials = [_dials_of(simulator) for simulator in simulators]
    shares = [share for times in dials for share in _shares(times)]
    return Finding(
        "three servers accepted and dropped their client for five minutes",
        (
            Figure(
                name="redials of one",
                value=max(most_within(times[1:], REDIAL_WINDOW_S) for times in dials),
                at_least=5,
                at_most=20,
            ),
            Figure(
                name="longest wait",
                value=max(new - old for times in dials for old, new in pairwise(times[1:])),
                unit="s",
                at_least=5.0,
            ),
            Figure(
                name="spread of waits", value=100 * (max(shares) - min(shares)), unit="% of their window", at_least=30
            ),
        ),
    )


def _dials_of(simulator: Simulator) -> list[float]:
    return [entry.time_ns / 1e9 for entry in simulator.journal.entries("dial")]


def _shares(dials: list[float]) -> list[float]:
    """Return what part of its window each later wait took; the first few are bounded by the host's budget as well."""
    waits = [new - old for old, new in pairwise(dials)][1:]
    return [wait / bound for wait, bound in zip(waits[3:9], _BOUNDS[4:], strict=False)]
