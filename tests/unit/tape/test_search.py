from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, strategies as st

from gradb.frame import stretches
from gradb.frame.reader import Tape
from gradb.frame.steps import finished
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.note import NoteDetail
from gradb.tape.kinds.registry import Kind
from gradb.tape.lookout import Lookout
from gradb.tape.schema import BIRTH, NAN, SCALED
from gradb.tape.stops import Stop, StopKind
from tests.fakes import TapeBuilder
from tests.properties import tried
from tests.unit.tape.conftest import Opener

KINDS = get_args(Kind)
NAMES = [
    "MulBackward0",
    "mulbackward",
    "Mul",
    "PowBackward12",
    "Backward",
    "a%b",
    "\u212aBackward0",
    "torch.mul",
    "aten.mul.Tensor",
    "",
]
SCOPES = ["", "layer1", "layer1.0", "net.layer1", "layer10", "layer2"]
ARGUMENTS = {
    "node": ["mul", "MulBackward0", "pow", "a%b", "k", "\u212a", "", "backward0", "mu_", "x\\"],
    "aten": ["mul", "aten.Mul", "MulBackward0", "torch", ""],
    "at": [
        *("3", "s.py:3", "other.py:2", "dir/other.py:2", "x:1", "y.py:", "\u00b2", "99999999999999999999", ""),
        *("s.py:2-3", "2-4", "s.py:3-2", "other.py:1-", "1-200", "3-99999999999999999999"),
    ],
    "kind": [*KINDS, "nothing"],
    "iteration": ["", "1", "2", "3", "99999999999999999999"],
    "module": ["layer1", "layer1.0", "0", "layer", "net.layer1", ""],
    "position": ["0", "1", "7", "400", "-3"],
}


def reference(events: list[Event], stop: Stop, position: int, direction: int) -> int | None:
    """Find by looking at every event, as the gate in the debuggee does; back to where a named iteration begins."""
    origin = events[position - 1] if position else None
    if stop.kind == "iteration" and stop.argument and direction < 0:
        return next((event.seq for event in events[: max(0, position - 1)] if stop.matches(event, None)), None)
    ahead = events[position:] if direction > 0 else events[: max(0, position - 1)][::-1]
    for event in ahead:
        if stop.matches(event, origin):
            return event.seq
    return 0 if direction < 0 and position and stop.kind in {"step", "event"} else None


headers = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "name": st.sampled_from(NAMES),
        "line": st.none() | st.integers(1, 3),
        "scope": st.sampled_from(SCOPES),
        "file": st.sampled_from([None, "dir/other.py", "other.py", "another.py"]),
        "node": st.none() | st.integers(1, 3),
        "is_quiet": st.booleans(),
        "odd": st.sampled_from([0, *range(2, 16, 2), NAN | BIRTH | SCALED]),
        "phase": st.sampled_from(["forward", "backward", "gradients", "optimizer"]),
        "new_iteration": st.booleans(),
    }
)
BY_HEADER = [kind for kind in get_args(StopKind) if kind not in {"param", "when"}]
"""What the header alone decides on."""
stops = st.sampled_from(BY_HEADER).flatmap(
    lambda kind: st.builds(Stop, st.just(kind), st.sampled_from(ARGUMENTS.get(kind, [""])), st.booleans())
)


@tried(0.8)
@given(st.lists(headers, max_size=14), st.lists(stops, min_size=8, max_size=8))
def test_search_agrees_with_the_predicate(
    tmp_path_factory: pytest.TempPathFactory, found: list[dict[str, object]], wanted: list[Stop]
) -> None:
    """From every position, in both directions, SQL finds what looking at every event finds; also in short stretches."""
    path = tmp_path_factory.mktemp("search") / "t.tape"
    with TapeBuilder(path, "s.py") as builder:
        for header in found:
            builder.iteration += bool(header.pop("new_iteration"))
            builder.scope = str(header.pop("scope"))
            builder.event(NoteDetail(""), **header)  # type: ignore[arg-type]
    for length in (stretches.LENGTH, 3):
        with pytest.MonkeyPatch.context() as patch, Tape.open(path) as tape:
            patch.setattr(stretches, "LENGTH", length)
            events = list(tape.events())
            for stop in wanted:
                for position in range(tape.head + 1):
                    for direction in (+1, -1):
                        assert tape.find(stop, position, direction) == reference(events, stop, position, direction)


places = st.builds(
    Stop,
    st.sampled_from(["at", "module"]),
    st.sampled_from(["1", "other.py:1-2", "layer1", "layer1.0"]),
    passes=st.integers(0, 2),
)


