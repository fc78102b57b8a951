"""The records of tvkit's streamer: what it is told, in both of its documented forms, and what it yields."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, Self

from msgspec import field

from brokerwire.clock import SystemClock
from brokerwire.compat.tvkit.arguments import MOST_CANDLES, TIMEFRAMES, check_count
from brokerwire.compat.tvkit.errors import DataNotFoundError, SeriesError
from brokerwire.compat.tvkit.model import Model
from brokerwire.compat.tvkit.models import Count, OHLCVBar, counted
from brokerwire.events import Bar, Quote, StudyPoint

ANONYMOUS = "unauthorized_user_token"
ExportType = Literal["json", "csv", "parquet"]
_S = 1_000_000_000


class ExportConfig(Model, kw_only=True):
    """Whether to collect and write what is there, and as what: ``json``, ``csv`` or ``parquet``.

    ``enabled`` and ``format`` are other names of the two.

    Raises:
        SeriesError: The type is none of these, or a field is unknown; also a ``ValueError``.
    """

    export_result: bool = field(name="enabled", default=False)
    export_type: ExportType = field(name="format", default="json")

    @property
    def enabled(self) -> bool:
        """The same as ``export_result``."""
        return self.export_result

    @property
    def format(self) -> ExportType:
        """The same as ``export_type``."""
        return self.export_type


class IndicatorConfig(Model, kw_only=True):
    """A study: a built-in one, such as ``RSI@tv-basicstudies``, or a Pine script, such as ``STD;RSI``.

    The version counts for Pine scripts only.
    """

    indicator_id: str | None = None
    indicator_version: str | None = None

    @property
    def study(self) -> str:
        """The study as ``get_study`` takes it; empty if none is named."""
        name = self.indicator_id or ""
        is_versioned = ";" in name and "@" not in name and self.indicator_version
        return f"{name}@{self.indicator_version}" if is_versioned else name


class StreamConfig(Model, kw_only=True):
    """What to stream: ``symbols`` with ``num_candles``, or, in the older form, ``numb_price_candles`` of one symbol.

    The study and the export may be said here as well; what the streamer itself is given goes first.

    Raises:
        SeriesError: A timeframe, number or symbol is wrong, or a field is unknown; also a ``ValueError``.
    """

    symbols: list[str] = field(default_factory=list)
    timeframe: str = "1m"
    num_candles: int = 10
    numb_price_candles: int = 10
    websocket_jwt_token: str = ANONYMOUS
    include_indicators: bool = False
    indicator_id: str | None = None
    indicator_version: str | None = None
    export_config: ExportConfig | None = None

    def __post_init__(self) -> None:
        if self.timeframe not in TIMEFRAMES:
            raise SeriesError(f"timeframe must be one of {', '.join(TIMEFRAMES)}, not {self.timeframe!r}")
        for name in ("num_candles", "numb_price_candles"):
            if check_count(name, getattr(self, name)) > MOST_CANDLES:
                raise SeriesError(f"{name} must be {MOST_CANDLES} at most")
        for symbol in self.symbols:
            if symbol.count(":") != 1:
                raise SeriesError(f"{symbol!r} is not a symbol; write EXCHANGE:SYMBOL, for example NASDAQ:AAPL")

    @property
    def indicator_config(self) -> IndicatorConfig:
        """The study that is named here, if it is to be included."""
        if not self.include_indicators:
            return IndicatorConfig()
        return IndicatorConfig(indicator_id=self.indicator_id, indicator_version=self.indicator_version)

    @property
    def credentials(self) -> dict[str, str] | None:
        """The token as a credential, None for nobody's."""
        return None if self.websocket_jwt_token == ANONYMOUS else {"auth_token": self.websocket_jwt_token}


class OHLCData(Model, kw_only=True):
    """One bar and its place in the list: seconds of UTC, prices, and the volume, whole ones as ``int``."""

    index: int
    timestamp: float
    open: float
    high: float
    low: float
    close: float
    volume: Count = 0

    @classmethod
    def from_event(cls, bar: Bar, index: int) -> Self:
        """Return a bar of ours."""
        whole = OHLCVBar.from_event(bar)
        return cls.model_construct(
            index=index,
            timestamp=float(whole.timestamp),
            open=whole.open,
            high=whole.high,
            low=whole.low,
            close=whole.close,
            volume=whole.volume,
        )


