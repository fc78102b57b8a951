"""Events are encoded once per wire form and shared."""

import msgspec

from brokerwire.simulator.fronts.binance.figures import MICROSECOND, MILLISECOND
from brokerwire.simulator.fronts.binance.framing import payload_of
from brokerwire.simulator.fronts.binance.payloads import Event, RecordedEvent, server_shutdown


def test_event_builds_each_form_once_and_shares_its_bytes():
    built = []

    def build(unit):
        built.append(unit.name)
        return b'{"E":1}'

    event = Event("a@trade", build)
    assert event.frame(MILLISECOND, True) is event.frame(MILLISECOND, True)
    assert payload_of(event.frame(MILLISECOND, True)) == b'{"stream":"a@trade","data":{"E":1}}'
    assert payload_of(event.frame(MICROSECOND, False)) == b'{"E":1}'
    assert built == ["MILLISECOND", "MICROSECOND"]


def test_recorded_event_keeps_its_bytes_in_both_forms():
    event = RecordedEvent("a@trade", wrapped=b'{ "w":1}', bare=b'{ "b":1}')
    assert payload_of(event.frame(MILLISECOND, True)) == b'{ "w":1}'
    assert payload_of(event.frame(MICROSECOND, False)) == b'{ "b":1}'
    assert event.frame(MILLISECOND, True) is event.frame(MILLISECOND, True)


def test_shutdown_notice_has_a_raw_and_a_combined_shape():
    notice = server_shutdown(5_000_000)
    assert msgspec.json.decode(payload_of(notice.frame(MILLISECOND, False))) == {"e": "serverShutdown", "E": 5}
    assert msgspec.json.decode(payload_of(notice.frame(MILLISECOND, True))) == {
        "stream": "!serverShutdown",
        "data": {"e": "serverShutdown", "E": 5},
    }
