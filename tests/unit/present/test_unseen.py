"""What panes say where the script was only watched: never that there is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.cli import run
from gradb.debugger.errors import UserError
from gradb.frame.frame import Frame
from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.lines.unseen import only_watched
from gradb.present.options import Options
from gradb.present.panes.table import PANES, pane_json
from tests.fakes.again import ITERATIONS, watched_run
from tests.fakes.backward import Autograd
from tests.fakes.examples import one_iteration, watched

INSIDES = ("graph", "chain", "grads", "paths", "saved", "aten")
"""Panes that show what watching leaves out."""
NOTHING = ("yet", "no graph", "no op", "no node here", "has begun")


def drawn(name: str, frame: Frame) -> str:
    return " ".join(to_text(PANES[name].render(frame, Options(width=100)), 100).split())


@pytest.fixture
def run_only_watched(tmp_path: Path) -> Path:
    """Return the tape of twelve iterations of which nothing but losses, norms and steps was kept."""
    watched_run(tmp_path / "watched.tape")
    return tmp_path / "watched.tape"


@pytest.fixture
def seen_late(tmp_path: Path) -> Path:
    """Return the tape of a run of which all was recorded after an event, and nothing before."""
    with Autograd(tmp_path / "late.tape") as tape:
        tape.set_depth("watch")
        tape.loss("loss", 1.0, 7)
        tape.step_unseen(0.1, line=8)
        tape.set_depth("full")
        tape.output("from here on\n", line=9)
        w, x = tape.leaf("w", [1.0, 2.0], line=1), tape.constant("x", [3.0, 0.5])
        one_iteration(tape, w, x, 0.1, 0)
        tape.end()
    return tmp_path / "late.tape"


@pytest.mark.parametrize("name", INSIDES)
def test_a_pane_does_not_say_that_there_is_nothing(run_only_watched: Path, name: str) -> None:
    """It says that the script was only watched, and what has the iteration in full; its JSON does so too."""
    with Tape.open(run_only_watched) as tape:
        positions = [seq for seq in range(2, tape.head) if tape.event(seq).iteration <= ITERATIONS]
        for frame in map(tape.frame, positions):
            said = (
                f"only watched since iteration 1: ops, nodes and gradients are not recorded; `relive {frame.iteration}`"
            )
            assert drawn(name, frame).startswith(said)
            assert not any(words in drawn(name, frame) for words in NOTHING)
            assert str(pane_json(name, frame)["not_recorded"]).startswith(said)


@pytest.mark.parametrize(
    ("is_over", "more"), [(True, ""), (False, ", while the script goes on only from a checkpoint")]
)
def test_an_iteration_of_a_script_that_goes_on_is_not_promised(tmp_path: Path, *, is_over: bool, more: str) -> None:
    """Only where a checkpoint waits is it lived again before the end."""
    with Autograd(tmp_path / "x.tape") as tape:
        tape.set_depth("watch")
        tape.loss("loss", 1.0, 7)
        if is_over:
            tape.end()
    with Tape.open(tmp_path / "x.tape") as tape:
        said = only_watched(tape.frame(2).training).partition("; ")[2]
        promise = "`relive 1` has iteration 1 in full"
        assert said == (promise if is_over else f"{promise}, while the script goes on only from a checkpoint before it")


@pytest.mark.parametrize("name", sorted(set(PANES) - set(INSIDES)))
def test_a_pane_of_what_watching_keeps_says_nothing_of_it(run_only_watched: Path, name: str) -> None:
    with Tape.open(run_only_watched) as tape:
        frame = tape.frame(5)
        assert not drawn(name, frame).startswith("only watched")
        assert pane_json(name, frame)["not_recorded"] is None


@pytest.mark.parametrize("name", INSIDES)
def test_a_pane_of_old_things_says_since_when_it_is_not_known_what_became_of_them(tmp_path: Path, name: str) -> None:
    """Iterations 1 to 3 are in full, and 98 on; between them the line stands above what is left of the third."""
    watched(tmp_path / "some.tape")
    with Tape.open(tmp_path / "some.tape") as tape:
        positions = {tape.event(seq).iteration: seq for seq in range(1, tape.head)}
        assert drawn(name, tape.frame(positions[50])).startswith("only watched since iteration 4")
        for full in (2, 99):
            assert not drawn(name, tape.frame(positions[full])).startswith("only watched")
            assert pane_json(name, tape.frame(positions[full]))["not_recorded"] is None


@pytest.mark.parametrize("name", ["graph", "chain", "grads", "paths"])
def test_nothing_so_far_is_not_nothing_where_what_was_before_was_not_seen(seen_late: Path, name: str) -> None:
    with Tape.open(seen_late) as tape:
        said = "nothing of it is recorded so far: before this the script was only watched, since iteration 1"
        first = next(seq for seq in range(1, tape.head) if tape.event(seq).kind == "output")
        assert drawn(name, tape.frame(first)) == said


@pytest.mark.parametrize("command", ["expect upstream == 1", "expect q == 1", "jump Pow", "path w"])
def test_a_command_that_needs_what_was_not_seen_says_so(run_only_watched: Path, command: str) -> None:
    with pytest.raises(UserError, match="only watched since iteration 1"):
        run.run(["-e", f"goto 5; {command}", str(run_only_watched)])