class OHLCVData(Model, kw_only=True):
    """One bar in exact decimals: seconds of UTC, prices, volume.

    Raises:
        SeriesError: A field is missing, unknown or of another type, a number is not finite, the time is not after 1970
            or the volume is negative; also a ``ValueError``.
    """

    index: int
    timestamp: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    def __post_init__(self) -> None:
        _check_trading(self.timestamp, self.volume, self.open, self.high, self.low, self.close)

    @classmethod
    def from_event(cls, bar: Bar, index: int) -> Self:
        """Return a bar of ours."""
        return cls.model_construct(
            index=index,
            timestamp=bar.open_time_ns // _S,
            open=exact(bar.open),
            high=exact(bar.high),
            low=exact(bar.low),
            close=exact(bar.close),
            volume=exact(bar.volume or 0.0),
        )

    @property
    def datetime(self) -> datetime:
        """The start of the bar in UTC."""
        return datetime.fromtimestamp(self.timestamp, tz=UTC)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields and the start as text, prices and volume as text too."""
        exact_numbers = {name: str(getattr(self, name)) for name in ("open", "high", "low", "close", "volume")}
        moment = self.datetime.isoformat()
        return {"index": self.index, "timestamp": self.timestamp, "datetime": moment, **exact_numbers}


def _check_trading(timestamp: int, volume: Decimal, *prices: Decimal) -> None:
    """Prices may be negative, as those of spreads and, once, of oil.

    Raises:
        SeriesError: The time, the volume or a price cannot be one.
    """
    if timestamp <= 0:
        raise SeriesError(f"timestamp must be seconds of UTC after 1970, not {timestamp}")
    if not all(number.is_finite() for number in (volume, *prices)):
        raise SeriesError("prices and the volume must be finite numbers")
    if volume < 0:
        raise SeriesError(f"the volume must not be negative, but is {volume}")


def exact(number: float) -> Decimal:
    """Return the shortest decimal that is this number: what the venue wrote."""
    return Decimal(repr(number)) if not float(number).is_integer() else Decimal(int(number))


class IndicatorData(Model, kw_only=True):
    """A study at one bar: seconds of UTC, the study's first value, the bar's close, and every value by its plot."""

    index: int
    timestamp: float
    smoothing: float | None = None
    close: float | None = None
    values: dict[str, float | None] = field(default_factory=dict)

    @classmethod
    def from_event(cls, point: StudyPoint, index: int, close: float | None = None) -> Self:
        """Return a study's values at one bar, which closed at ``close``."""
        values = dict(point.values)
        return cls.model_construct(
            index=index,
            timestamp=float(point.open_time_ns // _S),
            smoothing=next(iter(values.values()), None),
            close=close,
            values=values,
        )

    @property
    def datetime(self) -> datetime:
        """The start of the bar in UTC."""
        return datetime.fromtimestamp(self.timestamp, tz=UTC)


class StreamData(Model, kw_only=True):
    """What an exporting stream collected: bars from the oldest, and the study at each of them."""

    ohlc: list[OHLCData] = field(default_factory=list)
    indicator: list[IndicatorData] = field(default_factory=list)

    @classmethod
    def from_events(cls, bars: Sequence[Bar], points: Sequence[StudyPoint] = (), *, study: str = "") -> Self:
        """Return bars and a study's values, each numbered; a value has the close of its bar.

        Raises:
            DataNotFoundError: There are no bars, or no values of the study that is named.
        """
        if not bars or (study and not points):
            raise DataNotFoundError(f"TradingView has no {'bars' if not bars else study} to export")
        closes = {bar.open_time_ns: bar.close for bar in bars}
        return cls.model_construct(
            ohlc=[OHLCData.from_event(bar, index) for index, bar in enumerate(bars)],
            indicator=[
                IndicatorData.from_event(point, index, closes.get(point.open_time_ns))
                for index, point in enumerate(points)
            ],
        )


class TradeData(Model, kw_only=True):
    """The last price of a symbol as it changes; ``volume`` is the session's, 0 where the instrument has none.

    Raises:
        SeriesError: A field is missing, unknown or of another type, a number is not finite, the time is not after 1970
            or the volume is negative; also a ``ValueError``.
    """

    symbol: str
    price: Decimal
    volume: Decimal
    timestamp: int
    side: Literal["buy", "sell"] | None = None

    def __post_init__(self) -> None:
        _check_trading(self.timestamp, self.volume, self.price)

    @classmethod
    def from_event(cls, quote: Quote) -> Self | None:
        """Return a quote of ours as a trade; None while it has no last price."""
        if quote.last is None:
            return None
        time_ns = quote.received_ns if quote.time_ns is None else quote.time_ns
        volume = counted(quote.volume)
        return cls.model_construct(
            symbol=quote.symbol,
            price=exact(quote.last),
            timestamp=time_ns // _S,
            volume=Decimal(0) if volume is None else exact(volume),
        )

    @property
    def datetime(self) -> datetime:
        """When it was traded, in UTC."""
        return datetime.fromtimestamp(self.timestamp, tz=UTC)


def _now() -> datetime:
    return datetime.fromtimestamp(SystemClock().time_ns() / _S, tz=UTC)


class StreamerResponse(Model, kw_only=True):
    """One thing that happened: bars, a trade or a study's values, as ``data_type`` says; the other two are None."""

    symbol: str
    data_type: Literal["ohlcv", "trade", "indicator"]
    timestamp: datetime = field(default_factory=_now)
    ohlcv_data: list[OHLCVData] | None = None
    trade_data: TradeData | None = None
    indicator_data: IndicatorData | None = None
    metadata: dict[str, Any] | None = None
