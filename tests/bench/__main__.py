"""Prints the benchmark: ``python -m tests.bench``. It reports; it is not a timed test."""

from brokerwire.testing.bench import measure

for result in measure():
    print(f"{result.name:<32} {result.messages_per_s:>12,.0f} msg/s   {result.ratio:.2f}")
