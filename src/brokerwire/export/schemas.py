"""The fixed table of each kind of event: its columns, their types and what they hold."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Literal, TypeAlias, TypeVar, cast, get_args

from msgspec import Struct

from brokerwire.errors import ConfigurationError
from brokerwire.events import Bar, Event, Quote, StudyPoint, Trade

Kind: TypeAlias = Literal["bar", "quote", "trade", "study"]
ColumnType: TypeAlias = Literal["text", "texts", "number", "integer", "flag", "time"]

KINDS: tuple[Kind, ...] = get_args(Kind)
EVENT_TYPES: Mapping[Kind, type[Event]] = {"bar": Bar, "quote": Quote, "trade": Trade, "study": StudyPoint}

AnyEvent = TypeVar("AnyEvent", bound=Event)

_PLOT = "plot_"


class Column(Struct, frozen=True):
    """A column of a table: its name, its type, and what it holds in which unit.

    ``field`` is the event's field; a time's name leaves out its ``_ns``, which the type says.
    """

    name: str
    type: ColumnType
    holds: str
    field: str


def _column(field: str, column_type: ColumnType, holds: str) -> Column:
    return Column(field.removesuffix("_ns") if column_type == "time" else field, column_type, holds, field)


_EVENT = (
    _column("venue", "text", "the venue's name"),
    _column("symbol", "text", "as it was subscribed or asked for"),
    _column("time_ns", "time", "the venue's event time"),
    _column("received_ns", "time", "when it arrived here"),
)
_INTERVAL = (
    _column("interval", "text", "1m, 1h, 1d..."),
    _column("open_time_ns", "time", "when the bar opened"),
)

SCHEMAS: Mapping[Kind, tuple[Column, ...]] = {
    "bar": (
        *_EVENT,
        *_INTERVAL,
        _column("open", "number", "price, quote currency"),
        _column("high", "number", "price, quote currency"),
        _column("low", "number", "price, quote currency"),
        _column("close", "number", "price, quote currency"),
        _column("volume", "number", "units of the instrument"),
        _column("vwap", "number", "volume-weighted average price"),
        _column("trade_count", "integer", "trades in the bar"),
        _column("is_closed", "flag", "whether the bar is final"),
        _column("origin", "text", "stream or backfill"),
    ),
    "quote": (
        *_EVENT,
        _column("bid", "number", "price, quote currency"),
        _column("bid_size", "number", "units of the instrument"),
        _column("ask", "number", "price, quote currency"),
        _column("ask_size", "number", "units of the instrument"),
        _column("last", "number", "price, quote currency"),
        _column("last_size", "number", "units of the instrument"),
        _column("volume", "number", "of the day, units of the instrument"),
        _column("open", "number", "of the day, price"),
        _column("high", "number", "of the day, price"),
        _column("low", "number", "of the day, price"),
        _column("previous_close", "number", "price, quote currency"),
        _column("change", "number", "since the previous close, price"),
        _column("change_percent", "number", "since the previous close, percent"),
    ),
    "trade": (
        *_EVENT,
        _column("price", "number", "price, quote currency"),
        _column("size", "number", "units of the instrument"),
        _column("side", "text", "the aggressor's: buy or sell"),
        _column("trade_id", "text", "the venue's own"),
        _column("conditions", "texts", "the venue's codes"),
    ),
    "study": (*_EVENT, _column("study", "text", "the study's name"), *_INTERVAL),
}
"""The columns of each kind, in order; those of a study are followed by one for each of its plots."""


def kind_of(event: Any) -> Kind:
    """Return the kind of an event that has a table.

    Raises:
        ConfigurationError: It has none.
    """
    kind = getattr(event, "kind", None)
    if not isinstance(event, Event) or kind not in SCHEMAS:
        what = kind if isinstance(event, Event) else type(event).__name__
        raise ConfigurationError(f"there is no table for {what!r}; there is one for each of {', '.join(KINDS)}")
    return cast(Kind, kind)


def check_kind(kind: str) -> Kind:
    """Return ``kind``.

    Raises:
        ConfigurationError: It is not the name of a table.
    """
    if kind not in SCHEMAS:
        raise ConfigurationError(f"there is no table {kind!r}; there is one for each of {', '.join(KINDS)}")
    return cast(Kind, kind)


def each_of(events: Iterable[AnyEvent]) -> Iterator[AnyEvent]:
    """Return the events one by one.

    Raises:
        ConfigurationError: It is not a number of events, but one by itself or something else.
    """
    if not isinstance(events, Iterable):  # an event is none, though its fields make ``iter()`` believe so
        raise ConfigurationError(f"give a list of events, not a {type(events).__name__} by itself")
    return iter(events)


def of_one_kind(events: Iterable[Event], kind: Kind | None = None) -> tuple[Kind, Iterator[Event]]:
    """Return the kind of some events, and the same events, each checked when it is taken.

    Raises:
        ConfigurationError: They are of several kinds, or there is none and ``kind`` does not say which it would be, or
            it is an event by itself.
    """
    remaining = each_of(events)
    first = next(remaining, None)
    expected = None if kind is None else check_kind(kind)
    if first is None:
        if expected is None:
            raise ConfigurationError("there are no events; say of which kind they would be: kind='bar'")
        return expected, iter(())
    found = expected or kind_of(first)
    return found, _checked(chain((first,), remaining), found)


def _checked(events: Iterable[Event], kind: Kind) -> Iterator[Event]:
    for event in events:
        if getattr(event, "kind", None) != kind:
            raise ConfigurationError(f"a {kind_of(event)} among events of the kind {kind}; a file holds one kind")
        yield event


def columns_of(kind: Kind, plots: Iterable[str] = ()) -> tuple[Column, ...]:
    """Return the columns of a kind; ``plots`` are those of a study."""
    fixed = SCHEMAS[kind]
    taken = {column.name for column in fixed}
    return (
        *fixed,
        *(Column(f"{_PLOT}{plot}" if plot in taken else plot, "number", "value of the plot", plot) for plot in plots),
    )


def plots_of(events: Iterable[Event]) -> tuple[str, ...]:
    """Return the names of the plots of study points, in the order they first appear."""
    return tuple(dict.fromkeys(plot for event in events for plot in getattr(event, "values", ())))


def columns_named(names: Iterable[str]) -> tuple[Kind, tuple[Column, ...]]:
    """Return the kind whose table has the given column names, and its columns.

    Raises:
        ConfigurationError: They are the columns of no table.
    """
    given = tuple(names)
    for kind, fixed in SCHEMAS.items():
        head = tuple(column.name for column in fixed)
        if given == head or (kind == "study" and given[: len(head)] == head):
            return kind, columns_of(kind, (_plot_named(name, head) for name in given[len(head) :]))
    raise ConfigurationError(f"these are the columns of no table: {', '.join(given[:8])}")


def _plot_named(name: str, taken: tuple[str, ...]) -> str:
    plot = name.removeprefix(_PLOT)
    return plot if plot in taken else name
