"""RealtimeStreamer: tvkit's streamer, in both of its documented forms."""

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from brokerwire.client.client import Client
from brokerwire.compat.tvkit.arguments import check_symbols, validate_symbols
from brokerwire.compat.tvkit.errors import SeriesError, tvkit_errors
from brokerwire.compat.tvkit.merging import merged
from brokerwire.compat.tvkit.ohlcv import OHLCV
from brokerwire.compat.tvkit.stream_files import write_stream_data
from brokerwire.compat.tvkit.stream_models import (
    ExportConfig,
    IndicatorConfig,
    IndicatorData,
    OHLCVData,
    StreamConfig,
    StreamData,
    StreamerResponse,
    TradeData,
)
from brokerwire.events import Bar, Event, Quote, StudyPoint


class StreamCall:
    """What ``RealtimeStreamer.stream`` returns: iterate over it at once, or await it first.

    Awaited, it is what was collected where the streamer exports, and itself where it does not.
    """

    def __init__(
        self,
        iterate: Callable[[], AsyncIterator[Any]],
        collect: Callable[[], Coroutine[Any, Any, StreamData]] | None,
    ) -> None:
        self._iterate = iterate
        self._collect = collect

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._iterate()

    def __await__(self) -> Generator[Any, Any, "StreamData | StreamCall"]:
        return self._result().__await__()

    async def _result(self) -> "StreamData | StreamCall":
        return self if self._collect is None else await self._collect()


class RealtimeStreamer:
    """Streams bars, prices and a study of TradingView's symbols.

    ``RealtimeStreamer(StreamConfig(symbols=[...]))`` yields a ``StreamerResponse`` for whatever happens to one of them.
    ``RealtimeStreamer(stream_config=..., export_config=..., indicator_config=...)`` is asked for one symbol:
    ``await streamer.stream(exchange, symbol)`` is an iterator of the wire's messages, or, where it exports, a
    ``StreamData`` of what was there, which is in ``export/`` then.

    Use it as an asynchronous context, or call ``connect`` and ``disconnect``. A connection that ends is opened again.
    """

    def __init__(
        self,
        stream_config: StreamConfig | None = None,
        *,
        export_config: ExportConfig | None = None,
        indicator_config: IndicatorConfig | None = None,
        endpoints: Mapping[str, str] | None = None,
    ) -> None:
        self.config = stream_config or StreamConfig()
        self.export_config = export_config or self.config.export_config or ExportConfig()
        self.indicator_config = indicator_config or self.config.indicator_config
        self._endpoints = endpoints
        self._chart: OHLCV | None = None

    @property
    def is_connected(self) -> bool:
        """Whether it is between ``connect`` and ``disconnect``."""
        return self._chart is not None

    async def connect(self) -> None:
        """Get ready; the connection is opened with the first stream.

        Raises:
            WebSocketException: It could not be done.
        """
        if self._chart is None:
            token = (self.config.credentials or {}).get("auth_token")
            self._chart = OHLCV(auth_token=token, endpoints=self._endpoints)
            await self._chart._setup_services()

    async def disconnect(self) -> None:
        """End everything; safe to call twice."""
        chart, self._chart = self._chart, None
        if chart is not None:
            await chart.close()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.disconnect()

    async def validate_symbols(self, exchange_symbol: str | Sequence[str]) -> bool:
        """Return True if the venue has every symbol.

        Raises:
            SeriesError: There is none, or the venue does not have one of them; also a ``ValueError``.
            WebSocketException: The venue could not be asked.
        """
        if self._chart is None:
            return await validate_symbols(exchange_symbol)
        return await check_symbols(self._chart.client(), exchange_symbol)

    def stream(self, exchange: str | None = None, symbol: str | None = None) -> StreamCall:
        """Stream the symbols of the configuration, or the one that is named.

        Raises:
            SeriesError: Only one of the two is given, or neither and the configuration has no symbols.
        """
        if (exchange is None) != (symbol is None):
            raise SeriesError("name the exchange and the symbol, or neither")
        if exchange is not None:
            name = f"{exchange}:{symbol}"
            collect = (lambda: self._collect(name)) if self.export_config.export_result else None
            return StreamCall(lambda: self._packets(name), collect)
        if not self.config.symbols:
            raise SeriesError("the configuration names no symbols; name them there, or one with the call")
        return StreamCall(self._responses, None)

    def _connected(self) -> OHLCV:
        if self._chart is None:
            raise SeriesError("the streamer is not connected; use it as an asynchronous context, or call connect()")
        return self._chart

    # The wire's messages of one symbol

    async def _packets(self, symbol: str) -> AsyncIterator[dict[str, Any]]:
        chart, config = self._connected(), self.config
        study = self.indicator_config.study
        async for message in chart.messages(symbol, config.timeframe, config.numb_price_candles, study=study):
            yield message

    # What is there of one symbol

    async def _collect(self, symbol: str) -> StreamData:
        """Fetch the newest bars, and the study at them, and write them down."""
        market_data = self._connected().client().market_data
        config, study = self.config, self.indicator_config.study
        with tvkit_errors():
            bars = await market_data.get_bars(symbol, config.timeframe, limit=config.numb_price_candles)
            points = (
                await market_data.get_study(symbol, config.timeframe, study, limit=config.numb_price_candles)
                if study
                else []
            )
            data = StreamData.from_events(bars, points, study=study)
        await write_stream_data(data, symbol, config.timeframe, self.export_config.export_type)
        return data

    # What happens to several symbols

    async def _responses(self) -> AsyncIterator[StreamerResponse]:
        client, config = self._connected().client(), self.config
        board = _Board(config.symbols)
        async with AsyncExitStack() as stack:
            stack.enter_context(tvkit_errors())
            subscriptions = await self._open(client, stack)
            for symbol in config.symbols:
                history = await client.market_data.get_bars(symbol, config.timeframe, limit=config.num_candles)
                yield board.history(symbol, history)
            async for event in merged(*subscriptions):
                response = board.response(event)
                if response is not None:
                    yield response

    async def _open(self, client: Client, stack: AsyncExitStack) -> list[Any]:
        market_data, config, study = client.market_data, self.config, self.indicator_config.study
        opened: list[Any] = [
            await stack.enter_async_context(
                await market_data.stream_bars(config.symbols, config.timeframe, bars_back=1)
            ),
            await stack.enter_async_context(await market_data.stream_quotes(config.symbols)),
        ]
        for symbol in config.symbols if study else ():
            points = await market_data.stream_studies(symbol, config.timeframe, study)
            opened.append(await stack.enter_async_context(points))
        return opened


