"""The rows that can be examined, in the order of the contract."""

from collections.abc import Sequence

from brokerwire.doctor import callbacks, connections, endings, logins, orders, sizes
from brokerwire.doctor.finding import Row
from brokerwire.errors import ConfigurationError

ROWS: tuple[Row, ...] = (
    Row(id="F04", title="The network is gone and TCP does not say so", scenario=connections.half_open),
    Row(id="F05", title="Connected, and mute", scenario=connections.mute),
    Row(id="F09", title="Accepted, then dropped, for ever", scenario=connections.accepted_then_dropped),
    Row(id="F13", title="Credentials are refused", scenario=logins.refused),
    Row(id="F15", title="The login or the connection expires", scenario=logins.expires),
    Row(id="F24", title="A message never ends", scenario=sizes.endless, is_virtual=False),
    Row(id="F30", title="A callback raises", scenario=callbacks.raising),
    Row(id="F31", title="A callback hangs", scenario=callbacks.hanging),
    Row(id="F32", title="A callback is too slow", scenario=callbacks.slow),
    Row(
        id="F33",
        title="A callback blocks the event loop",
        scenario=callbacks.stalled,
        venues=("tradestation", "binance"),  # a loop shared with a server that counts heartbeats blocks that server too
    ),
    Row(id="F36", title="Closed at any moment", scenario=endings.closed_midway),
    Row(id="F41", title="Answers to orders are lost", scenario=orders.answers_lost, venues=("tradestation",)),
)


def examinations(wanted: Sequence[str] = (), *, venue: str | None = None) -> list[tuple[Row, str]]:
    """Return each row with each venue on whose wire it is examined; ``wanted`` ids and a venue narrow them down.

    Raises:
        ConfigurationError: There is no such row, or none of them for the venue.
    """
    known = {row.id: row for row in ROWS}
    ids = [name.upper() for name in wanted]
    for name in ids:
        if name not in known:
            raise ConfigurationError(f"there is no row {name!r} here; there are: {', '.join(known)}")
    rows = [row for row in ROWS if not ids or row.id in ids]
    found = [(row, each) for row in rows for each in row.venues if venue in (None, each)]
    if not found:
        raise ConfigurationError(f"no such row is examined on the wire of {venue!r}")
    return found
