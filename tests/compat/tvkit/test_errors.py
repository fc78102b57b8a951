import pytest

from brokerwire import (
    AuthenticationError,
    BrokerwireError,
    ConfigurationError,
    ConnectionLostError,
    InvalidSymbolError,
    RequestError,
    StreamLimitError,
    UnsupportedError,
    VenueUnavailableError,
)
from brokerwire.compat.tvkit import ConnectionClosed, DataNotFoundError, SeriesError, WebSocketException
from brokerwire.compat.tvkit.errors import as_tvkit, tvkit_errors


@pytest.mark.parametrize("kind", [InvalidSymbolError, ConfigurationError, UnsupportedError])
def test_what_the_venue_refuses_is_a_value_error(kind: type[BrokerwireError]) -> None:
    with pytest.raises(ValueError, match="no such thing") as caught, tvkit_errors():
        raise kind("no such thing", symbol="NASDAQ:X")
    assert isinstance(caught.value, SeriesError)
    assert (caught.value.symbol, type(caught.value.__cause__)) == ("NASDAQ:X", kind)


@pytest.mark.parametrize("kind", [AuthenticationError, StreamLimitError, VenueUnavailableError, RequestError])
def test_what_keeps_a_stream_away_is_a_websocket_exception(kind: type[BrokerwireError]) -> None:
    with pytest.raises(WebSocketException) as caught, tvkit_errors():
        raise kind("not now", action="retry")
    assert caught.value.action == "retry"


def test_a_study_that_the_venue_refuses_is_a_value_error() -> None:
    assert isinstance(as_tvkit(RequestError("no such study", symbol="NASDAQ:AAPL")), SeriesError)


def test_a_lost_connection_is_closed_and_a_websocket_exception() -> None:
    error = as_tvkit(ConnectionLostError("gone", close_code=1006))
    assert isinstance(error, ConnectionClosed)
    assert isinstance(error, WebSocketException)
    assert error.close_code == 1006


def test_an_error_of_tvkits_own_stays_as_it_is() -> None:
    error = DataNotFoundError("nothing")
    with pytest.raises(RuntimeError) as caught, tvkit_errors():
        raise error
    assert caught.value is error
