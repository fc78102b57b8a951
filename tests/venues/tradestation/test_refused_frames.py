"""A frame that is refused leaves nothing behind: what comes after it is read as if it had not come."""

import msgspec
import pytest

from brokerwire.errors import ProtocolError
from brokerwire.events import Topic
from brokerwire.venue import Session
from brokerwire.venues.tradestation import VENUE


def new_session(topic: Topic) -> Session:
    session = VENUE.new_session(VENUE.kind_of(topic), {})
    session.subscribe([topic], 0.0)
    session.handle_open(0.0)
    return session


def test_a_quote_whose_names_cannot_be_read_changes_neither_time_nor_prices() -> None:
    session = new_session(Topic("quote", "KO"))
    (first,) = session.receive(b'{"Symbol":"KO","Bid":"1","TradeTime":"2026-11-20T15:30:00Z"}', 0.0, 1)
    with pytest.raises(ProtocolError):
        session.receive(b'{"Symbol":"KO","Bid":"7","TradeTime":"2026-11-20T09:00:00Z","\xff":"x"}', 0.0, 2)
    (second,) = session.receive(b'{"Symbol":"KO","Ask":"2"}', 0.0, 3)
    assert (second.bid, second.ask, second.time_ns) == (1.0, 2.0, first.time_ns)
    assert second["Bid"] == "1"


def test_a_quote_whose_time_is_none_changes_nothing() -> None:
    session = new_session(Topic("quote", "KO"))
    session.receive(b'{"Symbol":"KO","Bid":"1"}', 0.0, 1)
    with pytest.raises(ProtocolError):
        session.receive(b'{"Symbol":"KO","Bid":"7","TradeTime":"yesterday"}', 0.0, 2)
    (quote,) = session.receive(b'{"Symbol":"KO","Ask":"2"}', 0.0, 3)
    assert (quote.bid, quote["Bid"], quote.time_ns) == (1.0, "1", None)


@pytest.mark.parametrize(
    "bad", [b'"Errors":null', b'"Errors":[7]', b'"x":1,"Balances":[{"AccountID":"1","CashBalance":"2"},7]']
)
def test_balances_of_an_answer_that_is_broken_elsewhere_are_told_by_the_next_one(bad: bytes) -> None:
    session = new_session(Topic("balance", "1"))
    row = b'{"AccountID":"1","CashBalance":"2"}'
    with pytest.raises(ProtocolError):
        session.receive(b'{"Balances":[' + row + b"]," + bad + b"}", 0.0, 1)
    events = session.receive(b'{"Balances":[' + row + b"]}", 0.0, 2)
    assert [event.raw for event in events] == [msgspec.json.decode(row)] * len(events)
    assert events
