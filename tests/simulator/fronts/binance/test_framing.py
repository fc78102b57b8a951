"""Frames are unmasked and carry their length in the shortest form."""

import pytest

from brokerwire.simulator.fronts.binance.framing import PING, combined, frame, payload_of, text_frame


@pytest.mark.parametrize(("length", "header"), [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)])
def test_header_grows_with_the_payload_and_the_payload_comes_back(length, header):
    payload = b"x" * length
    wire = text_frame(payload)
    assert len(wire) == header + length
    assert payload_of(wire) == payload


def test_control_frame_has_its_opcode():
    assert frame(PING, b"ab") == b"\x89\x02ab"


def test_combined_wraps_the_event_with_its_stream():
    assert combined("a@trade", b'{"p":"1"}') == b'{"stream":"a@trade","data":{"p":"1"}}'
