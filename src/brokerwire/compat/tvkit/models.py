"""The records of tvkit's chart client: bars, quotes, and the wire's messages as it shows them."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar, Self, TypeAlias

from msgspec import field

from brokerwire.compat.tvkit.errors import SeriesError
from brokerwire.compat.tvkit.model import Model
from brokerwire.events import Bar, Quote

_S = 1_000_000_000
_NO_VALUE = 1e99
_LATEST_S = 7_258_118_400
"""The start of the year 2200: a bar behind it is in milliseconds, or broken."""

Count: TypeAlias = int | float


class Adjustment(StrEnum):
    """What past prices are adjusted for."""

    SPLITS = "splits"
    DIVIDENDS = "dividends"


class OHLCVBar(Model, kw_only=True):
    """One bar: its start in seconds of UTC, prices in the instrument's currency, and its volume.

    Whole seconds and a whole volume are ``int``; fractions, which crypto pairs trade in, stay ``float``. The volume is
    0 where the instrument has none.

    Raises:
        SeriesError: A field is missing, unknown or no number, or the time is not one from 1970 to 2200; also a
            ``ValueError``.
    """

    timestamp: Count
    open: float
    high: float
    low: float
    close: float
    volume: Count

    def __post_init__(self) -> None:
        if not 0 <= self.timestamp <= _LATEST_S:
            raise SeriesError(f"an OHLCVBar opens between 1970 and 2200, in seconds of UTC, not at {self.timestamp!r}")
        self.timestamp, self.volume = _whole(self.timestamp), _whole(self.volume)

    @classmethod
    def from_array(cls, data: Sequence[Any]) -> Self:
        """Return the bar of ``[time, open, high, low, close]``, with or without a volume behind.

        Raises:
            SeriesError: It has another length, or what is no number; also a ``ValueError``.
        """
        if len(data) not in {5, 6}:
            raise SeriesError(f"a bar is five or six numbers, not {len(data)}")
        time_s, open_, high, low, close, *rest = data
        given = rest[0] if rest else None
        volume = counted(given) if isinstance(given, int | float) else given
        return cls(
            timestamp=time_s, open=open_, high=high, low=low, close=close, volume=0 if volume is None else volume
        )

    @classmethod
    def from_event(cls, bar: Bar) -> Self:
        """Return a bar of ours as one of tvkit's."""
        return cls.model_construct(
            timestamp=bar.open_time_ns // _S,
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=counted(bar.volume) or 0,
        )


def counted(number: float | None) -> Count | None:
    """Return a whole number as an ``int``, and None for what the venue writes where there is no value."""
    if number is None or number >= _NO_VALUE:
        return None
    return _whole(float(number))


def _whole(number: Count) -> Count:
    return int(number) if float(number).is_integer() else number


class _WireMessage(Model, kw_only=True):
    """A message with a method and arguments, the first of which is the session."""

    message_type: str = field(name="m")
    parameters: list[Any] = field(name="p")

    kinds: ClassVar[frozenset[str]] = frozenset()
    computed: ClassVar[tuple[str, ...]] = ("session_id",)

    def __post_init__(self) -> None:
        if self.kinds and self.message_type not in self.kinds:
            wanted = " or ".join(sorted(self.kinds))
            raise SeriesError(f"a {type(self).__name__} is a message {wanted}, not {self.message_type!r}")

    @property
    def session_id(self) -> str:
        """The session that the message is about."""
        return str(self.parameters[0]) if self.parameters else ""

    def _argument(self) -> Mapping[str, Any]:
        second = self.parameters[1] if len(self.parameters) > 1 else None
        return second if isinstance(second, Mapping) else {}


class _OpenMessage(_WireMessage, kw_only=True):
    """A message that may have further fields: they are attributes too, and together ``model_extra``."""

    model_extra: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.model_extra[name]
        except KeyError as exc:
            raise AttributeError(f"a {type(self).__name__} has no {name!r}") from exc

    def _more(self) -> dict[str, Any]:
        return self.model_extra


class WebSocketMessage(_OpenMessage, kw_only=True):
    """Any message of the wire."""

    @property
    def data(self) -> Mapping[str, Any]:
        """What the message says: its second argument where that is an object, else empty."""
        return self._argument()


