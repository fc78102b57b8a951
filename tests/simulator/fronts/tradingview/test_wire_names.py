from brokerwire.simulator.fronts.tradingview.wire_names import ARITY, STAMPED, argument_text, journal_kind


def test_arguments_are_printed_without_quotes():
    assert argument_text(["sds_4", "s1", 100, ""]) == "[sds_4, s1, 100, ]"
    assert argument_text([["bar_count", 1, 2]]) == "[[bar_count, 1, 2]]"


def test_the_journal_tells_subscribing_from_the_rest():
    kinds = [journal_kind(method) for method in ("quote_add_symbols", "chart_delete_session", "set_locale")]
    assert kinds == ["subscribe", "unsubscribe", "control"]


def test_only_packets_of_charts_are_stamped():
    assert "qsd" not in STAMPED
    assert "du" not in STAMPED
    assert ARITY["create_series"] == (6, 7)
