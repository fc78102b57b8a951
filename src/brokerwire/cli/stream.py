"""``brokerwire stream``: events as they come, until told to stop."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeAlias, TypedDict

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
Opener: TypeAlias = Callable[..., Awaitable[Subscription[Any]]]
"""One of the ``stream_*`` methods."""


class Callbacks(TypedDict):
    """Arguments of every ``stream_*`` method."""

    status_callback: Callable[[Status], None]
    error_callback: Callable[[Exception, Any], None]


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

    @property
    def callbacks(self) -> Callbacks:
        """What every ``stream_*`` method takes besides the callback for events."""
        return {"status_callback": self.on_status, "error_callback": self.on_error}

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
        await until_enough(subscription, sink, seconds)
        stats = subscription.stats
        typer.echo(f"{stats.delivered} events, {stats.dropped} dropped, {stats.gaps} gapped", err=True)


async def until_enough(subscription: Subscription[Any], sink: Sink, seconds: float | None) -> None:
    """Wait until the time is over, enough was heard, or the subscription ends.

    Raises:
        BrokerwireError: The subscription failed.
        OSError: What was heard could not be written.
    """
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


# What each command opens


def opening_symbols(method: str, symbols: list[str], **options: Any) -> Open:
    """Return what opens a market-data stream by the name of its method."""

    def opening(client: Client, sink: Sink) -> Awaitable[Subscription[Any]]:
        stream: Opener = getattr(client.market_data, method)
        return stream(symbols, callback=sink.on_event, **options, **sink.callbacks)

    return opening


def opening_accounts(stream_of: Callable[[Client], Opener], accounts: list[str] | None) -> Open:
    """Return what opens a stream of accounts."""
    return lambda client, sink: stream_of(client)(sink.on_event, accounts=accounts, **sink.callbacks)


SYMBOL_CHANNELS = (
    ("quotes", "Best bids and asks.", "stream_quotes"),
    ("trades", "Trades.", "stream_trades"),
)
ACCOUNT_CHANNELS: tuple[tuple[str, str, Callable[[Client], Opener]], ...] = (
    ("orders", "Changes of orders, and executions.", lambda client: client.order_execution.stream_order_updates),
    ("positions", "Positions and their changes.", lambda client: client.brokerage.stream_position_changes),
    ("balances", "Balances and their changes.", lambda client: client.brokerage.stream_balance_changes),
)
"""Name, help and method of the channels that take nothing but symbols, or accounts."""


def _add_symbol_command(name: str, text: str, method: str) -> None:
    """Add the command of a market-data channel that takes nothing but symbols."""

    def command(
        symbols: Symbols,
        *,
        venue: Venue = None,
        environment: Environment = None,
        seconds: Duration = None,
        count: Count = None,
        as_json: Json = False,
    ) -> None:
        opening = opening_symbols(method, symbols)
        _stream(opening, venue=venue, environment=environment, limits=(seconds, count), as_json=as_json)

    app.command(name, help=text)(command)


for _channel in SYMBOL_CHANNELS:
    _add_symbol_command(*_channel)


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
    opening = opening_symbols("stream_bars", symbols, interval=interval, bars_back=bars_back)
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
    opening = opening_symbols("stream_market_depth", symbols, depth=levels)
    _stream(opening, venue=venue, environment=environment, limits=(seconds, count), as_json=as_json)


def _add_account_command(name: str, text: str, stream_of: Callable[[Client], Opener]) -> None:
    """Add the command of a channel of accounts."""

    def command(
        *,
        account: Accounts = None,
        venue: Venue = None,
        environment: Environment = None,
        seconds: Duration = None,
        count: Count = None,
        as_json: Json = False,
    ) -> None:
        opening = opening_accounts(stream_of, account)
        _stream(opening, venue=venue, environment=environment, limits=(seconds, count), as_json=as_json)

    app.command(name, help=text)(command)


for _accounts in ACCOUNT_CHANNELS:
    _add_account_command(*_accounts)