@tried(3)
@given(st.lists(headers, max_size=14), st.lists(places, min_size=6, max_size=6))
def test_what_has_to_be_left_is_left_on_a_tape_as_in_a_run(
    tmp_path_factory: pytest.TempPathFactory, found: list[dict[str, object]], wanted: list[Stop]
) -> None:
    """From every position, both ways: a search stops where watching one event after the other does."""
    path = tmp_path_factory.mktemp("search") / "t.tape"
    with TapeBuilder(path, "s.py") as builder:
        for header in found:
            builder.iteration += bool(header.pop("new_iteration"))
            builder.scope = str(header.pop("scope"))
            builder.event(NoteDetail(""), **header)  # type: ignore[arg-type]
    with Tape.open(path) as tape:
        events = list(tape.events())
        for place in wanted:
            for position in range(tape.head + 1):
                origin = events[position - 1] if position else None
                stop = replace(place, is_inside=place.holds(origin))
                for direction, ahead in ((1, events[position:]), (-1, events[: max(0, position - 1)][::-1])):
                    lookout = Lookout([stop], origin)
                    seen = next((event.seq for event in ahead if lookout.sees(event)), None)
                    assert tape.find(stop, position, direction) == seen, (stop, position, direction)
                    if ahead and seen is None and position:
                        assert finished(tape.follow(stop, position, ahead[-1].seq)) == (False, lookout.stops[0])


def test_an_iteration_is_entered_where_it_begins(opener: Opener) -> None:
    """Forwards and backwards alike; from within it there is only the way back to its beginning."""
    tape = opener("training")
    begins = [next(event.seq for event in tape.events() if event.is_stop and event.iteration == n) for n in (1, 2, 3)]
    second = Stop("iteration", "2")
    assert tape.find(second, 0, +1) == tape.find(second, tape.head, -1) == begins[1]
    assert tape.find(second, begins[1], +1) is None
    assert tape.find(second, begins[1] + 3, +1) is None
    assert tape.find(second, begins[1] + 3, -1) == begins[1]
    assert tape.find(second, begins[1], -1) is None
    assert tape.find(Stop("iteration", "4"), 0, +1) is None


@pytest.mark.parametrize("name", ["chain_rule", "accumulation", "training"])
@pytest.mark.parametrize("stop", [Stop("step"), Stop("event"), Stop("step", with_quiet=True)], ids=str)
def test_every_step_has_its_reverse(opener: Opener, name: str, stop: Stop) -> None:
    """Walking back from the end passes the same positions as walking forth, down to the start."""
    tape = opener(name)
    forth = [0]
    while (found := tape.find(stop, forth[-1], +1)) is not None:
        forth.append(found)
    back = [forth[-1]]
    while (found := tape.find(stop, back[-1], -1)) is not None:
        back.append(found)
    assert back == forth[::-1]


def test_long_stretches_are_searched_in_batches(tmp_path: Path) -> None:
    """A match behind hundreds of candidates that are none is found, and none is none."""
    path = tmp_path / "t.tape"
    with TapeBuilder(path) as builder:
        for _ in range(700):
            builder.event(NoteDetail(""), "op", "MulXBackward0", node=1)
        builder.event(NoteDetail(""), "op", "MulBackward0", node=1)
    with Tape.open(path) as tape:
        assert tape.find(Stop("node", "mul"), 0, +1) == 701
        assert tape.find(Stop("node", "mul"), 701, -1) is None


def test_a_search_goes_on_where_the_tape_has_grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stretch that was not whole when it was searched is searched again, forwards and backwards."""
    monkeypatch.setattr(stretches, "LENGTH", 4)
    path = tmp_path / "t.tape"
    with TapeBuilder(path) as builder, Tape.open(path) as tape:
        for number in range(30):
            builder.event(NoteDetail(""), "op", "MulBackward0" if number == 21 else "AddBackward0", node=1)
            builder.iteration += number == 21
            builder.commit()
            found = 22 if number >= 21 else None
            assert tape.find(Stop("node", "mul"), 0, +1) == found
            assert tape.find(Stop("node", "mul"), builder.head, -1) == (found if number > 21 else None)
            assert tape.find(Stop("iteration"), 1, +1) == (23 if number > 21 else None)


def test_stops_outside_and_nonsense(chain_rule: Tape) -> None:
    """A position off the tape and an argument that is no number are ValueErrors."""
    with pytest.raises(ValueError, match=r"outside of 0\.\.19"):
        chain_rule.find(Stop("step"), 20, +1)
    with pytest.raises(ValueError, match="invalid literal"):
        chain_rule.find(Stop("position", "soon"), 0, +1)
    assert chain_rule.find(Stop("step"), 0, -1) is None
    assert chain_rule.find(Stop("phase"), 5, +1) == 8
    assert chain_rule.find(Stop("at", "chain_rule.py:11"), 0, +1) == 4
    assert chain_rule.find(Stop("node", "pow"), 4, +1) == 10
