"""MarketDataService: quotes, trades, bars, depth, options and reference data of one venue."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Unpack, cast

from brokerwire.events import (
    Bar,
    Depth,
    News,
    OptionChainEntry,
    OptionQuote,
    Quote,
    StudyPoint,
    Trade,
    TradingStatus,
)
from brokerwire.services.arguments import (
    DeliveryKeywords,
    check_count,
    check_limit,
    normalise_interval,
    normalise_symbols,
    split_delivery,
    variant_of,
)
from brokerwire.services.desk import Desk
from brokerwire.streaming.subscription import Subscription
from brokerwire.typedefs import JSON, Callback

Symbols = str | Sequence[str]

CAPABILITIES = {
    "quote": "quotes",
    "trade": "trades",
    "bar": "bars",
    "depth": "market_depth",
    "option_chain": "option_chain",
    "option_quote": "option_quotes",
    "study": "studies",
    "status": "statuses",
    "news": "news",
}
"""What a channel is called where a venue says what it has."""


class MarketDataService:
    """Live streams and requests for market data.

    Every ``stream_*`` method takes the same delivery options: ``error_callback(exception, event_or_none)``,
    ``status_callback(status)``, ``raw`` (hand over the venue's parsed JSON instead of events), ``max_pending``
    and ``overflow`` (``coalesce``, ``drop_oldest``, ``drop_newest``, ``fail`` or ``block``).
    They return when the venue has accepted the subscription, and raise:

    * ``StreamLimitError`` (also a ``ValueError``): the cap on streams is reached.
    * ``InvalidSymbolError``: the venue does not know a symbol; nothing is subscribed.
    * ``AuthenticationError``: the credentials or the token are refused.
    * ``UnsupportedError``: the venue does not have such a stream.
    * ``StreamError``: it was not accepted in ``subscribe_timeout``.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def stream_quotes(
        self,
        symbols: Symbols,
        callback: Callback[Quote] | None = None,
        **delivery: Unpack[DeliveryKeywords],
    ) -> Subscription[Quote]:
        """Deliver every change of the best bid and ask of ``symbols`` to ``callback``, in order.

        Prices are floats in the quote currency, sizes in units of the instrument.
        """
        return await self._stream("quote", symbols, callback, delivery=delivery)

    async def stream_trades(
        self,
        symbols: Symbols,
        callback: Callback[Trade] | None = None,
        **delivery: Unpack[DeliveryKeywords],
    ) -> Subscription[Trade]:
        """Deliver every trade of ``symbols`` to ``callback``, in order."""
        return await self._stream("trade", symbols, callback, delivery=delivery)

    async def stream_time_and_sales(
        self,
        symbol: Symbols,
        callback: Callback[Trade] | None = None,
        **delivery: Unpack[DeliveryKeywords],
    ) -> Subscription[Trade]:
        """Deliver every trade of ``symbol``: the broker's name for ``stream_trades``."""
        return await self._stream("trade", symbol, callback, delivery=delivery)

    async def stream_bars(
        self,
        symbol: Symbols,
        interval: str = "1m",
        callback: Callback[Bar] | None = None,
        *,
        bars_back: int = 0,
        **delivery: Unpack[DeliveryKeywords],
    ) -> Subscription[Bar]:
        """Deliver bars of ``interval``, each again on every change until it is closed.

        ``bars_back`` closed bars of history come first.
        """
        check_count("bars_back", bars_back, 0)
        variant = normalise_interval(interval) + (f";{bars_back}" if bars_back else "")
        return await self._stream("bar", symbol, callback, delivery=delivery, variant=variant)

    async def stream_market_depth(
        self,
        symbols: Symbols,
        callback: Callback[Depth] | None = None,
        *,
        depth: int = 10,
        **delivery: Unpack[DeliveryKeywords],
    ) -> Subscription[Depth]:
        """Deliver the book of ``symbols`` after every snapshot and delta, ``depth`` levels a side."""
        variant = str(check_count("depth", depth))
        return await self._stream("depth", symbols, callback, delivery=delivery, variant=variant)

    async def stream_option_chain(
        self,
        /,
        underlying: str,
        callback: Callback[OptionChainEntry] | None = None,
        **parameters: Any,
    ) -> Subscription[OptionChainEntry]:
        """Deliver the rows of an option chain and their changes.

        ``parameters`` are the venue's, for TradeStation ``expiration expiration2 strike_proximity spread_type
        risk_free_rate price_center strike_interval enable_greeks strike_range option_type``.
        """
        delivery, parameters = split_delivery(parameters)
        variant = variant_of(parameters)
        return await self._stream("option_chain", underlying, callback, delivery=delivery, variant=variant)

    async def stream_option_quotes(
        self,
        /,
        legs: Symbols,
        callback: Callback[OptionQuote] | None = None,
        **parameters: Any,
    ) -> Subscription[OptionQuote]:
        """Deliver quotes of one option or spread; a leg is ``"SYMBOL"`` or ``"SYMBOL*-1"`` with its ratio."""
        delivery, parameters = split_delivery(parameters)
        spread = "+".join(normalise_symbols(legs))
        return await self._stream("option_quote", spread, callback, delivery=delivery, variant=variant_of(parameters))

    async def stream_studies(
        self,
        /,
        symbol: str,
        interval: str,
        study: str,
        *,
        callback: Callback[StudyPoint] | None = None,
        **parameters: Any,
    ) -> Subscription[StudyPoint]:
        """Deliver the values of a study, bar by bar."""
        delivery, parameters = split_delivery(parameters)
        variant = f"{normalise_interval(interval)};{study};{variant_of(parameters)}"
        return await self._stream("study", symbol, callback, delivery=delivery, variant=variant)

    async def stream_statuses(
        self,
        symbols: Symbols,
        callback: Callback[TradingStatus] | None = None,
        **delivery: Unpack[DeliveryKeywords],
    ) -> Subscription[TradingStatus]:
        """Deliver halts and resumptions of trading."""
        return await self._stream("status", symbols, callback, delivery=delivery)

    async def stream_news(
        self,
        symbols: Symbols,
        callback: Callback[News] | None = None,
        **delivery: Unpack[DeliveryKeywords],
    ) -> Subscription[News]:
        """Deliver headlines about ``symbols``."""
        return await self._stream("news", symbols, callback, delivery=delivery)

    async def _stream(
        self,
        channel: str,
        symbols: Symbols,
        callback: Callback[Any] | None,
        *,
        delivery: DeliveryKeywords,
        variant: str = "",
    ) -> Subscription[Any]:
        self._desk.require(CAPABILITIES[channel])
        given = normalise_symbols(symbols)
        return await self._desk.subscribe(channel, given, callback, delivery=delivery, variant=variant)

    # Requests

    async def get_quotes(self, symbols: Symbols) -> list[Quote]:
        """Return the current quote of each symbol.

        Raises:
            InvalidSymbolError: The venue does not know one of them.
        """
        return cast(list[Quote], await self._desk.call_for("get_quotes", symbols))

    async def get_bars(
        self,
        symbol: str,
        interval: str = "1m",
        *,
        limit: int | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> list[Bar]:
        """Return bars from the oldest: the newest ``limit``, or those that open in [start, end).

        Naive datetimes are UTC. Requests are paged within the venue's limits.

        Raises:
            ConfigurationError: The interval is none, or the venue does not have it; ``limit`` is no count.
            InvalidSymbolError: The venue does not know the symbol.
        """
        interval = normalise_interval(interval)
        found = await self._desk.call("get_bars", symbol, interval, limit=check_limit(limit), start=start, end=end)
        return cast(list[Bar], self._desk.respelled(found, symbol))

    async def get_trades(self, symbol: str, *, limit: int | None = None) -> list[Trade]:
        """Return the newest trades of a symbol, from the oldest."""
        found = await self._desk.call("get_trades", symbol, limit=check_limit(limit))
        return cast(list[Trade], self._desk.respelled(found, symbol))

    async def get_quote_history(
        self, symbol: str, *, start: datetime | None = None, end: datetime | None = None, limit: int | None = None
    ) -> list[Quote]:
        """Return past quotes of a symbol, from the oldest."""
        found = await self._desk.call("get_quote_history", symbol, start=start, end=end, limit=check_limit(limit))
        return cast(list[Quote], self._desk.respelled(found, symbol))

    async def get_snapshots(self, symbols: Symbols) -> list[Quote]:
        """Return the day's figures of each symbol."""
        return cast(list[Quote], await self._desk.call_for("get_snapshots", symbols))

    async def get_market_depth(self, symbol: str, *, depth: int = 10) -> Depth:
        """Return the book of a symbol, ``depth`` levels a side."""
        found = await self._desk.call("get_market_depth", symbol, depth=check_count("depth", depth))
        return cast(Depth, self._desk.respelled([found], symbol)[0])

    async def get_study(self, /, symbol: str, interval: str, study: str, **parameters: Any) -> list[StudyPoint]:
        """Return the values of a study, from the oldest."""
        interval = normalise_interval(interval)
        if "limit" in parameters:
            check_count("limit", parameters["limit"])
        found = await self._desk.call("get_study", symbol, interval, study, **parameters)
        return cast(list[StudyPoint], self._desk.respelled(found, symbol))

    async def search_studies(self, text: str = "") -> list[Mapping[str, JSON]]:
        """Return the studies that the venue offers, those that match ``text`` if it is given."""
        return cast(list[Mapping[str, JSON]], await self._desk.call("search_studies", text))

    async def get_study_details(self, study: str) -> Mapping[str, JSON]:
        """Return what the venue says about a study: its own fields.

        Raises:
            RequestError: The venue has no such study.
        """
        return cast(Mapping[str, JSON], await self._desk.call("get_study_details", study))

    async def get_symbol_details(self, symbols: Symbols) -> list[Mapping[str, JSON]]:
        """Return what the venue says about each symbol: its own fields."""
        return cast(list[Mapping[str, JSON]], await self._desk.call_for("get_symbol_details", symbols))

    async def search_symbols(self, /, text: str, **parameters: Any) -> list[Mapping[str, JSON]]:
        """Return symbols whose name or description matches ``text``."""
        return cast(list[Mapping[str, JSON]], await self._desk.call("search_symbols", text, **parameters))

    async def validate_symbols(self, symbols: Symbols) -> dict[str, bool]:
        """Tell for each symbol whether the venue knows it."""
        return cast(dict[str, bool], await self._desk.call("validate_symbols", normalise_symbols(symbols)))

    async def get_market_calendar(self, /, **parameters: Any) -> list[Mapping[str, JSON]]:
        """Return the days and hours of trading."""
        return cast(list[Mapping[str, JSON]], await self._desk.call("get_market_calendar", **parameters))

    async def get_market_clock(self) -> Mapping[str, JSON]:
        """Return whether the market is open, and when that changes."""
        return cast(Mapping[str, JSON], await self._desk.call("get_market_clock"))

    async def get_crypto_symbol_names(self) -> list[str]:
        """Return the names of the crypto pairs."""
        return cast(list[str], await self._desk.call("get_crypto_symbol_names"))

    async def get_option_expirations(self, /, underlying: str, **parameters: Any) -> list[Mapping[str, JSON]]:
        """Return the expirations of an underlying's options."""
        return cast(list[Mapping[str, JSON]], await self._desk.call("get_option_expirations", underlying, **parameters))

    async def get_option_strikes(self, /, underlying: str, **parameters: Any) -> Mapping[str, JSON]:
        """Return the strikes of an underlying's options."""
        return cast(Mapping[str, JSON], await self._desk.call("get_option_strikes", underlying, **parameters))

    async def get_option_spread_types(self) -> list[Mapping[str, JSON]]:
        """Return the kinds of option spreads that the venue knows."""
        return cast(list[Mapping[str, JSON]], await self._desk.call("get_option_spread_types"))

    async def get_option_risk_reward(self, /, **parameters: Any) -> Mapping[str, JSON]:
        """Return the greatest gain and loss of an option spread."""
        return cast(Mapping[str, JSON], await self._desk.call("get_option_risk_reward", **parameters))
