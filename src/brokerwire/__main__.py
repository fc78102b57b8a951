"""``python -m brokerwire`` and the ``brokerwire`` command."""

import sys


def main() -> None:
    """Run the command line; says what to install where its extra is missing."""
    try:
        from brokerwire.cli.app import run
    except ModuleNotFoundError as exc:
        if exc.name not in {"typer", "rich"}:
            raise
        sys.exit('the command line needs its extra: pip install "brokerwire[cli]"')
    run()


if __name__ == "__main__":
    main()
