"""``brokerwire simulate``: the offline venue as a process of its own, for clients in any language."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from brokerwire.cli.running import run
from brokerwire.simulator import Simulator

_FAIR = "fair"


def _parse_speed(text: str) -> float | Literal["max"]:
    if text == "max":
        return "max"
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if speed <= 0:
        raise typer.BadParameter("a speed is a positive number or max")
    return speed


def serve(
    *,
    venue: Annotated[str, typer.Option("--venue", "-v", help="Whose protocol to speak.")] = "tradestation",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 picks a free one.")] = 0,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed gives the same market.")] = None,
    fault: Annotated[list[str] | None, typer.Option("--fault", help="A fault script by name; may be repeated.")] = None,
    weather: Annotated[
        list[str] | None,
        typer.Option(
            "--weather", metavar="KIND[:AMOUNT][,OPTION=VALUE...]", help="What is wrong with the network; see above."
        ),
    ] = None,
    calendar: Annotated[str, typer.Option("--calendar", help="open, or real for the venue's hours.")] = "open",
    replay: Annotated[Path | None, typer.Option("--replay", help="A folder with a recorded session.")] = None,
    speed: Annotated[str, typer.Option("--speed", help="Of the replay: 1, 10 or max.")] = "1",
    as_json: Annotated[bool, typer.Option("--json", help="Nothing for people besides the seed.")] = False,
) -> None:
    """Serve a simulated venue on 127.0.0.1 until interrupted; its first line says where and with what credentials.

    With ``--weather``, which may be repeated, the addresses lead through a bad network:

    * ``latency:50ms,jitter=20ms`` everything arrives later, with jitter by up to so much more

    * ``bandwidth:10kB`` so many bytes pass in a second

    * ``slicer:16,delay=5ms`` small pieces, each taking a while

    * ``black_hole`` nothing passes and nothing ends

    * ``reset:4096`` connections are reset after so many bytes; without a number, inside the next piece

    * ``slow_close:5s`` the end of a connection is passed on late

    * ``half_open`` the server's side is gone and the client's side is not told

    * ``limit_data:64KiB`` connections end, cleanly, after so many bytes

    * ``fair`` nothing yet: it can be changed over HTTP at the address that is told as control

    Each takes ``probability=0.1`` (the chance that a connection suffers), ``direction=up`` or ``down``, ``times=3``
    (it ends after so many connections were cut) and ``reach=open`` (only connections that are open when it is set).
    """
    if calendar not in {"open", "real"}:
        raise typer.BadParameter("--calendar is open or real")
    simulator = Simulator(
        venue,
        port=port,
        seed=seed,
        faults=fault or (),
        weather=None if not weather else [script for script in weather if script != _FAIR],
        calendar="real" if calendar == "real" else "open",
        replay=replay,
        speed=_parse_speed(speed),
    )
    run(lambda: _serve(simulator, as_json=as_json))


async def _serve(simulator: Simulator, *, as_json: bool) -> None:
    async with simulator:
        line = {
            "venue": simulator.venue,
            "endpoints": dict(simulator.endpoints),
            "credentials": dict(simulator.credentials),
            **({} if simulator.weather is None else {"control": simulator.control}),
        }
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        sys.stdout.flush()
        hint = "" if as_json else "; Ctrl-C ends it"
        typer.echo(f"serving {simulator.venue} with seed {simulator.seed}{hint}", err=True)
        await asyncio.Event().wait()
