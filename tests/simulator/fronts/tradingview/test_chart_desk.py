import inspect

import pytest

from brokerwire.simulator.fronts.tradingview.chart_desk import ChartSink, CriticalError
from brokerwire.simulator.fronts.tradingview.visitor import Visitor


def test_a_client_is_all_that_a_chart_needs():
    wanted = {name for name, _ in inspect.getmembers(ChartSink) if not name.startswith("_")}
    assert {"plan", "bar_limit", "may_run_scripts", "replay", "send_data", "send_answer", "note_failure"} == wanted
    assert all(hasattr(Visitor, name) for name in wanted)


def test_a_critical_error_says_why():
    with pytest.raises(CriticalError, match="invalid parameters"):
        raise CriticalError("invalid parameters")
