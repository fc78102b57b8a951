import msgspec
import pytest

from brokerwire import ConfigurationError, InvalidSymbolError
from brokerwire.compat.tvkit.chart_packets import chart_packets


def said(*args: object, **options: object) -> dict[str, list[object]]:
    """Return the arguments of each method that is called."""
    packets = chart_packets(*args, **options)  # type: ignore[arg-type]  # as the test gives them
    return {message["m"]: message["p"] for message in map(msgspec.json.decode, packets)}


def test_a_chart_and_a_quote_are_opened_after_the_token_is_said() -> None:
    calls = said("binance-btcusdt", "60", bars=12, token="a.b.c")
    assert next(iter(calls)) == "set_auth_token"
    assert calls["set_auth_token"] == ["a.b.c"]
    assert calls["quote_add_symbols"][1] == "BINANCE:BTCUSDT"
    assert calls["create_series"][1:] == ["sds_1", "s1", "sds_sym_1", "60", 12, ""]
    assert calls["create_series"][0] == calls["chart_create_session"][0] == calls["resolve_symbol"][0]
    assert "create_study" not in calls


def test_sessions_have_names_of_their_own() -> None:
    first, second = (said("NASDAQ:AAPL", "1D", bars=1)["chart_create_session"][0] for _ in range(2))
    assert first != second


def test_a_study_goes_on_the_chart() -> None:
    built_in = said("NASDAQ:AAPL", "1", bars=1, study="RSI@tv-basicstudies")["create_study"]
    assert str(built_in[4]).startswith("RSI@tv-basicstudies-")
    info = {"inputs": [{"id": "text", "defval": "code"}, {"id": "in_0", "defval": 14, "type": "integer"}]}
    script = said("NASDAQ:AAPL", "1", bars=1, study="STD;RSI@37.0", info=info)["create_study"]
    assert script[4] == "Script@tv-scripting-101!"
    assert script[5]["pineId"] == "STD;RSI"  # type: ignore[call-overload, index]  # inputs are a mapping


def test_what_cannot_be_asked_for_is_refused() -> None:
    with pytest.raises(InvalidSymbolError):
        chart_packets("AAPL", "1", bars=1)
    with pytest.raises(ConfigurationError):
        chart_packets("NASDAQ:AAPL", "7Q", bars=1)
