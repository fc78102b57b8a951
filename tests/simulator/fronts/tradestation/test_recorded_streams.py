import pytest

from brokerwire.simulator.fronts.tradestation.recorded_streams import key_of, playable_lines
from brokerwire.simulator.recorded import Connected, Received, assemble

HOST = "https://a.example"


def test_stream_is_told_by_path_and_interval_alone() -> None:
    bars = "/v3/marketdata/stream/barcharts/AAPL"
    assert key_of(f"{HOST}{bars}?interval=1&unit=Minute&barsback=5") == key_of(
        f"{bars.lower()}?Unit=minute&Interval=1&barsback=9"
    )
    assert key_of(f"{bars}?interval=1&unit=Minute") != key_of(f"{bars}?interval=5&unit=Minute")
    assert key_of(f"{HOST}/v3/marketdata/stream/quotes/A%2CB") == key_of("/v3/marketdata/stream/quotes/A,B")


@pytest.mark.parametrize(
    ("path", "symbols"),
    [
        ("/v3/marketdata/stream/quotes/aapl,MSFT", {"AAPL", "MSFT"}),
        ("/v3/marketdata/stream/barcharts/AAPL", set()),
        ("/v3/marketdata/stream/marketdepth/quotes/AAPL", set()),
    ],
)
def test_streams_of_quotes_alone_have_symbols(path: str, symbols: set[str]) -> None:
    assert key_of(path).symbols == symbols


def test_lines_keep_their_bytes_and_quotes_know_their_symbol() -> None:
    lines = [b'{"Symbol": "aapl",  "Bid":"1.10"}', b'{"Heartbeat":1}', b"END"]
    quotes = [Connected(f"{HOST}/v3/marketdata/stream/quotes/AAPL", 0)]
    bars = [Connected(f"{HOST}/v3/marketdata/stream/barcharts/AAPL", 0), Received(9, b'{"Symbol":"X"}')]
    found = playable_lines(assemble([[*quotes, *(Received(at, line) for at, line in enumerate(lines))], bars]))
    assert [line.payload for line in found] == [*lines, b'{"Symbol":"X"}']
    assert [line.symbol for line in found] == ["AAPL", "", "", ""]
