"""Signed requests by name and path, with their weights."""

from brokerwire.simulator.fronts.binance.account_methods import ACCOUNT_METHODS, ACCOUNT_METHODS_BY_NAME
from brokerwire.simulator.fronts.binance.arguments import Arguments


def test_weights_follow_the_documents():
    some, none = Arguments({"symbol": "A", "orderId": "1"}), Arguments({})
    weights = {name: (method.weight(some), method.weight(none)) for name, method in ACCOUNT_METHODS_BY_NAME.items()}
    assert weights["openOrders.status"] == (6, 80)
    assert weights["myTrades"] == (5, 20)
    assert weights["account.status"] == (20, 20)
    assert weights["order.place"] == (1, 1)
    test = ACCOUNT_METHODS_BY_NAME["order.test"]
    assert [test.weight(Arguments({"computeCommissionRates": flag})) for flag in ("true", "false")] == [20, 1]
    assert weights["order.test"] == (1, 1)


def test_each_verb_and_path_is_there_once():
    assert len({(method.verb, method.path) for method in ACCOUNT_METHODS}) == len(ACCOUNT_METHODS)
