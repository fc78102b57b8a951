"""OHLCV: tvkit's chart client: bars, quotes, history and raw packets of TradingView."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from types import TracebackType
from typing import Any, NoReturn, Self

from brokerwire.client.client import Client
from brokerwire.client.environment import credentials_from_environment
from brokerwire.compat.packet_stream import PacketStream
from brokerwire.compat.tvkit.arguments import check_count, check_symbols
from brokerwire.compat.tvkit.chart_packets import chart_packets
from brokerwire.compat.tvkit.errors import DataNotFoundError, SeriesError, tvkit_errors
from brokerwire.compat.tvkit.models import Adjustment, OHLCVBar, QuoteSymbolData, known, session_of
from brokerwire.events import Bar, Quote
from brokerwire.services.market_data import MarketDataService
from brokerwire.streaming.manager import StreamManager
from brokerwire.venues.tradingview.codec import is_pine
from brokerwire.venues.tradingview.spec import ANONYMOUS_TOKEN

LIVE_ADDRESS = "wss://data.tradingview.com"
SOCKET_PATH = "/socket.io/websocket?from=chart&type=chart"
PATIENCE_S = 30.0
"""How long history is waited for; a range six times as long, since it comes in segments."""

DEFAULT_BARS = 10


class OHLCV:
    """A chart client: asynchronous generators of bars, quotes and packets, and history as a list.

    Nothing is opened before the first call. Whatever runs at the same time shares one connection, which is kept alive
    and opened again by itself; history in a loop shares one too. Use it as an asynchronous context, or call ``close``.
    ``connection_service`` and ``message_service`` are None before the first call; afterwards they are the client's
    streams and its market data.

    Args:
        max_attempts: Does nothing, like the two that follow: connections are opened again with pauses that grow, for as
            long as that makes sense.
        base_backoff: Does nothing.
        max_backoff: Does nothing.
        browser: Refused: the files of browsers are not read. Give ``cookies``.
        browser_profile: Refused too.
        auth_token: A token that you have, instead of ``TVKIT_AUTH_TOKEN`` or ``TRADINGVIEW_AUTH_TOKEN``.
        cookies: ``sessionid`` and ``sessionid_sign`` of a browser that is logged in; they renew the token.
        endpoints: Base addresses instead of the venue's: ``stream`` and ``site``.

    Raises:
        SeriesError: Both a token and cookies are given, or a browser; also a ``ValueError``.
    """

    def __init__(
        self,
        max_attempts: int = 5,
        base_backoff: float = 1.0,
        max_backoff: float = 30.0,
        *,
        browser: str | None = None,
        browser_profile: str | None = None,
        cookies: Mapping[str, str] | None = None,
        auth_token: str | None = None,
        endpoints: Mapping[str, str] | None = None,
    ) -> None:
        if browser is not None or browser_profile is not None:
            raise SeriesError(
                "the files of browsers are not read; give cookies, or set TRADINGVIEW_SESSIONID and "
                "TRADINGVIEW_SESSIONID_SIGN"
            )
        self.connection_service: StreamManager | None = None
        self.message_service: MarketDataService | None = None
        self._credentials = _credentials_of(auth_token, cookies)
        self._endpoints = endpoints
        self._clients: dict[Adjustment, Client] = {}

    @property
    def ws_url(self) -> str:
        """The address of the data socket: the venue's before the first call, the one in use afterwards."""
        client = self._clients.get(Adjustment.SPLITS)
        endpoints = (client.endpoints if client is not None else self._endpoints) or {}
        return endpoints.get("stream", LIVE_ADDRESS) + SOCKET_PATH

    @property
    def account(self) -> None:
        """None always: the plan of an account and its limits are not read."""
        return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End everything; safe to call twice."""
        clients, self._clients = list(self._clients.values()), {}
        self.connection_service = self.message_service = None
        await asyncio.gather(*(client.close() for client in clients))

    async def _setup_services(self) -> None:
        """Get ready ahead of the first call.

        Raises:
            WebSocketException: It could not be done.
        """
        with tvkit_errors():
            await self.client().start()

    async def wait_until_ready(self) -> None:
        """Get ready ahead of the first call, logged in where there is a login.

        Raises:
            WebSocketException: It could not be done.
        """
        with tvkit_errors():
            await _token_of(self.client(), self._credentials)

    def client(self, adjustment: Adjustment = Adjustment.SPLITS) -> Client:
        """Return the client of an adjustment, which is a setting of the venue; for what tvkit has no method for."""
        client = self._clients.get(adjustment)
        if client is None:
            is_main = adjustment is Adjustment.SPLITS
            client = self._clients[adjustment] = Client(
                "tradingview",
                credentials=self._credentials,
                endpoints=self._endpoints,
                settings={"adjustment": str(adjustment)},
            )
            if is_main:
                self.connection_service, self.message_service = client.streams, client.market_data
        return client

    # Streams

    async def get_ohlcv(
        self, exchange_symbol: str, interval: str = "1", bars_count: int = DEFAULT_BARS
    ) -> AsyncIterator[OHLCVBar]:
        """Yield bars: ``bars_count`` of history first, then the forming one at every change.

        Raises:
            SeriesError: The symbol, interval or count is wrong; also a ``ValueError``.
            WebSocketException: The stream could not be opened, or came to its end.
        """
        check_count("bars_count", bars_count)
        with tvkit_errors():
            market_data = self.client().market_data
            async with await market_data.stream_bars(exchange_symbol, interval, bars_back=bars_count) as bars:
                async for bar in bars:
                    yield OHLCVBar.from_event(bar)

    async def get_quote_data(
        self, exchange_symbol: str, interval: str = "1", bars_count: int = DEFAULT_BARS
    ) -> AsyncIterator[QuoteSymbolData]:
        """Yield the quote of a symbol at every change; no chart is opened, so the last two arguments do nothing.

        Raises:
            SeriesError: The symbol is wrong; also a ``ValueError``.
            WebSocketException: The stream could not be opened, or came to its end.
        """
        async for quote in self._quotes([exchange_symbol]):
            yield QuoteSymbolData.from_event(quote)

    async def get_latest_trade_info(self, exchange_symbol: str | Sequence[str]) -> AsyncIterator[dict[str, Any]]:
        """Yield quotes of several symbols in the shape that tvkit's guide reads, at every change of one.

        ``message["p"][1]`` has ``n`` (the symbol), ``lp``, ``ch``, ``chp`` and ``v`` (the volume) side by side, with
        every other field that is known; fields without a value are left out. The wire has them one level deeper, and
        in pieces: ``get_ohlcv_raw`` shows it as it is.

        Raises:
            SeriesError: A symbol is wrong; also a ``ValueError``.
            WebSocketException: The stream could not be opened, or came to its end.
        """
        async for quote in self._quotes(exchange_symbol):
            yield _trade_info(quote)

    async def _quotes(self, symbols: str | Sequence[str]) -> AsyncIterator[Quote]:
        with tvkit_errors():
            async with await self.client().market_data.stream_quotes(symbols) as quotes:
                async for quote in quotes:
                    yield quote

    async def get_ohlcv_raw(
        self, exchange_symbol: str, interval: str = "1", bars_count: int = DEFAULT_BARS
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield what the venue says about a symbol's chart and quote, parsed and otherwise as it came.

        The messages have a connection of their own, which is opened again where it is lost, and everything asked for
        again. Heartbeats are answered and not shown. Messages that wait too long are dropped, the oldest first, with a
        warning in the log.

        Raises:
            SeriesError: The symbol, interval or count is wrong; also a ``ValueError``.
            WebSocketException: The stream could not be opened, or came to its end.
        """
        async for message in self.messages(exchange_symbol, interval, bars_count):
            yield message

    async def messages(
        self, exchange_symbol: str, interval: str, bars_count: int, *, study: str = ""
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the messages of ``get_ohlcv_raw``, with those of a study on the same chart.

        Raises:
            SeriesError: The symbol, the interval, the count or the study is wrong; also a ``ValueError``.
            WebSocketException: The stream could not be opened, or came to its end.
        """
        check_count("bars_count", bars_count)
        client = self.client()
        with tvkit_errors():
            info = await client.market_data.get_study_details(study) if is_pine(study) else None
            token = await _token_of(client, self._credentials)
            packets = chart_packets(exchange_symbol, interval, bars=bars_count, token=token, study=study, info=info)
            await check_symbols(client, exchange_symbol)
            stream = PacketStream(client, self.ws_url)
            try:
                await stream.open()
                for packet in packets:
                    await stream.say(packet)
                while True:
                    yield (await stream.hear()).raw
            finally:
                await stream.close()

    # History

    async def get_historical_ohlcv(
        self,
        exchange_symbol: str,
        interval: str = "1",
        bars_count: int | None = None,
        *,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        adjustment: Adjustment | str = Adjustment.SPLITS,
        segment_delay: float = 0.0,
    ) -> list[OHLCVBar]:
        """Return bars from the oldest: the newest ``bars_count`` (10 by default), or those that open from start to end.

        Times without a zone are UTC; an end that is a date means the end of that day. ``segment_delay`` does nothing: a
        range is one series, which the venue is asked to continue, and not a row of segments.

        Raises:
            SeriesError: An argument is wrong, or a count and a range are given; also a ``ValueError``.
            DataNotFoundError: There are none, or none came in 30 s (180 s for a range); also a ``RuntimeError``.
            WebSocketException: The venue could not be asked.
        """
        is_range = start is not None or end is not None
        if is_range and bars_count is not None:
            raise SeriesError("give a number of bars or a range, not both")
        limit = None if is_range else check_count("bars_count", DEFAULT_BARS if bars_count is None else bars_count)
        patience_s = PATIENCE_S * 6 if is_range else PATIENCE_S
        client = self.client(_adjustment_of(adjustment))
        try:
            with tvkit_errors():
                async with asyncio.timeout(patience_s):
                    bars = await client.market_data.get_bars(
                        exchange_symbol, interval, limit=limit, start=_start_of(start), end=_end_of(end)
                    )
        except TimeoutError as exc:
            raise DataNotFoundError(f"no bars of {exchange_symbol} came within {patience_s:g} s") from exc
        return _found(bars, exchange_symbol)


async def _token_of(client: Client, credentials: Mapping[str, str] | None) -> str:
    """Return what the data socket is told: the token of the login, the one that was given, or nobody's.

    Raises:
        AuthenticationError: The login is refused.
    """
    await client.start()
    if client.tokens is not None:
        return (await client.tokens.token()).reveal()
    return (credentials or {}).get("auth_token", ANONYMOUS_TOKEN)


def _found(bars: Sequence[Bar], symbol: str) -> list[OHLCVBar]:
    if not bars:
        raise DataNotFoundError(f"TradingView has no bars of {symbol} there")
    return [OHLCVBar.from_event(bar) for bar in bars]


def _credentials_of(auth_token: str | None, cookies: Mapping[str, str] | None) -> dict[str, str] | None:
    if auth_token and cookies:
        raise SeriesError("give a token or cookies, not both")
    if cookies:
        return {name: cookies[name] for name in ("sessionid", "sessionid_sign") if name in cookies}
    if auth_token:
        return {"auth_token": auth_token}
    return credentials_from_environment({"auth_token": "TVKIT_AUTH_TOKEN"}) or None


def _adjustment_of(adjustment: Adjustment | str) -> Adjustment:
    try:
        return Adjustment(adjustment)
    except ValueError as exc:
        raise SeriesError(f"adjustment must be one of {', '.join(Adjustment)}, not {adjustment!r}") from exc


def _moment(text: datetime | str) -> datetime:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else text
    except ValueError as exc:
        raise SeriesError(f"{text!r} is not a time; write it like 2026-01-31 or 2026-01-31T16:00:00") from exc
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _start_of(start: datetime | str | None) -> datetime | None:
    return None if start is None else _moment(start)


def _end_of(end: datetime | str | None) -> datetime | None:
    """Return the end as ours is meant: a bar that opens at it is no longer in."""
    if end is None:
        return None
    moment = _moment(end)
    is_date = isinstance(end, str) and len(end.strip()) == len("2026-01-31") and moment.time() == time.min
    return moment + (timedelta(days=1) if is_date else timedelta(seconds=1))


def _trade_info(quote: Quote) -> dict[str, Any]:
    fields = known(quote)
    volume = {"v": fields["volume"]} if "volume" in fields else {}
    return {"m": "qsd", "p": [session_of(quote), {**fields, **volume, "n": quote.symbol, "s": "ok"}]}


def signal_handler(_signal_number: int, _frame: object) -> NoReturn:
    """End a script on a signal as Ctrl-C does, so that every context is left and everything closed.

    Raises:
        KeyboardInterrupt: Always.
    """
    raise KeyboardInterrupt
