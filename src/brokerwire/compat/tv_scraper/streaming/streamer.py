"""Streamer: candles with indicators, and prices as they change."""

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import msgspec

from brokerwire.client.environment import credentials_from_environment
from brokerwire.client.sync_client import SyncClient
from brokerwire.client.sync_subscription import SyncSubscription
from brokerwire.compat.tv_scraper.arguments import (
    ANONYMOUS_TOKEN,
    Indicators,
    candle_count,
    check_timeframe,
    credentials_of,
    export_type_of,
    older_places,
    study_names,
    symbol_name,
)
from brokerwire.compat.tv_scraper.candles import explained, fetch_candles, price_tick, study_row
from brokerwire.compat.tv_scraper.envelope import Envelope, PartlyDone, enveloped, failed, succeeded
from brokerwire.compat.tv_scraper.streaming.utils import list_indicators
from brokerwire.errors import BrokerwireError, InvalidSymbolError
from brokerwire.events import Quote, StudyPoint
from brokerwire.export import file_name, write_new, write_new_rows
from brokerwire.export.naming import FOLDER


class Streamer:
    """Candles, indicators and prices of TradingView, without async.

    Methods answer with ``{"status", "data", "metadata", "error"}`` and raise nothing; the generator raises. Nothing is
    connected before the first call. The environment is that of ``BROKERWIRE_ENVIRONMENT``.

    Args:
        export: ``json`` or ``csv``: answers are also written to ``export/``, as that; None writes nothing. The 1.1 line
            has ``export_result`` in this place: True or False, with its ``export_type`` behind it.
        cookie: The cookies of a browser that is logged in; None reads ``TRADINGVIEW_COOKIE``.
        websocket_jwt_token: A token of TradingView's, for what needs a login.
        export_result: Whether answers are also written to ``export/``, as the 1.1 line has it.
        export_type: ``json`` or ``csv``, for ``export_result``.
        client: A client to use, which is not closed with this.

    Raises:
        ValueError: An option is wrong; the text says which.
    """

    def __init__(
        self,
        export: str | bool | None = None,
        cookie: str | None = None,
        websocket_jwt_token: str = ANONYMOUS_TOKEN,
        *,
        export_result: bool = False,
        export_type: str = "json",
        client: SyncClient | None = None,
    ) -> None:
        if isinstance(export, bool):
            export_result, export = export, None
            export_type, cookie = older_places(export_type, cookie)
        self.export_result = bool(export_result) or export is not None
        self.export_type = export_type_of("export_type", export_type)
        if export is not None:
            self.export_type = export_type_of("export", export)
        known = credentials_from_environment({"cookie": "TRADINGVIEW_COOKIE"})
        credentials = credentials_of(cookie or known.get("cookie"), websocket_jwt_token)
        self._is_owner = client is None
        self._client = SyncClient("tradingview", credentials=credentials) if client is None else client

    @staticmethod
    def get_available_indicators() -> Envelope:
        """Return the indicators that are built in, each with ``name``, ``id`` and ``version``, in an envelope."""
        try:
            return succeeded(list_indicators(), {})
        except BrokerwireError as exc:
            return failed(f"Failed to fetch available indicators: {exc}", {})

    @enveloped
    def get_candles(
        self,
        exchange: str,
        symbol: str,
        timeframe: str = "1m",
        numb_candles: int = 10,
        indicators: Indicators = None,
    ) -> Any:
        """Return the newest candles, from the oldest, and the values of indicators at them.

        ``data`` is ``{"ohlcv": [...], "indicators": {id: [...]}}``; ``index`` counts the candles from 0, the same
        for both. Times are seconds of UTC. ``timeframe`` is ``1m``, ``5m``, ``15m``, ``30m``, ``1h``, ``2h``,
        ``4h``, ``1d``, ``1w`` or ``1M``. ``indicators`` are pairs of a script's id and version.
        """
        name, count, studies = symbol_name(exchange, symbol), candle_count(numb_candles), study_names(indicators)
        check_timeframe(timeframe)
        data = self._client.run(lambda inner: fetch_candles(inner, name, timeframe, count=count, studies=studies))
        if self.export_result:
            self._export(data, symbol, timeframe)
        return data

    def _export(self, data: dict[str, Any], symbol: str, timeframe: str) -> None:
        """Write candles, and indicators where there are any, each to a file of their own.

        Raises:
            PartlyDone: The files could not be written.
        """
        ohlcv, indicators = data["ohlcv"], data["indicators"]
        try:
            write_new_rows(ohlcv, self._path("ohlcv", symbol, timeframe))
            if indicators and self.export_type == "json":
                content = msgspec.json.encode(indicators)
                write_new(self._path("indicators", symbol, timeframe), lambda file: file.write(content))
            elif indicators:
                rows = [{"indicator": script, **row} for script, values in indicators.items() for row in values]
                write_new_rows(rows, self._path("indicators", symbol, timeframe))
        except (BrokerwireError, OSError) as exc:
            raise PartlyDone(f"The candles are there, but were not exported: {exc}", data) from exc

    def _path(self, category: str, symbol: str, timeframe: str) -> str:
        return os.path.join(FOLDER, file_name(category, symbol, timeframe, extension=self.export_type))

    def stream(
        self,
        exchange: str,
        symbol: str,
        timeframe: str = "1m",
        numb_candles: int = 10,
        indicators: Indicators = None,
    ) -> Envelope:
        """Return what ``get_candles`` returns: the name of an older package."""
        text = "Streamer.stream() is the older package's name for Streamer.get_candles(); use that"
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return self.get_candles(exchange, symbol, timeframe, numb_candles, indicators)

    def stream_realtime_price(
        self, exchange: str, symbol: str, indicators: Indicators = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the price and the day's figures whenever they change, over every reconnect.

        Where ``indicators`` are asked for, each row has their newest values under ``indicators``, by id. Close the
        generator, or leave it, to end it.

        Raises:
            ValueError: The symbol or an indicator is none, or the venue does not know the symbol.
            BrokerwireError: The venue refuses, or trying again is of no use.
        """
        name, studies = symbol_name(exchange, symbol), study_names(indicators)
        with ExitStack() as stack:
            newest: dict[str, Any] = {}
            quotes = stack.enter_context(self._quotes(name))
            for script, study in studies.items():
                stack.enter_context(self._follow(name, script, study, newest)).ready()
            for quote in quotes:
                if quote.price is not None:
                    tick = price_tick(quote, exchange, symbol)
                    yield {**tick, "indicators": dict(newest)} if studies else tick

    def _quotes(self, name: str) -> SyncSubscription[Quote]:
        try:
            return self._client.market_data.stream_quotes(name)
        except InvalidSymbolError as exc:
            failure = exc
        raise self._client.run(lambda inner: explained(inner, name, failure)) from failure

    def _follow(self, name: str, script: str, study: str, newest: dict[str, Any]) -> SyncSubscription[StudyPoint]:
        """Keep the newest values of an indicator."""

        async def keep(point: StudyPoint) -> None:
            newest[script] = study_row(point.get("i", 0), point)

        return self._client.market_data.stream_studies(name, "1m", study, callback=keep)

    def close(self) -> None:
        """End everything of this; the end of the process does it too."""
        if self._is_owner:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
