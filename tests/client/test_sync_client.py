import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.client.conftest import DEADLINE_S, Venues, wait_until

from brokerwire import Client, ConfigurationError, InvalidSymbolError, StreamError, SyncClient, UnsupportedError
from brokerwire.client.sync_client import ClientOptions

Script = Callable[..., tuple[int, str, str]]

LEFT_OUT = {
    "streams": "has asynchronous methods; run() gives them",
    "tokens": "has asynchronous methods; run() gives them",
    "subscriptions": "whoever made them holds them; health() lists them",
}


@pytest.mark.usefixtures("no_leftovers")
def test_it_answers_as_the_client_does() -> None:
    with SyncClient("tradingview", environment="offline") as client:
        bars = client.market_data.get_bars("NASDAQ:AAPL", "1h", limit=3)
        assert [bar.symbol for bar in bars] == ["NASDAQ:AAPL"] * 3
        assert (client.venue, client.environment) == ("tradingview", "offline")
        assert client.market_data.validate_symbols("NASDAQ:AAPL") == {"NASDAQ:AAPL": True}
        assert repr(client) == "<SyncClient tradingview offline>"


@pytest.mark.usefixtures("no_leftovers")
def test_every_service_is_there() -> None:
    with SyncClient("tradestation", environment="offline") as client:
        account = client.brokerage.get_accounts()[0].account_id
        order = client.order_execution.place_order(
            account=account, symbol="AAPL", side="buy", quantity=1, type="limit", limit_price=1
        )
        assert client.order_execution.cancel_order(order.order_id).order_id == order.order_id
        assert client.capabilities["get_bars"] == "request"
        assert client.login_status()


def test_it_has_what_the_client_has() -> None:
    public = {name for name in dir(Client) if not name.startswith("_")} | {"market_data", "order_execution"}
    with SyncClient("binance", environment="offline") as client:
        missing = {name for name in public if not hasattr(client, name)}
        assert missing <= LEFT_OUT.keys()


def test_it_takes_the_options_of_the_client() -> None:
    given = Client.__init__.__annotations__.keys() - {"venue", "return"}
    assert ClientOptions.__annotations__.keys() == given


def test_a_wrong_option_leaves_nothing(no_leftovers: None) -> None:
    with pytest.raises(ConfigurationError, match="no venue"):
        SyncClient("nowhere")
    with pytest.raises(TypeError, match="colour"):
        SyncClient("binance", colour="red")  # type: ignore[call-arg]  # what is tested


def test_errors_keep_their_type(venues: Venues) -> None:
    client = venues.client(venues.simulator("tradingview")[0])
    with pytest.raises(InvalidSymbolError):
        client.market_data.get_bars("NASDAQ:NOSUCH", "1h")
    with pytest.raises(UnsupportedError):
        client.market_data.get_market_clock()
    with pytest.raises(TypeError, match="symbol"):
        client.market_data.get_bars()  # type: ignore[call-arg]  # what is tested


def test_nothing_starts_before_the_first_call_and_start_is_one(venues: Venues) -> None:
    simulator, _ = venues.simulator("tradingview")
    before = set(threading.enumerate())
    client = venues.client(simulator)
    assert set(threading.enumerate()) == before
    client.start()
    assert {thread.name for thread in set(threading.enumerate()) - before} >= {"brokerwire tradingview"}


def test_closed_twice_it_refuses_further_calls() -> None:
    client = SyncClient("binance", environment="offline")
    client.start()
    assert client.endpoints
    client.close()
    client.close()
    assert client.health()["is_closed"]
    with pytest.raises(StreamError, match="closed"):
        client.market_data.get_quotes("BTCUSDT")


def test_closed_before_any_call_it_starts_nothing(no_leftovers: None) -> None:
    client = SyncClient("binance", environment="offline")
    client.close()
    with pytest.raises(StreamError, match="closed"):
        client.start()