class QuoteSymbolData(_WireMessage, kw_only=True):
    """A quote as its changes have made it; the message holds all fields known so far, not only those that changed."""

    kinds: ClassVar[frozenset[str]] = frozenset({"qsd"})
    computed: ClassVar[tuple[str, ...]] = ("session_id", "quote_data", "current_price", "symbol_info")

    @classmethod
    def from_event(cls, quote: Quote) -> Self:
        """Return a quote of ours as one of tvkit's."""
        body = {"n": quote.symbol, "s": "ok", "v": known(quote)}
        return cls.model_construct(message_type="qsd", parameters=[session_of(quote), body])

    @property
    def quote_data(self) -> Mapping[str, Any]:
        """The symbol ``n``, its status ``s`` and its fields ``v``."""
        return self._argument()

    @property
    def symbol_info(self) -> dict[str, Any]:
        """Every field that is known, by the venue's names."""
        fields = self.quote_data.get("v")
        return dict(fields) if isinstance(fields, Mapping) else {}

    @property
    def current_price(self) -> float | None:
        """The last price, None while there is none."""
        return self.symbol_info.get("lp")

    @property
    def volume(self) -> Count | None:
        """The session's volume, None where the instrument has none."""
        return counted(self.symbol_info.get("volume"))

    @property
    def change(self) -> float | None:
        """The change from the previous close, in the instrument's currency."""
        return self.symbol_info.get("ch")

    @property
    def change_percent(self) -> float | None:
        """The change from the previous close, in percent."""
        return self.symbol_info.get("chp")


def session_of(quote: Quote) -> str:
    """Return the quote session that a quote came on."""
    packet = quote.raw
    arguments = packet.get("p") if isinstance(packet, Mapping) else None
    return str(arguments[0]) if isinstance(arguments, list) and arguments else ""


def known(quote: Quote) -> dict[str, Any]:
    """Return the fields of a quote that have a value, by the venue's names."""
    return {name: value for name in quote.keys() if (value := _value(quote[name])) is not None}  # noqa: SIM118  # an event is no mapping


def _value(value: Any) -> Any:
    return None if isinstance(value, int | float) and value >= _NO_VALUE else value


class QuoteCompletedMessage(_WireMessage, kw_only=True):
    """The venue has sent all first values of a symbol."""

    kinds: ClassVar[frozenset[str]] = frozenset({"quote_completed"})
    computed: ClassVar[tuple[str, ...]] = ("session_id", "symbol")

    @property
    def symbol(self) -> str:
        """The symbol as it was asked for."""
        return str(self.parameters[1]) if len(self.parameters) > 1 else ""


class SeriesData(Model, kw_only=True):
    """One point of a series: where it stands on the time scale, and its values."""

    index: int = field(name="i")
    values: list[float | None] = field(name="v")

    computed: ClassVar[tuple[str, ...]] = ("ohlcv_bar",)

    @property
    def ohlcv_bar(self) -> OHLCVBar:
        """The point as a bar."""
        return OHLCVBar.from_array(self.values)


class NamespaceData(Model, kw_only=True):
    """What an update says about itself, and whether places on the time scale have changed."""

    description: str = field(name="d", default="")
    indexes: str | list[Any] = "nochange"


class LastBarStatus(Model, kw_only=True):
    """When the newest bar closes, in seconds of UTC."""

    bar_close_time: float | None = None


class SeriesUpdate(Model, kw_only=True):
    """What changed of one series: its points, namespace, turnaround and when its newest bar closes."""

    series_data: list[SeriesData] = field(name="s")
    namespace: NamespaceData = field(name="ns", default_factory=NamespaceData)
    type: str = field(name="t", default="")
    last_bar_status: LastBarStatus = field(name="lbs", default_factory=LastBarStatus)


class OHLCVResponse(_OpenMessage, kw_only=True):
    """A message with bars: a page of history, or what changed."""

    kinds: ClassVar[frozenset[str]] = frozenset({"du", "timescale_update"})
    computed: ClassVar[tuple[str, ...]] = ("session_id", "series_updates", "ohlcv_bars")

    def __post_init__(self) -> None:
        _WireMessage.__post_init__(self)
        if len(self.parameters) < 2:
            raise SeriesError(f"a {type(self).__name__} has a session and its data, not {len(self.parameters)} of them")

    @property
    def series_updates(self) -> dict[str, SeriesUpdate]:
        """What changed, by the id of the series; studies are left out."""
        return dict(self._updates())

    def _updates(self) -> Iterator[tuple[str, SeriesUpdate]]:
        for name, part in self._argument().items():
            if isinstance(part, Mapping) and part.get("s"):
                yield name, SeriesUpdate.from_wire(part)

    @property
    def ohlcv_bars(self) -> list[OHLCVBar]:
        """The bars of every series, in the order of the message."""
        return [point.ohlcv_bar for update in self.series_updates.values() for point in update.series_data]


class TimescaleUpdateResponse(OHLCVResponse, kw_only=True):
    """A page of history, or new bars."""

    kinds: ClassVar[frozenset[str]] = frozenset({"timescale_update"})
    computed: ClassVar[tuple[str, ...]] = ("session_id", "ohlcv_bars")
