import pytest

from brokerwire.simulator.fronts.tradingview.chart_desk import ChartParts, CriticalError
from brokerwire.simulator.fronts.tradingview.chart_symbols import ChartSymbols
from brokerwire.simulator.fronts.tradingview.resolution import parse_resolution
from brokerwire.simulator.fronts.tradingview.settings import read_settings
from brokerwire.simulator.fronts.tradingview.symbols import SymbolTable
from brokerwire.simulator.fronts.tradingview.tape import Tapes
from brokerwire.simulator.price_path import DAY_NS


class Sink:
    bar_limit = 100
    may_run_scripts = False

    def __init__(self, plan):
        self.plan = plan
        self.packets = []

    def replay(self, session_id):
        return None

    def send_answer(self, topic, method, params):
        self.packets.append((method, params))


@pytest.fixture
def new_symbols(live_market):
    def build(sink):
        parts = ChartParts(
            market=live_market,
            symbols=SymbolTable(live_market.universe),
            tapes=Tapes(live_market),
            settings=read_settings({"history_days": 50, "coin_history_days": 20}),
        )
        return ChartSymbols("cs_a", sink, parts)

    return build


@pytest.mark.parametrize(
    ("spec", "plan", "answer"),
    [
        ("NYSE:F", "", ["cs_a", "sym_1"]),
        ("NYSE:NOSUCH", "", ["cs_a", "sym_1", "invalid symbol"]),
        ("={", "", ["cs_a", "sym_1", "invalid symbol"]),
        ('={"replay":"rs_x","symbol":{"symbol":"NYSE:F"}}', "", ["cs_a", "sym_1", "invalid symbol"]),
        ("ECONOMICS:USM2", "", ["cs_a", "sym_1", "permission denied", "group", "economics_paid"]),
        ("ECONOMICS:USM2", "pro", ["cs_a", "sym_1", "invalid symbol"]),
    ],
)
async def test_a_symbol_is_told_or_the_reason_why_not(new_symbols, spec, plan, answer):
    sink = Sink(plan)
    symbols = new_symbols(sink)
    symbols.add("sym_1", spec)
    await symbols.tell("sym_1")
    method, params = sink.packets[0]
    assert method == ("symbol_error" if len(answer) > 2 else "symbol_resolved")
    assert params[: max(2, len(answer))] == answer


async def test_an_id_serves_once(new_symbols):
    symbols = new_symbols(Sink(""))
    symbols.add("sym_1", "NYSE:F")
    with pytest.raises(CriticalError, match="duplicate id"):
        symbols.add("sym_1", "NYSE:F")
    assert "sym_1" in symbols
    assert symbols.get("sym_2") is None


@pytest.mark.parametrize(("name", "days"), [("NYSE:F", 50), ("BINANCE:BTCUSDT", 20)])
async def test_history_begins_where_the_settings_say(new_symbols, live_market, name, days):
    symbols = new_symbols(Sink(""))
    symbols.add("sym_1", name)
    symbol = symbols["sym_1"]
    history = symbols.history(symbol.listed, symbol.spec, parse_resolution("1D"))
    assert live_market.now_ns() // DAY_NS - history.reach_ns() // DAY_NS == days
    assert symbols.replay_of(symbol.spec) is None