def test_a_client_of_one_expression_lives_as_long_as_its_call(no_leftovers: None) -> None:
    assert SyncClient("binance", environment="offline").market_data.get_quotes("BTCUSDT")


@pytest.mark.asyncio(loop_factories=["real"])
async def test_it_works_inside_a_running_loop(no_leftovers: None) -> None:
    with SyncClient("binance", environment="offline") as client:
        assert client.market_data.get_quotes("BTCUSDT")[0].symbol == "BTCUSDT"
    assert asyncio.get_running_loop().is_running()


def test_several_threads_use_it_at_once(venues: Venues) -> None:
    client = venues.client(venues.simulator("tradingview")[0])
    found: list[int] = []

    def ask() -> None:
        found.append(len(client.market_data.get_bars("NASDAQ:AAPL", "1d", limit=5)))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert found == [5] * 6


def test_closing_wakes_whoever_waits(venues: Venues) -> None:
    client = venues.client(venues.simulator("tradingview")[0])
    quotes = client.market_data.stream_quotes("NASDAQ:AAPL")
    ended: list[int] = []
    begun = threading.Event()

    def follow() -> None:
        for _ in quotes:
            begun.set()
        ended.append(1)

    thread = threading.Thread(target=follow)
    thread.start()
    assert begun.wait(DEADLINE_S)
    client.close()
    thread.join(DEADLINE_S)
    assert ended == [1]
    assert list(quotes) == []


def test_streams_can_be_ended_all_at_once(venues: Venues) -> None:
    client = venues.client(venues.simulator("tradingview")[0])
    quotes = client.market_data.stream_quotes("NASDAQ:AAPL")
    client.close_all_streams()
    assert not quotes.is_active
    assert client.run(_count) == 0


async def _count(client: Client) -> int:
    return len(client.streams)


def test_a_callback_may_close_the_client(venues: Venues) -> None:
    client = venues.client(venues.simulator("tradingview")[0])
    closed = threading.Event()

    def close(_quote: object) -> None:
        client.close()
        closed.set()

    quotes = client.market_data.stream_quotes("NASDAQ:AAPL", close)
    assert closed.wait(DEADLINE_S)
    client.close()
    assert quotes.state == "closed"


def test_the_login_is_told_and_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BROKERWIRE_TOKEN_DIR", str(tmp_path))
    client = SyncClient("tradestation", environment="paper", credentials={"client_id": "me"})
    assert "not logged in" in client.login_status()
    assert "logged out" in client.log_out()
    with pytest.raises(UnsupportedError):
        SyncClient("binance", environment="offline").log_in(print)
    client.close()


@pytest.mark.process
def test_ctrl_c_in_a_call_comes_at_once_and_leaves_it_closable(run_script: Script) -> None:
    code, out, errors = run_script(
        """
from time import monotonic
from brokerwire import SyncClient
client = SyncClient("tradingview")
quotes = client.market_data.stream_quotes("NASDAQ:AAPL")
quotes.ready()
started = monotonic()
try:
    print("waiting", flush=True)
    quotes.wait_closed()
except KeyboardInterrupt:
    print("interrupted", quotes.state)
    client.close()
    print("closed", quotes.state, monotonic() - started < 5)
""",
        interrupt_at="waiting",
    )
    assert (code, errors) == (0, "")
    assert out.splitlines()[1:] == ["interrupted live", "closed closed True"]


@pytest.mark.process
def test_ctrl_c_while_it_closes_ends_the_waiting_and_not_the_closing(run_script: Script) -> None:
    code, out, errors = run_script(
        """
import threading
from brokerwire import SyncClient
begun, held = threading.Event(), threading.Event()
client = SyncClient("binance")
quotes = client.market_data.stream_quotes("BTCUSDT", lambda quote: (begun.set(), held.wait()))
begun.wait()
try:
    print("closing", flush=True)
    client.close()
except KeyboardInterrupt:
    print("interrupted", flush=True)
held.set()
client.close()
print(quotes.state, threading.active_count())
""",
        interrupt_at="closing",
    )
    assert (code, errors) == (0, "")
    assert out.splitlines()[1:] == ["interrupted", "closed 1"]


