"""``brokerwire record``: write down what the wires of some streams carry, until told to stop."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from brokerwire import Client, Subscription
from brokerwire.cli.options import Accounts, Count, Duration, Environment, Venue, new_client
from brokerwire.cli.output import describe
from brokerwire.cli.running import run
from brokerwire.cli.stream import Opener, Sink, Symbols
from brokerwire.events import Gap, Overflow
from brokerwire.recording import Recorder

app = typer.Typer(help="Record what live streams carry, for a replay by the simulator.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the files go; made when it is missing.")]
Limits: TypeAlias = tuple[float | None, int | None]
Open: TypeAlias = Callable[[Client, Sink], Awaitable[Subscription[Any]]]


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
            await _wait(subscription, sink, seconds)
    finally:
        found = recorder.health()
        text = f"{found['batches']} batches in {found['files']} files in {folder}, {found['dropped']} dropped"
        typer.echo(text, err=True)


async def _wait(subscription: Subscription[Any], sink: Sink, seconds: float | None) -> None:
    """Wait until the time is over, enough was heard, or the subscription ends, which raises its error."""
    ended = asyncio.create_task(subscription.wait_closed())
    enough = asyncio.create_task(sink.done.wait())
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.wait({ended, enough}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            ended.result()
    finally:
        for task in (ended, enough):
            task.cancel()
        await asyncio.gather(ended, enough, return_exceptions=True)


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
        def opening(client: Client, sink: Sink) -> Awaitable[Subscription[Any]]:
            stream: Opener = getattr(client.market_data, method)
            return stream(symbols, sink.on_event, **sink.callbacks)

        _record(opening, folder, venue=venue, environment=environment, limits=(seconds, count))

    app.command(name, help=text)(command)


_add_symbol_command("quotes", "Best bids and asks.", "stream_quotes")
_add_symbol_command("trades", "Trades.", "stream_trades")


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

    def opening(client: Client, sink: Sink) -> Awaitable[Subscription[Any]]:
        stream = client.market_data.stream_bars
        return stream(symbols, interval, sink.on_event, bars_back=bars_back, **sink.callbacks)

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

    def opening(client: Client, sink: Sink) -> Awaitable[Subscription[Any]]:
        return client.market_data.stream_market_depth(symbols, sink.on_event, depth=levels, **sink.callbacks)

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
        def opening(client: Client, sink: Sink) -> Awaitable[Subscription[Any]]:
            return stream_of(client)(sink.on_event, accounts=account, **sink.callbacks)

        _record(opening, folder, venue=venue, environment=environment, limits=(seconds, count))

    app.command(name, help=text)(command)


_add_account_command("orders", "Changes of orders, and executions.", lambda c: c.order_execution.stream_order_updates)
_add_account_command("positions", "Positions and their changes.", lambda c: c.brokerage.stream_position_changes)
_add_account_command("balances", "Balances and their changes.", lambda c: c.brokerage.stream_balance_changes)
