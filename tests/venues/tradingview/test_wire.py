import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerwire.venues.tradingview.wire import Post, call, pack, unpack


def test_packets_are_walked_by_their_lengths_whatever_they_hold() -> None:
    payloads = [b'{"m":"a","p":["~m~4~m~null"]}', b"~h~17", b'{"m":"b","p":[]}']
    assert unpack(b"".join(map(pack, payloads))) == payloads


@given(st.lists(st.text(alphabet=st.characters(codec="ascii"))))
def test_what_is_packed_is_unpacked_the_same(texts: list[str]) -> None:
    payloads = [text.encode() for text in texts]
    assert unpack(b"".join(map(pack, payloads))) == payloads


@pytest.mark.parametrize("encoding", ["code points", "utf-16", "utf-8"])
def test_lengths_of_other_units_are_understood(encoding: str) -> None:
    text = '{"m":"x","p":["Zürich 🏔"]}'
    lengths = {"code points": len(text), "utf-16": len(text.encode("utf-16-le")) // 2, "utf-8": len(text.encode())}
    frame = f"~m~{lengths[encoding]}~m~{text}~m~5~m~~h~17".encode()
    assert unpack(frame) == [text.encode(), b"~h~17"]


@pytest.mark.parametrize("frame", [b"hello", b"~m~x~m~{}", b"~m~9~m~{}", "~m~9~m~ü".encode(), "ü".encode(), b"~m~2"])
def test_what_is_no_packets_is_refused_with_what_could_be_read(frame: bytes) -> None:
    with pytest.raises(ValueError, match="packet") as caught:
        unpack(pack(b"~h~1") + frame)
    assert caught.value.args[1] == [b"~h~1"]


def test_calls_are_compact_and_ascii() -> None:
    packed = call("resolve_symbol", "cs_1", '={"symbol":"X:Ü🏔"}')
    assert packed.isascii()
    (payload,) = unpack(packed)
    assert b" " not in payload
    assert msgspec.json.decode(payload)["p"][1] == '={"symbol":"X:Ü🏔"}'


def test_a_post_keeps_what_is_said_in_order() -> None:
    post = Post()
    post.call("a", 1)
    post.call("b")
    assert [unpack(each)[0] for each in post.packets] == [b'{"m":"a","p":[1]}', b'{"m":"b","p":[]}']
