"""Rows about logins: a token that is refused, and one that expires while streams are open."""

from itertools import pairwise

from brokerwire.client.client import Client
from brokerwire.doctor.finding import Figure, Finding, Missed
from brokerwire.doctor.listener import Listener
from brokerwire.doctor.ward import Ward
from brokerwire.errors import BrokerwireError

TOKEN_LIFE_S = 300.0
RENEWALS = 3
HAND_OVERS = 3


async def refused(ward: Ward) -> Finding:
    """F13: the venue refuses the token, or the handshake, however often it is asked."""
    simulator = await ward.simulator()
    client = ward.client(simulator)
    await client.start()
    if client.tokens is not None:
        await client.tokens.token()
    script, dial = ("reject_auth:401", "/stream") if ward.venue == "tradestation" else ("refuse:401", "/s")
    simulator.faults.set(script, channel=dial)
    began = ward.now()
    error = await _refusal(ward, client)
    figures = [
        Figure(name="attempts", value=simulator.journal.count("dial"), at_most=2),
        Figure(name="given up after", value=ward.now() - began, unit="s", at_most=10.0),
        Figure(name="slots held afterwards", value=len(client.streams), at_most=0),
    ]
    if client.tokens is not None:
        renewals = client.tokens.refresh_count - 1
        figures.append(Figure(name="forced token refreshes", value=renewals, at_least=1, at_most=1))
    return Finding(f"the venue answered 401; the call raised {type(error).__name__}", tuple(figures))


async def _refusal(ward: Ward, client: Client) -> BrokerwireError:
    try:
        await ward.listen(client, "quotes", ward.symbol)
    except BrokerwireError as exc:
        return exc
    raise Missed("a refused stream was opened")


async def expires(ward: Ward) -> Finding:
    """F15: the token expires while a stream is open; where the venue ends streams, they are handed over."""
    return await (_handed_over(ward) if ward.venue == "binance" else _renewed(ward))


async def _renewed(ward: Ward) -> Finding:
    simulator = await ward.simulator({"token_life_s": TOKEN_LIFE_S})
    client = ward.client(simulator)
    listener = await ward.listen(client, "quotes", ward.symbol)
    tokens = client.tokens
    if tokens is None:
        raise Missed("a venue with tokens has none")
    began, lives = ward.now(), []
    for number in range(2, 2 + RENEWALS):
        renewed = await ward.until(lambda: tokens.refresh_count >= number, "a renewal", within_s=TOKEN_LIFE_S)  # noqa: B023 - waited for before it changes
        lives.append(100 * (renewed - began) / TOKEN_LIFE_S)
        began = renewed
    return Finding(
        f"{RENEWALS} tokens of {TOKEN_LIFE_S / 60:g} minutes ran out under an open stream",
        (
            Figure(name="renewed at", value=max(lives), unit="% of their life", at_least=79, at_most=81),
            *_undisturbed(listener),
        ),
    )


async def _handed_over(ward: Ward) -> Finding:
    simulator = await ward.simulator({"rate": 5})
    listener = await ward.listen(ward.client(simulator), "trades", ward.symbol)
    for number in range(1, 1 + HAND_OVERS):
        await listener.more(50)
        simulator.faults.set("goaway:30", times=1)
        await ward.until(lambda: listener.reconnects >= number, "the hand-over", within_s=60)  # noqa: B023 - waited for before it changes
    await listener.more(50)
    ids = [event.trade_id for event in listener.events]  # type: ignore[attr-defined]  # they are trades
    return Finding(
        f"the venue ended the connection {HAND_OVERS} times, and {len(ids)} trades were heard",
        (
            Figure(name="trades lost", value=sum(max(0, new - old - 1) for old, new in pairwise(ids)), at_most=0),
            Figure(name="trades doubled", value=len(ids) - len(set(ids)), at_most=0),
            *_undisturbed(listener),
        ),
    )


def _undisturbed(listener: Listener) -> tuple[Figure, Figure]:
    return (
        Figure(name="gaps", value=len(listener.gaps), at_most=0),
        Figure(name="changes of state", value=len(listener.states) - 1, at_most=0),
    )
