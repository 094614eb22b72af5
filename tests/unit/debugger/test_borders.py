"""Walking over the borders of iterations that were lived again: the first tape and the others are one way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.rerun.relived import Relived
from gradb.debugger.stops import parse_stop
from gradb.frame.reader import Tape
from gradb.tape.kinds.event import Event
from gradb.tape.stops import Stop
from tests.fakes.again import lived_again, watched_run
from tests.unit.debugger.conftest import carry_out

MEANT = (1, 5, 6, 11)
"""Iterations that were lived again; 1 to 2, 4 to 7 and 10 to 12 are in place of the first run's."""


@dataclass(frozen=True, slots=True)
class Runs:
    """A first run and what was lived again of it."""

    first: Path
    again: tuple[Relived, ...]

    def open(self) -> Debugger:
        """Open the first with the others in place."""
        return Debugger.open(str(self.first))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Write the tapes once."""
    first = tmp_path_factory.mktemp("borders") / "train.tape"
    watched_run(first)
    return Runs(first, tuple(lived_again(first, iteration) for iteration in MEANT))


@pytest.fixture(scope="module")
def model(runs: Runs) -> Model:
    """Read all events once."""
    return Model(runs)


@pytest.fixture
def debugger(runs: Runs) -> Iterator[Debugger]:
    """Open the first run with all in place."""
    opened = runs.open()
    yield opened
    opened.close()


# --- the naive model --------------------------------------------------------------------------------------------------


class Model:
    """All events of the way in one list, gone through one by one."""

    def __init__(self, runs: Runs) -> None:
        self.way: list[tuple[str, Event]] = []
        self.hidden: dict[int, int] = {}
        """Event of the first tape -> index in the way before what lies in its place."""
        with Tape.open(runs.first) as first:
            told: set[int] = set()
            for event in first.events():
                meant = self._meant(runs, event.iteration)
                if meant is not None and event.iteration not in told:
                    told.add(event.iteration)
                    self._take(meant, event.iteration)
                if meant is None:
                    self.way.append((str(event.seq), event))
                else:
                    self.hidden[event.seq] = next(
                        index for index, (_, other) in enumerate(self.way) if other.iteration == event.iteration
                    )
        self.index = -1
        """Where one stands; -1: before the first event."""
        self.origin: Event | None = None
        self.is_hidden = False

    @staticmethod
    def _meant(runs: Runs, iteration: int) -> Relived | None:
        having = [one for one in runs.again if one.first <= iteration <= one.last]
        return min(having, key=lambda one: (abs(one.iteration - iteration), one.iteration), default=None)

    def _take(self, meant: Relived, iteration: int) -> None:
        with Tape.open(meant.path) as tape:
            found = [event for event in tape.events() if event.iteration == iteration and event.kind != "end"]
        self.way += [(f"{iteration}:{number}", event) for number, event in enumerate(found, 1)]

    @property
    def here(self) -> Event | None:
        """The event at the position."""
        return self.origin

    def stand(self, index: int) -> None:
        """Go to an event of the way."""
        self.index, self.is_hidden = index, False
        self.origin = None if index < 0 else self.way[index][1]

    def hide(self, event: Event) -> None:
        """Go to an event of the first run that is hidden."""
        self.index, self.is_hidden, self.origin = self.hidden[event.seq], True, event

    def move(self, stop: Stop, direction: int) -> None:
        """Go to the next or last event at which a stop stops, if there is one."""
        index = self.seek((stop,), direction)
        is_walk = not stop.argument and stop.kind in {"step", "event", "line", "phase", "iteration"}
        if index is not None:
            self.stand(index)
        elif is_walk:
            self.stand(len(self.way) - 1 if direction > 0 else -1)

    def seek(self, stops: tuple[Stop, ...], direction: int) -> int | None:
        """Return where one of some stops stops."""
        for index in self._ahead(direction):
            if any(stop.matches(self.way[index][1], self.origin) for stop in stops):
                return index
        return None

    def begin(self, iteration: int) -> None:
        """Go to where an iteration begins, wherever it is."""
        stop = Stop("iteration", str(iteration))
        if self.origin is not None and self.origin.iteration >= iteration:
            before = list(self._ahead(-1))[::-1]
            index = next((at for at in before if stop.matches(self.way[at][1], None)), None)
        else:
            index = self.seek((stop,), 1)
        if index is not None:
            self.stand(index)

    def _ahead(self, direction: int) -> range:
        if direction > 0:
            return range(self.index + (not self.is_hidden), len(self.way))
        return range(self.index - 1, -1, -1)


PLACES = (
    "node MulBackward0",
    "node PowBackward0",
    "line 8",
    "line 5",
    "accumulate",
    "kind output",
    "kind loss",
    "zero_grad",
)
WALKS = ("step", "event", "line", "phase", "iteration")

moves = st.one_of(
    st.tuples(st.sampled_from(WALKS), st.sampled_from((1, -1))),
    st.tuples(st.just("until"), st.sampled_from(PLACES), st.sampled_from((1, -1))),
    st.tuples(st.just("begin"), st.integers(1, 13)),
    st.tuples(st.just("goto"), st.integers(0, 200)),
    st.tuples(st.just("first"), st.integers(1, 32)),
)
BACK = {
    "step": "back",
    "event": "event-back",
    "line": "line-back",
    "phase": "phase-back",
    "iteration": "iteration-back",
}


def carry(model: Model, debugger: Debugger, first: Tape, move: tuple[object, ...]) -> None:
    """Make one movement on both."""
    match move:
        case ("until", str(place), int(direction)):
            carry_out(debugger, f"until{'-back' if direction < 0 else ''} {place}")
            model.move(_stop(place), direction)
        case ("begin", int(iteration)):
            try:
                carry_out(debugger, f"iteration @{iteration}")
            except UserError:
                assert iteration == 13
                return
            model.begin(iteration)
        case ("goto", int(number)):
            index = number % len(model.way)
            carry_out(debugger, f"goto {model.way[index][0]}")
            model.stand(index)
        case ("first", int(position)):
            event = first.event(position)
            carry_out(debugger, f"goto {position}")
            if position in model.hidden:
                model.hide(event)
            else:
                model.stand([name for name, _ in model.way].index(str(position)))
        case (str(kind), int(direction)):
            carry_out(debugger, kind if direction > 0 else BACK[kind])
            model.move(Stop(kind), direction)  # type: ignore[arg-type]


def _stop(place: str) -> Stop:
    stop = parse_stop(place)
    return replace(stop, argument=f"train.py:{stop.argument}") if stop.kind == "at" else stop


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(walk=st.lists(moves, max_size=12))
def test_any_walk_comes_to_where_a_list_of_all_events_says(
    model: Model, debugger: Debugger, walk: list[tuple[object, ...]]
) -> None:
    """After any movements the event at the position is that which going through all of them finds."""
    model.stand(-1)
    debugger.go(0)
    first = debugger.run.tape
    assert first is not None
    for move in walk:
        carry(model, debugger, first, move)
        event = debugger.event()
        assert (event, event and debugger.name(event.seq)) == (model.here, _name(model)), move


def _name(model: Model) -> str | None:
    if model.is_hidden and model.origin is not None:
        return str(model.origin.seq)
    return model.way[model.index][0] if model.index >= 0 else None


# --- what is said, counted and refused --------------------------------------------------------------------------------


def test_back_undoes_each_step(model: Model, debugger: Debugger) -> None:
    """From the start to the end and back: every border is crossed both ways, and no event is passed over."""
    forth = []
    while not debugger.message:
        carry_out(debugger, "event")
        forth.append(debugger.name(debugger.position))
    assert forth[:-1] == [name for name, _ in model.way]
    assert (debugger.name(debugger.position), debugger.message) == (forth[-2], "already at the end")
    back = []
    while debugger.position:
        carry_out(debugger, "event-back")
        back.append(debugger.name(debugger.position))
    assert back[::-1] == ["0", *forth[:-2]]


@pytest.mark.parametrize("passed", [0, 1, 3, 5])
def test_breakpoints_count_what_is_met_on_all_tapes(passed: int, model: Model, debugger: Debugger) -> None:
    """`continue` stops at each line 8, whichever tape it is on, after as many as it was told to pass."""
    met = [name for name, event in model.way if event.line == 8]
    carry_out(debugger, "break line 8")
    carry_out(debugger, f"ignore 1 {passed}")
    found = []
    for _ in met[passed:]:
        carry_out(debugger, "continue")
        found.append(debugger.name(debugger.position))
    assert found == met[passed:]
    assert [one.hits for one in debugger.breakpoints] == [len(met)]
    carry_out(debugger, "continue")
    assert debugger.name(debugger.position) == model.way[-1][0]
    carry_out(debugger, "reverse-continue")
    assert debugger.name(debugger.position) == met[-1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("goto 5:999", "there is no event 5:999: iteration 5 has events 1 to 15"),
        ("goto 3:1", r"iteration 3 was not lived again \(only 1 to 2, 4 to 7, 10 to 12\): there is no event 3:1"),
        (
            "goto 5:0",
            "a number, 0 to 32, or ITERATION:NUMBER in iteration 1 to 2, 4 to 7, 10 to 12",
        ),
        ("goto 5:", "'5:' is not a position"),
        ("goto 33", "there is no position 33: this run has positions 0 to 32"),
    ],
)
def test_a_place_that_is_not_there(text: str, sentence: str, debugger: Debugger) -> None:
    """It is refused in a sentence, and the position stays."""
    carry_out(debugger, "goto 5:3")
    with pytest.raises(UserError, match=sentence):
        carry_out(debugger, text)
    assert debugger.name(debugger.position) == "5:3"


def test_a_number_is_the_first_runs_event(debugger: Debugger) -> None:
    """It is said where an iteration was lived again in its place; from there a step leads into that."""
    said = carry_out(debugger, "goto 13")
    assert said == "event 13 is the first run's: iteration 5 was lived again, and is in full from 5:1 on"
    assert debugger.tape is debugger.run.tape
    carry_out(debugger, "step")
    assert debugger.name(debugger.position) == "5:1"
    carry_out(debugger, "goto 13")
    carry_out(debugger, "back")
    assert debugger.name(debugger.position) == "4:18"
    assert not carry_out(debugger, "goto 8")


def test_what_is_not_met_leaves_the_position(debugger: Debugger) -> None:
    """A search over all tapes that finds nothing says so, on whichever tape it began."""
    carry_out(debugger, "goto 5:3")
    carry_out(debugger, "until error")
    assert (debugger.name(debugger.position), debugger.message) == ("5:3", "there is no later error")
    with pytest.raises(UserError, match=r"there is no node TanhBackward0 in this recording"):
        carry_out(debugger, "until node TanhBackward0")
    with pytest.raises(UserError, match=r"there is no iteration 99 in this recording: the last is 12"):
        carry_out(debugger, "until iteration 99")


def test_a_search_that_is_broken_off_leaves_the_position_and_says_where_it_was(debugger: Debugger) -> None:
    """Over a border too: the tape is that on which it began."""
    debugger.patience = 0.0
    carry_out(debugger, "goto 5:3")
    carry_out(debugger, "until norm(upstream) > 1e9")
    shares = []
    while debugger.progress is not None and not debugger.progress.where.startswith("6:"):
        shares.append(debugger.progress.share)
        debugger.search_on(0.0)
    assert shares == sorted(shares)
    debugger.break_off()
    assert (debugger.name(debugger.position), debugger.progress) == ("5:3", None)


def test_another_tape_of_an_iteration_takes_its_place(runs: Runs, debugger: Debugger) -> None:
    """The position stays in its iteration as long as that is in place, else it is at the start."""
    carry_out(debugger, "goto 7:4")
    debugger.put_in_place(one for one in runs.again if one.iteration != 5)
    assert debugger.name(debugger.position) == "7:4"
    debugger.put_in_place(one for one in runs.again if one.iteration == 1)
    assert (debugger.name(debugger.position), debugger.tape) == ("0", debugger.run.tape)


def test_a_tape_that_is_gone_is_told_of_and_not_in_the_way(tmp_path: Path) -> None:
    """What was found when the run was opened may be unreadable when it is come to: then the first run is walked."""
    first = tmp_path / "train.tape"
    watched_run(first)
    gone, kept = (Path(lived_again(first, iteration).path) for iteration in (3, 9))
    debugger = Debugger.open(str(first))
    gone.unlink()
    carry_out(debugger, "iteration @4")
    assert debugger.name(debugger.position) == "11"
    assert debugger.take_news() == f"iteration 3 as it was lived again is not shown: {gone} does not exist."
    assert debugger.take_news() == ""
    with pytest.raises(UserError, match="does not exist"):
        carry_out(debugger, "goto 3:1")
    carry_out(debugger, "until node PowBackward0")
    assert (debugger.name(debugger.position).partition(":")[0], debugger.tapes[1].path) == ("8", str(kept))
    debugger.close()


def test_what_lies_beside_and_is_of_another_run_is_said_at_the_end(tmp_path: Path) -> None:
    """It is not put in place, and when the recording is closed that is told."""
    first, other = tmp_path / "train.tape", tmp_path / "other.tape"
    watched_run(first)
    watched_run(other, iterations=11)
    moved = Path(lived_again(first, 5).path)
    folder = other.with_suffix(".relived")
    folder.mkdir()
    moved.rename(folder / moved.name)
    debugger = Debugger.open(str(other))
    assert not debugger.inplace
    assert any("is not of the run in" in sentence for sentence in debugger.run.closing)
    debugger.close()
