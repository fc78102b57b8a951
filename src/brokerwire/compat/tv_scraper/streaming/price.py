"""RealTimeData: TradingView's own packets about prices, as they come."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import msgspec

from brokerwire.client.sync_client import SyncClient
from brokerwire.compat.tv_scraper.arguments import symbol_name
from brokerwire.compat.tv_scraper.streaming.stream_handler import StreamHandler
from brokerwire.compat.tv_scraper.streaming.utils import validate_symbols

BARS = 10
"""Bars of history that come first."""


class RealTimeData:
    """Generators of raw packets, ``{"m": method, "p": [...]}``; each has a connection of its own, which is kept.

    Nothing is connected before the first packet is asked for. Close a generator, or leave it, to end its connection.

    Args:
        client: A client to use, which is not closed with this.
    """

    def __init__(self, *, client: SyncClient | None = None) -> None:
        self._is_owner = client is None
        self._client = SyncClient("tradingview") if client is None else client

    def get_ohlcv(self, exchange: str, symbol: str) -> Iterator[dict[str, Any]]:
        """Yield the packets of a chart of one minute, with volume, and of the quote.

        Bars are in ``timescale_update`` and ``du``, under ``sds_1``; quotes in ``qsd``.

        Raises:
            ValueError: TradingView does not know the symbol.
            BrokerwireError: The connection cannot be opened or kept.
        """
        name = self._known(exchange, symbol)
        key = "=" + msgspec.json.encode({"adjustment": "splits", "symbol": name}).decode()
        with StreamHandler(client=self._client) as handler:
            quotes, chart = handler.quote_session, handler.chart_session
            handler.send_message("quote_add_symbols", [quotes, key])
            handler.send_message("quote_fast_symbols", [quotes, key])
            handler.send_message("resolve_symbol", [chart, "sds_sym_1", key])
            handler.send_message("create_series", [chart, "sds_1", "s1", "sds_sym_1", "1", BARS, ""])
            volume = {"length": 20, "col_prev_close": "false"}
            handler.send_message("create_study", [chart, "st1", "st1", "sds_1", "Volume@tv-basicstudies-246", volume])
            while True:
                yield handler.receive()

    def get_latest_trade_info(self, exchanges: Sequence[str], symbols: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield the packets of the quotes of several symbols, each with its exchange at the same place.

        Raises:
            ValueError: There are not as many exchanges as symbols, or TradingView does not know one.
            BrokerwireError: The connection cannot be opened or kept.
        """
        if isinstance(exchanges, str) or isinstance(symbols, str) or len(exchanges) != len(symbols) or not symbols:
            raise ValueError("give a list of exchanges and a list of symbols of the same length")
        names = [self._known(exchange, symbol) for exchange, symbol in zip(exchanges, symbols, strict=True)]
        with StreamHandler(client=self._client) as handler:
            handler.send_message("quote_add_symbols", [handler.quote_session, *names])
            handler.send_message("quote_fast_symbols", [handler.quote_session, *names])
            while True:
                yield handler.receive()

    def _known(self, exchange: str, symbol: str) -> str:
        validate_symbols(exchange, symbol, client=self._client)
        return symbol_name(exchange, symbol)

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
