"""``python -m tests.fuzz --seconds 120``: fuzzes every venue, led by which code the input reaches.

With ``--runs`` it ends after so many inputs, however fast the machine: with one seed they are the same. Exit code 0
says that nothing but errors of the library came out. What breaks that is shown with its traceback; its input is kept
in the folder that is named; ``python -m tests.fuzz FILE`` runs it again. Without atheris it says so.
"""

import argparse
import contextlib
import io
import logging
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

MOST_BYTES = 256
SEEDS = 100
_MODULES = ["brokerwire.venues", "brokerwire.venue", "brokerwire.events", "brokerwire.transport.http_lines"]


class Consumed:
    """Decisions that are read off the fuzzer's bytes."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    def number(self, low: int, high: int) -> int:
        found: int = self._provider.ConsumeIntInRange(low, high)
        return found

    def data(self, most: int) -> bytes:
        found: bytes = self._provider.ConsumeBytes(most)
        return found


def _seeds(folder: Path, seed: int) -> Path:
    """Return a folder with inputs to begin with: the fuzzer would take long to grow them from nothing."""
    dice = random.Random(seed)
    inputs = folder / "inputs"
    inputs.mkdir()
    for number in range(SEEDS):
        (inputs / f"{number}").write_bytes(dice.randbytes(MOST_BYTES))
    return inputs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--runs", type=int, default=-1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("inputs", nargs="*", type=Path)
    options = parser.parse_args()
    try:
        import atheris
    except ImportError:
        print("NOT TESTED: the guided fuzzing needs atheris, which is not installed here", file=sys.stderr)  # noqa: T201
        return 0
    logging.disable(logging.CRITICAL)
    folder = tempfile.mkdtemp(prefix="brokerwire-fuzz-")
    os.environ["BROKERWIRE_TOKEN_DIR"] = folder
    with contextlib.redirect_stderr(io.StringIO()), atheris.instrument_imports(include=_MODULES):
        from tests.fuzz.corpus import corpus_of, venues
        from tests.fuzz.targets import TARGETS

        corpora = [corpus_of(name) for name in venues()]  # venues are loaded on demand

    def test_one_input(data: bytes) -> None:
        choices = Consumed(atheris.FuzzedDataProvider(data))
        corpus = corpora[choices.number(0, len(corpora) - 1)]
        TARGETS[choices.number(0, len(TARGETS) - 1)](choices, corpus)

    length = f"{options.seconds} s" if options.runs < 0 else f"{options.runs} inputs"
    print(f"guided fuzzing of {', '.join(venues())} for {length}; inputs that break it go to {folder}")  # noqa: T201
    inputs = options.inputs or [_seeds(Path(folder), options.seed)]
    limits = [
        f"-max_total_time={options.seconds}",
        f"-runs={options.runs}",
        f"-max_len={MOST_BYTES}",
        "-len_control=0",
        "-timeout=20",
    ]
    others = [f"-seed={options.seed}", f"-artifact_prefix={folder}/", "-verbosity=0", "-rss_limit_mb=4096"]
    atheris.Setup([sys.argv[0], *map(str, inputs), *limits, *others], test_one_input)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
