"""What a scan keeps and in which order: conditions on columns, combined with and and or, and a column to sort by."""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]
"""Values by column."""
Condition: TypeAlias = Callable[[Row], bool]

_NUMERIC = frozenset({"greater", "egreater", "less", "eless"})


class ScanRefused(Exception):
    """The scan cannot be carried out, and this says why."""


def _within(value: Any, bounds: Any) -> bool:
    """A pair of numbers is a range, ends included; anything else is a list of values."""
    if not isinstance(bounds, list) or value is None:
        return False
    if len(bounds) == 2 and all(isinstance(bound, int | float) for bound in bounds):
        return bool(bounds[0] <= value <= bounds[1])
    return value in bounds


def _shares(value: Any, wanted: Any) -> bool:
    """Say whether a list has at least one of those that are wanted."""
    return isinstance(value, list) and bool(set(value) & set(wanted if isinstance(wanted, list) else [wanted]))


_OPERATIONS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        "greater": operator.gt,
        "egreater": operator.ge,
        "less": operator.lt,
        "eless": operator.le,
        "equal": operator.eq,
        "nequal": operator.ne,
        "in_range": _within,
        "not_in_range": lambda value, bounds: value is not None and not _within(value, bounds),
        "match": lambda value, text: str(text).lower() in str(value or "").lower(),
        "nmatch": lambda value, text: str(text).lower() not in str(value or "").lower(),
        "empty": lambda value, _: value is None,
        "nempty": lambda value, _: value is not None,
        "has": _shares,
        "has_none_of": lambda value, wanted: not _shares(value, wanted),
    }
)


def condition_of(filters: Sequence[Mapping[str, Any]], tree: Mapping[str, Any]) -> Condition:
    """Return what says whether a row is kept: all of ``filters`` and the ``tree`` of ands and ors.

    Raises:
        ScanRefused: An operation or an operator is not known.
    """
    conditions = [_comparison(each) for each in filters]
    if tree:
        conditions.append(_combination(tree))
    return lambda row: all(keeps(row) for keeps in conditions)


def _combination(tree: Mapping[str, Any]) -> Condition:
    if isinstance(tree.get("operation"), dict):
        return _combination(tree["operation"])
    if isinstance(tree.get("expression"), dict):
        return _comparison(tree["expression"])
    word, operands = tree.get("operator"), tree.get("operands")
    if word not in ("and", "or") or not isinstance(operands, list):
        raise ScanRefused(f"Unknown operator '{word}'")
    conditions, join = [_combination(each) for each in operands], all if word == "and" else any
    return lambda row: join(keeps(row) for keeps in conditions)


def _comparison(parts: Mapping[str, Any]) -> Condition:
    left, name, right = str(parts.get("left")), str(parts.get("operation")), parts.get("right")
    compare = _OPERATIONS.get(name)
    if compare is None:
        raise ScanRefused(f"Unknown operation '{name}'")

    def keeps(row: Row) -> bool:
        value, other = row.get(left), _resolved(row, row.get(left), right)
        if name in _NUMERIC and not (isinstance(value, int | float) and isinstance(other, int | float)):
            return False
        return compare(value, other)

    return keeps


def _resolved(row: Row, value: Any, right: Any) -> Any:
    """Return what a value is compared with: beside a number, a text is the name of another column."""
    if isinstance(right, list):
        return [_resolved(row, value, each) for each in right]
    is_column = isinstance(right, str) and isinstance(value, int | float)
    return row.get(right) if is_column else right


def columns_of(part: Any) -> Iterator[str]:
    """Yield every text in filters that may name a column."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for name, each in part.items():
            if name not in ("operation", "operator") or isinstance(each, dict):
                yield from columns_of(each)
    elif isinstance(part, list):
        for each in part:
            yield from columns_of(each)


def order(rows: list[Row], sort: Mapping[str, Any]) -> list[Row]:
    """Return the rows in the order asked for; those without a value last, unless ``nullsFirst`` is set."""
    column = sort.get("sortBy")
    known = [row for row in rows if row.get(str(column)) is not None]
    unknown = [row for row in rows if row.get(str(column)) is None]
    known.sort(key=lambda row: _rank(row[str(column)]), reverse=sort.get("sortOrder") == "desc")
    return unknown + known if sort.get("nullsFirst") else known + unknown


def _rank(value: Any) -> tuple[float, str]:
    return (float(value), "") if isinstance(value, int | float) else (0.0, str(value))
