"""Shows the fields of a msgspec struct as the parameters that it is made with."""

from collections.abc import Iterator
from typing import Any, TypeGuard

import griffe


class StructSignatures(griffe.Extension):
    """Writes the constructor that a struct class has at run time into what the reference is made of."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Look at every class once the package is loaded and its bases are known."""
        for cls in _classes(pkg):
            bases = [cls, *cls.mro()]
            if any(base.endswith("Struct") for each in bases for base in map(str, each.bases)):
                cls.set_member("__init__", _constructor(bases))


def _classes(scope: griffe.Object) -> Iterator[griffe.Class]:
    for member in scope.members.values():
        if isinstance(member, griffe.Class):
            yield member
        elif isinstance(member, griffe.Module):
            yield from _classes(member)


def _constructor(bases: list[griffe.Class]) -> griffe.Function:
    fields: dict[str, griffe.Attribute] = {}
    for base in reversed(bases):
        fields.update({name: member for name, member in base.members.items() if _is_field(member)})
    parameters = griffe.Parameters(
        griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword),
        *(
            griffe.Parameter(
                name,
                annotation=field.annotation,
                kind=griffe.ParameterKind.positional_or_keyword,
                default=_default(field),
            )
            for name, field in fields.items()
        ),
    )
    return griffe.Function("__init__", parameters=parameters)


def _is_field(member: Any) -> TypeGuard[griffe.Attribute]:
    return (
        isinstance(member, griffe.Attribute)
        and member.annotation is not None
        and "instance-attribute" in member.labels
        and not member.name.startswith("_")
    )


def _default(field: griffe.Attribute) -> Any:
    value = field.value
    return "None" if value is not None and str(value).startswith("msgspec.field(default=None") else value