@pytest.mark.process
@pytest.mark.parametrize("use", ["for _ in quotes: pass", "quotes.add_callback(print); quotes.wait_closed()"])
def test_ctrl_c_without_any_care_ends_the_process(run_script: Script, use: str) -> None:
    code, _, errors = run_script(
        "from brokerwire import SyncClient\n"
        "quotes = SyncClient('tradingview').market_data.stream_quotes('NASDAQ:AAPL')\n"
        f"print('waiting', flush=True)\n{use}",
        interrupt_at="waiting",
    )
    assert code != 0
    assert errors.count("Traceback") == 1
    assert errors.splitlines()[-1] == "KeyboardInterrupt"


@pytest.mark.process
@pytest.mark.parametrize(
    "work",
    [
        "client.market_data.get_quotes('BTCUSDT')",
        "quotes = client.market_data.stream_quotes('BTCUSDT', print); quotes.ready()",
        "quotes = client.market_data.stream_quotes('BTCUSDT'); print(quotes.get(timeout=10).symbol)",
    ],
)
def test_a_process_that_closes_nothing_ends_quietly(run_script: Script, work: str) -> None:
    code, _, errors = run_script(f"from brokerwire import SyncClient\nclient = SyncClient('binance')\n{work}")
    assert (code, errors) == (0, "")


@pytest.mark.process
@pytest.mark.parametrize(
    ("callback", "told"),
    [("def hang(_): begun.set(); held.wait()", "does not return"), ("async def hang(_): begun.set(); held.wait()", "")],
)
def test_a_callback_that_hangs_does_not_keep_the_process(run_script: Script, callback: str, told: str) -> None:
    code, _, errors = run_script(
        "import threading\nfrom brokerwire import SyncClient\nbegun, held = threading.Event(), threading.Event()\n"
        f"{callback}\nquotes = SyncClient('binance', close_timeout=1).market_data.stream_quotes('BTCUSDT', hang)\n"
        "begun.wait()"
    )
    assert code == 0
    assert "Traceback" not in errors
    assert told in errors


@pytest.mark.process
def test_a_journal_is_closed_at_the_end_of_the_process(run_script: Script, tmp_path: Path) -> None:
    journal = tmp_path / "orders.db"
    code, _, errors = run_script(
        f"from brokerwire import SyncClient\nclient = SyncClient('tradestation', journal={str(journal)!r})\n"
        "client.order_execution.place_order(symbol='AAPL', side='buy', quantity=1, type='limit', limit_price=1,"
        " account=client.brokerage.get_accounts()[0].account_id)"
    )
    assert (code, errors) == (0, "")
    assert journal.exists()


@pytest.mark.process
def test_a_fork_is_refused_as_the_client_refuses_it(run_script: Script) -> None:
    code, out, errors = run_script(
        """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of a fork beside threads
from brokerwire import SyncClient
client = SyncClient("binance")
quotes = client.market_data.stream_quotes("BTCUSDT")
child = os.fork()
if not child:
    try:
        client.market_data.get_quotes("BTCUSDT")
    except Exception as exc:
        print(type(exc).__name__, flush=True)
    quotes.unsubscribe()
    client.close()
    os._exit(0)
os.waitpid(child, 0)
print(quotes.get(timeout=10).symbol)
client.close()
"""
    )
    assert (code, errors) == (0, "")
    assert out.split() == ["StreamError", "BTCUSDT"]


def test_no_file_of_a_client_is_left_open(no_leftovers: None) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with SyncClient("tradingview", environment="offline") as client:
            client.market_data.get_quotes("NASDAQ:AAPL")
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= before)
