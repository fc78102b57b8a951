"""Model: what tvkit's records can do besides holding fields."""

from collections.abc import Mapping
from typing import Any, Self

import msgspec
from msgspec import Struct

from brokerwire.compat.tvkit.errors import SeriesError


class Model(Struct, kw_only=True):
    """A record with the methods that users of tvkit call on its models."""

    @classmethod
    def model_validate(cls, message: Mapping[str, Any]) -> Self:
        """Return the record of a mapping, by the names that the wire uses.

        Raises:
            SeriesError: A field is missing or has another type; also a ``ValueError``.
        """
        try:
            return msgspec.convert(message, cls, strict=False)
        except msgspec.ValidationError as exc:
            raise SeriesError(f"not a {cls.__name__}: {exc}") from exc

    def model_dump(self) -> dict[str, Any]:
        """Return the fields by their attributes' names, records inside as mappings; numbers keep their types."""
        return {name: _plain(getattr(self, name)) for name in self.__struct_fields__}

    def model_dump_json(self) -> str:
        """Return the fields as JSON."""
        return msgspec.json.encode(self.model_dump()).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.model_dump()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
