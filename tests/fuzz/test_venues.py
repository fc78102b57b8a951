"""Every venue that there is, under input that no venue should send; only errors of the library may come out."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz.conftest import Drawn
from tests.fuzz.corpus import corpus_of, venues
from tests.fuzz.targets import Player, spoil_operation, spoil_session, spoil_words

from brokerwire.venues import venue_names

EXAMPLES = 1000 if os.environ.get("BROKERWIRE_FAULTS") in {"full", "contract"} else 200
FUZZED = settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))


def test_every_venue_is_fuzzed() -> None:
    assert venues() == venue_names()


@pytest.mark.parametrize("name", venues())
def test_everything_that_a_venue_has_was_listened_to(name: str) -> None:
    corpus = corpus_of(name)
    asked = {conversation.name for conversation in corpus.conversations if conversation.answers}
    assert set(corpus.venue.operations) <= asked, corpus.refused
    assert all(len(transcript.frames) > 0 for transcript in corpus.transcripts)
    streams = {name for name in corpus.refused if name not in corpus.venue.operations}
    assert streams == set(), corpus.refused


@pytest.mark.parametrize("name", venues())
def test_what_was_heard_gives_the_same_events_again(name: str) -> None:
    corpus = corpus_of(name)
    for transcript in corpus.transcripts:
        players = [Player(corpus.venue, transcript) for _ in range(2)]
        for player in players:
            player.play(transcript.steps)
        assert players[0].heard == players[1].heard
    assert any(len(each) == 2 for each in players[0].heard)


@pytest.mark.parametrize("name", venues())
@FUZZED
@given(data=st.data())
def test_a_bad_frame_costs_itself_alone(name: str, data: st.DataObject) -> None:
    spoil_session(Drawn(data), corpus_of(name))


@pytest.mark.parametrize("name", venues())
@FUZZED
@given(data=st.data())
def test_a_bad_answer_is_a_record_or_an_error_of_the_library(name: str, data: st.DataObject) -> None:
    spoil_operation(Drawn(data), corpus_of(name))


@pytest.mark.parametrize("name", venues())
@FUZZED
@given(data=st.data())
def test_bad_words_make_an_error_of_the_library(name: str, data: st.DataObject) -> None:
    spoil_words(Drawn(data), corpus_of(name))
