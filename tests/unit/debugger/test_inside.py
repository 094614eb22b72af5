"""What is seen inside an iteration that was lived again: its own tape, but for names of events and the training."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradb.batch.show import Style, debugger_text
from gradb.batch.why import why_text
from gradb.debugger.debugger import Debugger
from gradb.debugger.why import why
from gradb.diagnosis.nonfinite.explanation import Explanation, Nothing
from gradb.present.draw.text import to_text
from gradb.present.lines.why import sentence
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from tests.fakes.again import ITERATIONS, born_again, lived_again, watched_run
from tests.unit.debugger.conftest import carry_out

_NAME = re.compile(r"\b(\d+):(\d+)(?:/\d+)?\b")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the tape of a run, and beside it that of its iteration 5."""
    path = tmp_path_factory.mktemp("inside") / "train.tape"
    watched_run(path)
    lived_again(path, 5)
    return path


@pytest.fixture(scope="module")
def whole(first: Path) -> Iterator[Debugger]:
    """Open the run."""
    opened = Debugger.open(str(first))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def alone(first: Path) -> Iterator[Debugger]:
    """Open the tape of the iteration by itself."""
    opened = Debugger.open(str(first.with_suffix(".relived") / "5.tape"))
    yield opened
    opened.close()


def go(whole: Debugger, alone: Debugger, place: str) -> None:
    """Go to an event of an iteration on both."""
    carry_out(whole, f"goto {place}")
    alone.go(whole.position)


PLACES = ("4:1", "4:4", "5:1", "5:5", "5:9", "5:14", "5:15", "6:3")
OTHERS = sorted(set(PANES) - {"training"})


@pytest.mark.parametrize("place", PLACES)
def test_panes_are_those_of_the_tape_alone(place: str, whole: Debugger, alone: Debugger) -> None:
    """As data all is equal but the position and whose it is; as text but for what events are called."""
    go(whole, alone, place)
    carry_out(whole, "display w.grad")
    carry_out(alone, "display w.grad")
    lived = whole.spot.lived
    assert lived is not None

    def numbered(found: re.Match[str]) -> str:
        seq = lived.called.begin(int(found[1])) + int(found[2]) - 1
        return f"{seq:,}" if "/" not in found[0] else found[0]

    for pane in OTHERS:
        inside, by_itself = (json.loads(debugger_text(pane, one, Style(is_json=True))) for one in (whole, alone))
        assert (inside.pop("position"), inside.pop("tape")) == (place, lived.tape.path)
        assert by_itself.pop("position") == whole.position
        if place == "4:1":  # by itself that it is in full is known behind its first event
            assert inside["not_recorded"] is None
            by_itself["not_recorded"] = None
        assert json.loads(_NAME.sub(numbered, json.dumps(inside))) == by_itself, pane
        texts = [debugger_text(pane, one, Style(width=400)) for one in (whole, alone)]
        if place != "4:1" or "only watched" not in texts[1]:
            assert _NAME.sub(numbered, texts[0]) == texts[1], pane


@pytest.mark.parametrize(("place", "known"), [("5:1", 4), ("5:6", 5), ("5:15", 5), ("6:1", 5)])
def test_the_training_is_the_whole_runs(place: str, known: int, whole: Debugger, alone: Debugger) -> None:
    """Its series go to the end of the first run, with the position in it; how much is recorded is said of the place."""
    go(whole, alone, place)
    training: dict[str, Any] = json.loads(debugger_text("training", whole, Style(is_json=True)))
    by_itself: dict[str, Any] = json.loads(debugger_text("training", alone, Style(is_json=True)))
    assert (training["position"], training["depth"]["value"]) == (place, "full")
    assert training["iteration"] == by_itself["iteration"] == int(place.partition(":")[0])
    assert training["iterations"] == ITERATIONS
    view = whole.frame().training
    (loss,) = view.losses
    assert (loss.count, loss.until(view.position)) == (ITERATIONS, known)
    (own,) = alone.frame().training.losses
    assert loss.latest(view.position) == own.latest(whole.position)


def test_before_and_behind_the_frame_is_the_first_tapes(first: Path, whole: Debugger) -> None:
    """Nothing of the first tape is another for what lies in its place."""
    with_others = whole
    plain = Debugger.open(str(first))
    plain.put_in_place(())
    for position in range(plain.run.head + 1):
        plain.go(position)
        with_others.go(position)
        one, two = plain.frame(), with_others.frame()
        assert (one.event, one.detail, one.grads, one.position) == (two.event, two.detail, two.grads, two.position)
        assert one.training == two.training
        for pane in ("training", "source", "output"):
            assert debugger_text(pane, plain, Style(is_json=True)) == debugger_text(pane, whole, Style(is_json=True))
    plain.close()


def test_expressions_are_about_the_place(whole: Debugger) -> None:
    """`expect` and `print` speak of the tape that is looked at, and call its events by their names."""
    carry_out(whole, "goto 5:5")
    carry_out(whole, "expect iteration == 5 and phase == 'backward' and event.kind == 'backward_start'")
    carry_out(whole, "expect event.place == '5:5'")
    carry_out(whole, "goto 2")
    carry_out(whole, "expect event.place == '2' and event.seq == 2")
    carry_out(whole, "goto 5:5")
    with pytest.raises(Exception, match=r"expect iteration == 6 does not hold at position 5:5 \(backward_start"):
        carry_out(whole, "expect iteration == 6")


def test_the_road_of_a_nan_is_told_by_names(tmp_path: Path) -> None:
    """The run goes on to where it was born, on the tape that has it; as data the numbers are of that tape."""
    first = tmp_path / "nan.tape"
    watched_run(first, 2)
    path = born_again(first).path
    debugger = Debugger.open(str(first))
    carry_out(debugger, "continue")
    assert debugger.name(debugger.position).startswith("1:")
    carry_out(debugger, "until accumulate")
    found = why(debugger, "")
    assert isinstance(found, Explanation)
    told = why_text(found, Style())
    assert f"event #1:{found.births[0].event}" in sentence(found)
    assert re.search(r"\n  #1:\d+  nan.py:\d", told)
    data = json.loads(why_text(found, Style(is_json=True)))
    assert (data["tape"], data["event"]) == (path, found.event)
    debugger.close()


def test_why_is_asked_of_what_is_in_place(whole: Debugger) -> None:
    """An event by its name, an iteration by its number."""
    carry_out(whole, "goto 2")
    found = why(whole, "5:4")
    assert isinstance(found, Nothing)
    assert found.text == "no value that is recorded at #5:4 is a NaN or an infinity"
    found = why(whole, "@5")
    assert isinstance(found, Nothing)
    assert found.text.startswith(
        "no NaN or infinity is in iteration 5, and every loss and norm is finite; from #1:1 on"
    )
    assert whole.name(whole.position) == "2"


def test_the_last_backward_is_named_by_no_event_of_another_tape(whole: Debugger) -> None:
    """The losses are the first run's, whose numbers are not those that are gone to from here."""
    carry_out(whole, "goto 5:9")
    tape = whole.recorded()
    frame = replace(tape.frame(tape.head), training=whole.frame().training)
    said = " ".join(to_text(PANES["chain"].render(frame, Options(width=200)), 200).split())
    assert said == "no node here: the script is over; the last backward is that of iteration 5"
