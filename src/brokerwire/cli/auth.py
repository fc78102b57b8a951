"""``brokerwire auth``: log in with a browser once, see the login, forget it."""

import webbrowser
from typing import Annotated

import typer

from brokerwire.cli.options import Environment, Venue, new_client
from brokerwire.cli.running import run

app = typer.Typer(help="Log in, see the login, forget it.", no_args_is_help=True)


@app.command()
def login(
    port: Annotated[
        int | None, typer.Option("--port", help="Of the redirect on this machine; it must be registered.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the browser, or only print the address.")] = True,
    venue: Venue = None,
    environment: Environment = None,
) -> None:
    """Log in with the browser and keep the refresh token in a private file."""

    def announce(address: str) -> None:
        typer.echo(f"log in here: {address}", err=True)
        if browser:
            webbrowser.open(address)

    async def ask() -> str:
        async with new_client(venue, environment) as client:
            return await client.log_in(announce, port=port)

    typer.echo(f"logged in; the token is in {run(ask)}")


@app.command()
def status(venue: Venue = None, environment: Environment = None) -> None:
    """Say whether somebody is logged in."""

    async def ask() -> str:
        async with new_client(venue, environment) as client:
            return client.login_status()

    typer.echo(run(ask))


@app.command()
def logout(venue: Venue = None, environment: Environment = None) -> None:
    """Delete the stored token."""

    async def ask() -> str:
        async with new_client(venue, environment) as client:
            return client.log_out()

    typer.echo(run(ask))
