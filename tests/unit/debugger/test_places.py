"""What an event is called, and how that is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from gradb.debugger.places import read_place
from gradb.frame.called import NUMBERS, ByIteration, Place
from gradb.frame.reader import Tape
from tests.fakes.again import lived_again, watched_run


@given(st.integers(1, 10**15 - 1), st.integers(0, 10**15 - 1))
def test_what_is_written_is_read(event: int, iteration: int) -> None:
    """A place is read as it is written."""
    assert read_place(str(Place(event, iteration))) == Place(event, iteration)


@pytest.mark.parametrize("text", ["", ":", "3:", ":3", "0:3", "3:0", "-1", "1:2:3", "3 : 4", "1e3", "٣:1", "9" * 40])
def test_what_is_no_place(text: str) -> None:
    """Anything else is none."""
    assert read_place(text) is None


def test_the_names_of_events(tmp_path: Path) -> None:
    """On the tape of an iteration lived again each event has the name by which it is found; of one that is damaged or
    not there nothing is known.
    """
    first = tmp_path / "x.tape"
    watched_run(first)
    with Tape.open(lived_again(first, 5).path) as tape:
        assert (tape.called(12), tape.called(12, ","), tape.called.among(12, 58)) == ("12", "12", "12/58")
        called = ByIteration(tape.path, tape.event, tape.head)
        tape.call(called)
        names = [called(event.seq) for event in tape.events()]
        assert (names[0], names[-1], len(set(names))) == ("1:1", "7:1", len(names))
        places = [called.place(event.seq) for event in tape.events()]
        assert all(called.begin(place.iteration) + place.event - 1 == seq for seq, place in enumerate(places, 1))
        assert called.among(called.begin(5), tape.head) == "5:1/15"
        assert (called(0), called(999)) == ("?:0", "?:999")
        assert tape.frame(12).called is called
        assert tape.frame(12).place == (tape.path, 12)
    assert NUMBERS(1234, ",") == "1,234"
