"""``brokerwire stream``: events as they come, until told to stop."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeAlias

import typer

from brokerwire import Client, Subscription
from brokerwire.cli.options import Accounts, Count, Duration, Environment, Json, Venue, new_client
from brokerwire.cli.output import Printer, describe, is_worth_a_line, printer
from brokerwire.cli.running import run
from brokerwire.events import Status
from brokerwire.redact import escape

app = typer.Typer(help="Print live events as they come.", no_args_is_help=True)

Symbols = Annotated[list[str], typer.Argument(help="One or more symbols.")]
Open: TypeAlias = Callable[[Client, "Sink"], Awaitable[Subscription[Any]]]


class Sink:
    """Prints events, counts them and knows when there are enough."""

    def __init__(self, write: Printer, count: int | None) -> None:
        self._write = write
        self._left = count
        self.done = asyncio.Event()
        self.failure: BaseException | None = None

    def on_event(self, event: Any) -> None:
        """Print one event; what the printing raises ends the command."""
        if self.done.is_set():
            return
        try:
            self._write(event)
        except OSError as exc:
            self.failure = exc
            self.done.set()
            return
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self.done.set()

    def on_status(self, status: Status) -> None:
        """Print losses between the events, everything else beside them."""
        if is_worth_a_line(status):
            self._write(status)
        else:
            typer.echo(describe(status), err=True)

    def on_error(self, error: Exception, _event: Any) -> None:
        """Say what went wrong with part of the subscription."""
        typer.echo(f"error: {escape(str(error))}", err=True)


def _stream(
    opening: Open, *, venue: str | None, environment: str | None, limits: tuple[float | None, int | None], as_json: bool
) -> None:
    run(lambda: _stream_until(opening, venue=venue, environment=environment, limits=limits, as_json=as_json))


async def _stream_until(
    opening: Open, *, venue: str | None, environment: str | None, limits: tuple[float | None, int | None], as_json: bool
) -> None:
    seconds, count = limits
    async with new_client(venue, environment) as client:
        sink = Sink(printer(venue=client.venue, as_json=as_json), count)
        subscription = await opening(client, sink)
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
        if sink.failure is not None:
            raise sink.failure
        stats = subscription.stats
        typer.echo(f"{stats.delivered} events, {stats.dropped} dropped, {stats.gaps} gapped", err=True)


@app.command()
def quotes(
    symbols: Symbols,
    *,
    venue: Venue = None,
    environment: Environment = None,
    seconds: Duration = None,
    count: Count = None,
    as_json: Json = False,
) -> None:
    """Best bids and asks."""

    def opening(client: Client, sink: Sink) -> Awaitable[Subscription[Any]]:
        return client.market_data.stream_quotes(
            symbols, sink.on_event, status_callback=sink.on_status, error_callback=sink.on_error
        )

    _stream(opening, venue=venue, environment=environment, limits=(seconds, count), as_json=as_json)


@app.command()
def trades(
    symbols: Symbols,
    *,
    venue: Venue = None,
    environment: Environment = None,
    seconds: Duration = None,
    count: Count = None,
    as_json: Json = False,
) -> None:
    """Trades."""

    def opening(client: Client, sink: Sink) -> Awaitable[Subscription[Any]]:
        return client.market_data.stream_trades(
            symbols, sink.on_event, status_callback=sink.on_status, error_callback=sink.on_error
        )

    _stream(opening, venue=venue, environment=environment, limits=(seconds, count), as_json=as_json)


@app.command()
def bars(
    symbols: Symbols,
    *,
    interval: Annotated[str, typer.Option("--interval", "-i", help="1m, 5m, 1h, 1d...")] = "1m",
    bars_back: Annotated[int, typer.Option("--bars-back", min=0, help="Bars of history first.")] = 0,
    venue: Venue = None,
    environment: Environment = None,
    seconds: Duration = None,
    count: Count = None,
    as_json: Json = False,
) -> None:
    """Bars, again on every change until they are closed."""

    def opening(client: Client, sink: Sink) -> Awaitable[Subscription[Any]]:
        return client.market_data.stream_bars(
            symbols,
            interval,
            sink.on_event,
            bars_back=bars_back,
            status_callback=sink.on_status,
            error_callback=sink.on_error,
        )

    _stream(opening, venue=venue, environment=environment, limits=(seconds, count), as_json=as_json)


@app.command()
def depth(
    symbols: Symbols,
    *,
    levels: Annotated[int, typer.Option("--levels", min=1, help="Levels a side.")] = 10,
    venue: Venue = None,
    environment: Environment = None,
    seconds: Duration = None,
    count: Count = None,
    as_json: Json = False,
) -> None:
    """Order books."""

    def opening(client: Client, sink: Sink) -> Awaitable[Subscription[Any]]:
        return client.market_data.stream_market_depth(
            symbols, sink.on_event, depth=levels, status_callback=sink.on_status, error_callback=sink.on_error
        )

    _stream(opening, venue=venue, environment=environment, limits=(seconds, count), as_json=as_json)


@app.command()
def orders(
    *,
    account: Accounts = None,
    venue: Venue = None,
    environment: Environment = None,
    seconds: Duration = None,
    count: Count = None,
    as_json: Json = False,
) -> None:
    """Changes of orders, and executions."""

    def opening(client: Client, sink: Sink) -> Awaitable[Subscription[Any]]:
        return client.order_execution.stream_order_updates(
            sink.on_event, accounts=account, status_callback=sink.on_status, error_callback=sink.on_error
        )

    _stream(opening, venue=venue, environment=environment, limits=(seconds, count), as_json=as_json)


@app.command()
def positions(
    *,
    account: Accounts = None,
    venue: Venue = None,
    environment: Environment = None,
    seconds: Duration = None,
    count: Count = None,
    as_json: Json = False,
) -> None:
    """Positions and their changes."""

    def opening(client: Client, sink: Sink) -> Awaitable[Subscription[Any]]:
        return client.brokerage.stream_position_changes(
            sink.on_event, accounts=account, status_callback=sink.on_status, error_callback=sink.on_error
        )

    _stream(opening, venue=venue, environment=environment, limits=(seconds, count), as_json=as_json)


@app.command()
def balances(
    *,
    account: Accounts = None,
    venue: Venue = None,
    environment: Environment = None,
    seconds: Duration = None,
    count: Count = None,
    as_json: Json = False,
) -> None:
    """Balances and their changes."""

    def opening(client: Client, sink: Sink) -> Awaitable[Subscription[Any]]:
        return client.brokerage.stream_balance_changes(
            sink.on_event, accounts=account, status_callback=sink.on_status, error_callback=sink.on_error
        )

    _stream(opening, venue=venue, environment=environment, limits=(seconds, count), as_json=as_json)