class _Board:
    """Numbers the bars of each symbol, from the oldest of its history."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self._newest_ns = dict.fromkeys(symbols, 0)
        self._index = dict.fromkeys(symbols, -1)

    def history(self, symbol: str, bars: Sequence[Bar]) -> StreamerResponse:
        rows = [row for bar in bars if (row := self._row(bar)) is not None]
        time_ns = bars[-1].received_ns if bars else 0
        return StreamerResponse(symbol=symbol, data_type="ohlcv", timestamp=_moment(time_ns), ohlcv_data=rows)

    def _row(self, bar: Bar) -> OHLCVData | None:
        """Return a bar with its number; None for one that is older than what was shown."""
        newest_ns = self._newest_ns[bar.symbol]
        if bar.open_time_ns < newest_ns:
            return None
        self._index[bar.symbol] += bar.open_time_ns > newest_ns
        self._newest_ns[bar.symbol] = bar.open_time_ns
        return OHLCVData.from_event(bar, self._index[bar.symbol])

    def response(self, event: Event) -> StreamerResponse | None:
        if isinstance(event, Bar):
            row = self._row(event)
            return None if row is None else _response(event, "ohlcv", ohlcv_data=[row])
        if isinstance(event, Quote):
            trade = TradeData.from_event(event)
            return None if trade is None else _response(event, "trade", trade_data=trade)
        assert isinstance(event, StudyPoint)  # noqa: S101  # nothing else is subscribed to
        point = IndicatorData.from_event(event, max(self._index[event.symbol], 0))
        return _response(event, "indicator", indicator_data=point)


def _response(event: Event, data_type: Any, **data: Any) -> StreamerResponse:
    return StreamerResponse(symbol=event.symbol, data_type=data_type, timestamp=_moment(event.received_ns), **data)


def _moment(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns / 1e9, tz=UTC)
