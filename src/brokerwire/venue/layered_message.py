"""A message made of several frames: for sessions of venues that send what changed."""

from collections.abc import Callable, Mapping, Set
from typing import TypeAlias

import msgspec

MOST_LAYERS = 32
"""Frames that are kept to make up one message; venues send a handful of shapes."""

_FIGURES = b"0123456789.-"

ReadFields: TypeAlias = Callable[[bytes], Mapping[str, msgspec.Raw]]
"""Reads the fields of a frame, each as it came; raises what a session raises for one that cannot be read."""


def shape_of(frame: bytes) -> bytes:
    """Return a frame with its figures taken out: frames that have the same fields have the same shape."""
    return frame.translate(None, _FIGURES)


class LayeredMessage:
    """The frames that are one message together, oldest first: what a later one leaves out stays as it was.

    The shape of a frame shows which fields it has: the newest of each shape holds all there is to know, so that nothing
    is parsed until somebody reads it. Names with figures in them are told apart by reading them, but
    for ``figured_names``, which differ without their figures too.
    """

    __slots__ = ("_figured_names", "_layers", "_newest", "_older", "_read_fields")

    def __init__(self, read_fields: ReadFields, figured_names: Set[str] = frozenset()) -> None:
        self._read_fields = read_fields
        self._figured_names = figured_names
        self._layers: dict[bytes, bytes] = {}
        self._newest = b""
        self._older: tuple[bytes, ...] = ()

    def put(self, frame: bytes, shape: bytes) -> tuple[bytes, ...]:
        """Take a frame and its shape, and return the frames that count."""
        layers = self._layers
        if shape == self._newest:
            layers[shape] = frame
            return (*self._older, frame)
        if shape in layers:
            del layers[shape]  # the newest comes last
            self._older = tuple(layers.values())
            layers[shape] = frame
            self._newest = shape
        else:
            self._add(shape, frame)
            self._newest = b""
        return tuple(self._layers.values())

    def _add(self, shape: bytes, frame: bytes) -> None:
        names = self._read_fields(frame)
        if any(self._has_figure(name) for name in names):
            shape = "\n".join(names).encode()
            self._layers.pop(shape, None)
        self._layers[shape] = frame
        if len(self._layers) > MOST_LAYERS:
            self._collapse()

    def _has_figure(self, name: str) -> bool:
        return name not in self._figured_names and any(figure in name for figure in _FIGURES.decode())

    def _collapse(self) -> None:
        merged: dict[str, msgspec.Raw] = {}
        for frame in self._layers.values():
            merged |= self._read_fields(frame)
        self._layers = {b"": msgspec.json.encode(merged)}
