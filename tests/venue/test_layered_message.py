import msgspec

from brokerwire.venue.layered_message import MOST_LAYERS, LayeredMessage, shape_of

read = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def frame(**fields: object) -> bytes:
    return msgspec.json.encode(fields)


def put(message: LayeredMessage, **fields: object) -> tuple[bytes, ...]:
    each = frame(**fields)
    return message.put(each, shape_of(each))


def test_of_frames_with_the_same_fields_the_newest_counts() -> None:
    message = LayeredMessage(read)
    put(message, a="1", b="2")
    put(message, a="3")
    layers = put(message, a="5")
    assert layers == (frame(a="1", b="2"), frame(a="5"))


def test_the_newest_frame_comes_last_whatever_came_first() -> None:
    message = LayeredMessage(read)
    put(message, a="1")
    put(message, a="2", b="2")
    assert put(message, a="3")[-1] == frame(a="3")


def test_names_with_figures_are_told_apart() -> None:
    message = LayeredMessage(read, frozenset({"High52"}))
    put(message, x1="1")
    assert len(put(message, x2="1")) == 2
    message = LayeredMessage(read, frozenset({"High52"}))
    put(message, High52="1")
    assert put(message, High52="2") == (frame(High52="2"),)


def test_more_shapes_than_a_venue_has_become_one_frame() -> None:
    message = LayeredMessage(read)
    names = [f"{chr(97 + n % 26)}{'q' * (n // 26)}" for n in range(MOST_LAYERS + 1)]
    layers: tuple[bytes, ...] = ()
    for name in names:
        layers = put(message, **{name: "v"})
    (only,) = layers
    assert msgspec.json.decode(only) == dict.fromkeys(names, "v")
