"""Model: what tvkit's records can do besides holding fields: check them, take the wire's names, be dumped."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import msgspec
from msgspec import Struct, StructMeta

from brokerwire.compat.tvkit.errors import SeriesError

MORE = "model_extra"
"""The field of records that take fields which they do not have; those are kept there."""


class _CheckedType(StructMeta):
    """Checks the fields of a record that is made by hand, which a plain ``Struct`` leaves to type checkers."""

    if not TYPE_CHECKING:  # pragma: no branch - type checkers see what a Struct takes

        def __call__(cls, /, **fields: Any) -> Any:
            return cls.model_validate(fields)


class Model(Struct, kw_only=True, metaclass=_CheckedType):
    """A record with the methods that users of tvkit call on its models.

    Its fields are named, by the attributes' names or those of the wire. Numbers may be written as text. Whatever makes
    a record raises ``SeriesError``, which is a ``ValueError``, where a field is missing, unknown or of another type.
    """

    computed: ClassVar[tuple[str, ...]] = ()
    """Properties that are dumped with the fields."""

    @classmethod
    def model_validate(cls, obj: Any) -> Self:
        """Return the record of a mapping; a record of this kind stays as it is.

        Raises:
            SeriesError: A field is missing, unknown or of another type; also a ``ValueError``.
        """
        if isinstance(obj, cls):
            return obj
        if not isinstance(obj, Mapping):
            raise SeriesError(f"not a {cls.__name__}: a mapping is wanted, not {type(obj).__name__}")
        return cls.from_wire(cls._by_wire_name(obj))

    @classmethod
    def model_construct(cls, **values: Any) -> Self:
        """Return the record of fields, by the attributes' names, that are known to be right; no type is checked.

        It takes a quarter of the time, which counts for a history of many bars.
        """
        record: Self = StructMeta.__call__(cls, **values)
        return record

    @classmethod
    def model_validate_json(cls, json_data: str | bytes) -> Self:
        """Return the record of a JSON object.

        Raises:
            SeriesError: It is no JSON, or a field is missing, unknown or of another type; also a ``ValueError``.
        """
        try:
            return cls.model_validate(msgspec.json.decode(json_data))
        except msgspec.DecodeError as exc:
            raise SeriesError(f"not a {cls.__name__}: {exc}") from exc

    @classmethod
    def from_wire(cls, message: Mapping[str, Any]) -> Self:
        """Return the record of a part of a message, which may have fields that are not known here.

        Raises:
            SeriesError: A field is missing or of another type; also a ``ValueError``.
        """
        try:
            return msgspec.convert(message, cls, strict=False)
        except msgspec.ValidationError as exc:
            if isinstance(exc.__cause__, SeriesError):
                raise exc.__cause__ from None
            raise SeriesError(f"not a {cls.__name__}: {exc}") from exc

    @classmethod
    def _by_wire_name(cls, obj: Mapping[str, Any]) -> dict[str, Any]:
        on_wire = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
        fields = {on_wire.get(name, name): _as_builtin(value) for name, value in obj.items()}
        if len(fields) < len(obj):
            raise SeriesError(f"not a {cls.__name__}: a field is given under both of its names")
        unknown = [name for name in fields if name not in on_wire.values()]
        if unknown and MORE not in on_wire:
            raise SeriesError(f"not a {cls.__name__}: it has no field {', '.join(unknown)}")
        return {**fields, MORE: {name: fields.pop(name) for name in unknown}} if unknown else fields

    def model_dump(
        self,
        *,
        mode: Literal["python", "json"] = "python",
        include: Collection[str] | None = None,
        exclude: Collection[str] = (),
        by_alias: bool = False,
        exclude_none: bool = False,
    ) -> dict[str, Any]:
        """Return the fields and what is worked out from them, records inside as mappings; numbers keep their types.

        ``include`` and ``exclude`` are names of attributes; ``by_alias`` writes the wire's names; ``json`` has only
        what JSON has.
        """

        def shown(value: Any) -> Any:
            return _plain(value, by_alias=by_alias, exclude_none=exclude_none)

        written = self.__struct_encode_fields__ if by_alias else self.__struct_fields__
        names = {**dict(zip(self.__struct_fields__, written, strict=True)), **dict.fromkeys(self.computed)}
        names.pop(MORE, None)
        kept = {name for name in names if (include is None or name in include) and name not in exclude}
        values = {names[name] or name: getattr(self, name) for name in names if name in kept} | self._more()
        dumped = {name: shown(value) for name, value in values.items() if not (exclude_none and value is None)}
        return msgspec.to_builtins(dumped) if mode == "json" else dumped

    def _more(self) -> dict[str, Any]:
        return {}

    def model_dump_json(self, *, indent: int | None = None, **options: Any) -> str:
        """Return the fields as JSON; ``options`` are those of ``model_dump``."""
        encoded = msgspec.json.encode(self.model_dump(**options))
        return (encoded if indent is None else msgspec.json.format(encoded, indent=indent)).decode()

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self:
        """Return a record with the same fields but those of ``update``, which are checked.

        Raises:
            SeriesError: A field of ``update`` is unknown or of another type; also a ``ValueError``.
        """
        return self.model_validate({name: getattr(self, name) for name in self.__struct_fields__} | dict(update or {}))


def _as_builtin(value: Any) -> Any:
    """Return a number of numpy's, such as a row of a frame holds, as Python's."""
    return value.item() if getattr(value, "shape", None) == () else value


def _plain(value: Any, **options: Any) -> Any:
    if isinstance(value, Model):
        return value.model_dump(**options)
    if isinstance(value, list | tuple):
        return [_plain(item, **options) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item, **options) for key, item in value.items()}
    return value
