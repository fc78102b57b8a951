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
Count: TypeAlias = int | float


class Adjustment(StrEnum):
    """What past prices are adjusted for."""

    SPLITS = "splits"
    DIVIDENDS = "dividends"


class OHLCVBar(Model):
    """One bar: its start in whole seconds of UTC, prices in the instrument's currency, and its volume.

    A whole volume is an ``int``; fractions, which crypto pairs trade in, stay ``float``. 0 where the instrument has
    none.
    """

    timestamp: int
    open: float
    high: float
    low: float
    close: float
    volume: Count = 0

    @classmethod
    def from_array(cls, values: Sequence[float]) -> Self:
        """Return the bar of ``[time, open, high, low, close]``, with or without a volume behind.

        Raises:
            SeriesError: It has another length; also a ``ValueError``.
        """
        if len(values) not in {5, 6}:
            raise SeriesError(f"a bar is five or six numbers, not {len(values)}")
        time_s, open_, high, low, close, *rest = values
        volume = counted(rest[0]) if rest and rest[0] is not None else 0
        return cls(timestamp=int(time_s), open=open_, high=high, low=low, close=close, volume=volume or 0)

    @classmethod
    def from_event(cls, bar: Bar) -> Self:
        """Return a bar of ours as one of tvkit's."""
        return cls(
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
    return int(number) if float(number).is_integer() else float(number)


class _WireMessage(Model):
    """A message with a method and arguments, the first of which is the session."""

    message_type: str = field(name="m")
    parameters: list[Any] = field(name="p", default_factory=list)

    kinds: ClassVar[frozenset[str]] = frozenset()

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


class WebSocketMessage(_WireMessage):
    """Any message of the wire."""

    @property
    def data(self) -> Mapping[str, Any]:
        """What the message says: its second argument where that is an object, else empty."""
        return self._argument()


class QuoteSymbolData(_WireMessage):
    """A quote as its changes have made it; the message holds all fields known so far, not only those that changed."""

    kinds: ClassVar[frozenset[str]] = frozenset({"qsd"})

    @classmethod
    def from_event(cls, quote: Quote) -> Self:
        """Return a quote of ours as one of tvkit's."""
        body = {"n": quote.symbol, "s": "ok", "v": known(quote)}
        return cls(message_type="qsd", parameters=[session_of(quote), body])

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


class QuoteCompletedMessage(_WireMessage):
    """The venue has sent all first values of a symbol."""

    kinds: ClassVar[frozenset[str]] = frozenset({"quote_completed"})

    @property
    def symbol(self) -> str:
        """The symbol as it was asked for."""
        return str(self.parameters[1]) if len(self.parameters) > 1 else ""


class SeriesData(Model):
    """One point of a series: where it stands on the time scale, and its values."""

    index: int = field(name="i")
    values: list[Any] = field(name="v")

    @property
    def ohlcv_bar(self) -> OHLCVBar:
        """The point as a bar."""
        return OHLCVBar.from_array(self.values)


class SeriesUpdate(Model):
    """What changed of one series: its points, namespace, turnaround and when its newest bar closes."""

    series_data: list[SeriesData] = field(name="s")
    namespace: dict[str, Any] = field(name="ns", default_factory=dict)
    type: str = field(name="t", default="")
    last_bar_status: dict[str, Any] = field(name="lbs", default_factory=dict)


class OHLCVResponse(_WireMessage):
    """A message with bars: a page of history, or what changed."""

    kinds: ClassVar[frozenset[str]] = frozenset({"du", "timescale_update"})

    @property
    def series_updates(self) -> dict[str, SeriesUpdate]:
        """What changed, by the id of the series; studies are left out."""
        return dict(self._updates())

    def _updates(self) -> Iterator[tuple[str, SeriesUpdate]]:
        for name, part in self._argument().items():
            if isinstance(part, Mapping) and part.get("s"):
                yield name, SeriesUpdate.model_validate(part)

    @property
    def ohlcv_bars(self) -> list[OHLCVBar]:
        """The bars of every series, in the order of the message."""
        return [point.ohlcv_bar for update in self.series_updates.values() for point in update.series_data]


class TimescaleUpdateResponse(OHLCVResponse):
    """A page of history, or new bars."""

    kinds: ClassVar[frozenset[str]] = frozenset({"timescale_update"})
