"""Prints the benchmark: ``python -m tests.bench``. It reports; it is not a timed test."""

from itertools import groupby

from brokerwire.testing.bench import measure

for wire, results in groupby(measure(), key=lambda result: result.wire):
    print(f"{wire + ', 175 bytes a message':<54} {'messages/s':>12}   ratio to bare aiohttp")
    for result in results:
        print(f"  {result.name:<52} {result.messages_per_s:>12,.0f}   {result.ratio:.2f}")
