"""The command tree and the one place where errors become a line and an exit code."""

import sys
from typing import Annotated

import typer

from brokerwire import __version__
from brokerwire.cli import account, auth, bench, doctor, export, history, orders, record, simulate, stream, venues
from brokerwire.cli.running import INTERRUPTED, Ended
from brokerwire.errors import BrokerwireError
from brokerwire.redact import escape

app = typer.Typer(
    name="brokerwire",
    help="Live market data, orders and accounts from any broker, and an offline venue to try them on.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(stream.app, name="stream")
app.add_typer(record.app, name="record")
app.command("history")(history.fetch)
app.add_typer(export.app, name="export")
app.add_typer(orders.app, name="orders")
app.add_typer(auth.app, name="auth")
app.command("account")(account.show)
app.command("venues")(venues.show)
app.command("simulate")(simulate.serve)
app.command("bench")(bench.run)
app.command("doctor")(doctor.examine_or_check)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"brokerwire {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def run() -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 143 terminated."""
    try:
        app()
    except Ended as exc:
        sys.exit(exc.exit_code)
    except KeyboardInterrupt:  # pragma: no cover - an interrupt just before or after the command itself
        sys.exit(INTERRUPTED)
    except (BrokerwireError, OSError, ValueError) as exc:
        typer.echo(f"error: {escape(str(exc))}", err=True)
        sys.exit(1)
