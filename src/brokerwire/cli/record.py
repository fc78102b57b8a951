"""``brokerwire record``: write down what the wires of some streams carry, until told to stop."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from brokerwire import Client
from brokerwire.cli.options import Accounts, Count, Duration, Environment, Venue, new_client
from brokerwire.cli.output import describe
from brokerwire.cli.running import run
from brokerwire.cli.stream import (
    ACCOUNT_CHANNELS,
    SYMBOL_CHANNELS,
    Open,
    Opener,
    Sink,
    Symbols,
    opening_accounts,
    opening_symbols,
    until_enough,
)
from brokerwire.events import Gap, Overflow
from brokerwire.recording import Recorder

app = typer.Typer(help="Record what live streams carry, for a replay by the simulator.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the files go; made when it is missing.")]
Limits: TypeAlias = tuple[float | None, int | None]


def _record(opening: Open, folder: Path, *, venue: str | None, environment: str | None, limits: Limits) -> None:
    run(lambda: _record_until(opening, folder, venue=venue, environment=environment, limits=limits))


async def _record_until(
    opening: Open, folder: Path, *, venue: str | None, environment: str | None, limits: Limits
) -> None:
    seconds, count = limits
    recorder = Recorder(folder)
    sink = Sink(_say_losses, count)
    try:
        async with new_client(venue, environment, recorder=recorder) as client:
            subscription = await opening(client, sink)
            await until_enough(subscription, sink, seconds)
    finally:
        found = recorder.health()
        text = f"{found['batches']} batches in {found['files']} files in {folder}, {found['dropped']} dropped"
        typer.echo(text, err=True)


def _say_losses(record: Any) -> None:
    if isinstance(record, Gap | Overflow):
        typer.echo(describe(record), err=True)


def _add_symbol_command(name: str, text: str, method: str) -> None:
    """Add the command of a market-data channel that takes nothing but symbols."""

    def command(
        symbols: Symbols,
        *,
        folder: Folder,
        venue: Venue = None,
        environment: Environment = None,
        seconds: Duration = None,
        count: Count = None,
    ) -> None:
        opening = opening_symbols(method, symbols)
        _record(opening, folder, venue=venue, environment=environment, limits=(seconds, count))

    app.command(name, help=text)(command)


for _channel in SYMBOL_CHANNELS:
    _add_symbol_command(*_channel)


@app.command()
def bars(
    symbols: Symbols,
    *,
    folder: Folder,
    interval: Annotated[str, typer.Option("--interval", "-i", help="1m, 5m, 1h, 1d...")] = "1m",
    bars_back: Annotated[int, typer.Option("--bars-back", min=0, help="Bars of history first.")] = 0,
    venue: Venue = None,
    environment: Environment = None,
    seconds: Duration = None,
    count: Count = None,
) -> None:
    """Bars, again on every change until they are closed."""
    opening = opening_symbols("stream_bars", symbols, interval=interval, bars_back=bars_back)
    _record(opening, folder, venue=venue, environment=environment, limits=(seconds, count))


@app.command()
def depth(
    symbols: Symbols,
    *,
    folder: Folder,
    levels: Annotated[int, typer.Option("--levels", min=1, help="Levels a side.")] = 10,
    venue: Venue = None,
    environment: Environment = None,
    seconds: Duration = None,
    count: Count = None,
) -> None:
    """Order books."""
    opening = opening_symbols("stream_market_depth", symbols, depth=levels)
    _record(opening, folder, venue=venue, environment=environment, limits=(seconds, count))


def _add_account_command(name: str, text: str, stream_of: Callable[[Client], Opener]) -> None:
    """Add the command of a channel of accounts."""

    def command(
        *,
        folder: Folder,
        account: Accounts = None,
        venue: Venue = None,
        environment: Environment = None,
        seconds: Duration = None,
        count: Count = None,
    ) -> None:
        opening = opening_accounts(stream_of, account)
        _record(opening, folder, venue=venue, environment=environment, limits=(seconds, count))

    app.command(name, help=text)(command)


for _accounts in ACCOUNT_CHANNELS:
    _add_account_command(*_accounts)
