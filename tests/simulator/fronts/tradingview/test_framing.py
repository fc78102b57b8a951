import pytest

from brokerwire.simulator.fronts.tradingview import framing


def test_packets_are_walked_by_their_lengths_and_not_by_what_they_hold():
    inner = '{"x":"~m~3~m~abc"}'
    text = framing.pack(inner) + framing.pack_heartbeat(17) + framing.pack("")
    assert framing.walk(text) == [inner, "~h~17", ""]


@pytest.mark.parametrize("text", ["hello", "~m~5~m~abc", "~m~x~m~abc", framing.pack("{}") + "rest"])
def test_anything_else_is_a_framing_error(text):
    with pytest.raises(framing.FramingError):
        framing.walk(text)


def test_a_message_is_stamped_in_seconds_and_milliseconds_when_asked_for():
    assert framing.pack_message("du", ["cs_a"]) == '~m~23~m~{"m":"du","p":["cs_a"]}'
    assert framing.walk(framing.pack_message("x", [], 1795446000214)) == [
        '{"m":"x","p":[],"t":1795446000,"t_ms":1795446000214}'
    ]


@pytest.mark.parametrize(
    ("payload", "number"), [("~h~0", 0), ("~h~17", 17), ("~h~", None), ("~h~1x", None), ("{}", None)]
)
def test_heartbeats_are_told_from_other_payloads(payload, number):
    assert framing.heartbeat_number(payload) == number


@pytest.mark.parametrize(("unit", "length"), [("characters", 3), ("utf16", 4), ("bytes", 9)])
def test_lengths_count_different_things_beyond_ascii(unit, length):
    assert framing.pack("é漢\U0001f4c8", unit) == f"~m~{length}~m~é漢\U0001f4c8"
    assert framing.pack("abc", unit) == "~m~3~m~abc"
