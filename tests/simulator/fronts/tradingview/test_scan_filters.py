import pytest

from brokerwire.simulator.fronts.tradingview.scan_filters import ScanRefused, columns_of, condition_of, order

ROW = {"close": 5.0, "open": 4.0, "name": "Alphabet", "typespecs": ["common"], "none": None, "is_primary": True}


def keeps(left, operation, right=None):
    return condition_of([{"left": left, "operation": operation, "right": right}], {})(ROW)


@pytest.mark.parametrize(
    ("left", "operation", "right"),
    [
        ("close", "greater", 4),
        ("close", "egreater", 5),
        ("open", "less", "close"),
        ("open", "eless", 4.0),
        ("close", "equal", 5),
        ("is_primary", "equal", True),
        ("name", "nequal", "Beta"),
        ("close", "in_range", [5, 6]),
        ("close", "in_range", ["open", 6]),
        ("close", "in_range", [1, 5, 9]),
        ("name", "in_range", ["Alphabet", "Beta"]),
        ("close", "not_in_range", [6, 7]),
        ("name", "match", "phab"),
        ("name", "nmatch", "beta"),
        ("none", "empty", None),
        ("missing", "empty", None),
        ("close", "nempty", None),
        ("typespecs", "has", ["common", "preferred"]),
        ("typespecs", "has", "common"),
        ("typespecs", "has_none_of", ["etf"]),
    ],
)
def test_a_condition_that_holds_keeps_the_row(left, operation, right):
    assert keeps(left, operation, right)


@pytest.mark.parametrize(
    ("left", "operation", "right"),
    [
        ("close", "greater", 5),
        ("none", "greater", 1),
        ("none", "less", 1),
        ("close", "less", None),
        ("none", "in_range", [0, 9]),
        ("close", "in_range", 5),
        ("none", "not_in_range", [0, 9]),
        ("name", "match", "beta"),
        ("none", "has", ["x"]),
        ("close", "empty", None),
    ],
)
def test_a_condition_that_does_not_hold_drops_it(left, operation, right):
    assert not keeps(left, operation, right)


def expression(left, right):
    return {"expression": {"left": left, "operation": "equal", "right": right}}


@pytest.mark.parametrize(
    ("word", "operands", "kept"),
    [
        ("and", [expression("close", 5), expression("open", 4)], True),
        ("and", [expression("close", 5), expression("open", 5)], False),
        ("or", [expression("close", 4), expression("open", 4)], True),
        ("or", [expression("close", 4), {"operation": {"operator": "and", "operands": [expression("open", 4)]}}], True),
    ],
)
def test_conditions_are_combined_with_and_and_or(word, operands, kept):
    assert condition_of([], {"operator": word, "operands": operands})(ROW) is kept


@pytest.mark.parametrize("tree", [{"operator": "xor", "operands": []}, {"operator": "and"}])
def test_what_is_not_understood_is_refused(tree):
    with pytest.raises(ScanRefused, match="operator"):
        condition_of([], tree)
    with pytest.raises(ScanRefused, match="operation 'crosses'"):
        keeps("close", "crosses")


def test_columns_are_those_that_the_filters_name():
    tree = {"operation": {"operator": "or", "operands": [expression("RSI", "EMA20"), {"expression": {"right": [5]}}]}}
    assert set(columns_of([tree])) == {"RSI", "EMA20"}


def test_rows_are_sorted_with_those_that_have_no_value_at_one_end():
    rows = [{"x": 2}, {"x": None}, {"x": 3}, {"x": 1}]
    assert [row["x"] for row in order(rows, {"sortBy": "x", "sortOrder": "desc"})] == [3, 2, 1, None]
    assert [row["x"] for row in order(rows, {"sortBy": "x", "nullsFirst": True})] == [None, 1, 2, 3]
    assert order(rows, {}) == rows
    names = [{"x": "b"}, {"x": "a"}]
    assert [row["x"] for row in order(names, {"sortBy": "x", "sortOrder": "asc"})] == ["a", "b"]
