"""The findings pane and what the training pane says of them, drawn without a screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gradb.diagnosis.judged import Judged, judged_of
from gradb.diagnosis.judgement import judge
from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.lines.faults import fault_notes
from gradb.present.lines.scrubber import buckets, scrubber
from gradb.present.options import Options
from gradb.present.panes.findings import leading, rows
from gradb.present.panes.table import PANES, pane_json
from tests.fakes import TapeBuilder, examples
from tests.unit.diagnosis.rows import TABLE

ROWS = [TABLE[code] for code in ("G901", "G902", "G903")]


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    """Three iterations of SGD."""
    examples.training(tmp_path / "train.tape")
    with Tape.open(tmp_path / "train.tape", is_over=True) as opened:
        yield opened


@pytest.fixture
def judged(tape: Tape) -> Judged:
    """All that is found on it."""
    return judged_of(tape, judge(tape, ROWS), TABLE)


def _text(tape: Tape, position: int, judged: Judged | None, width: int = 100) -> str:
    frame = tape.frame(position)
    return to_text(PANES["findings"].render(frame, Options(width=width, judged=judged)), width)


def test_what_is_seen_by_a_position_is_shown(tape: Tape, judged: Judged) -> None:
    """Each fault from its first event on; later ones are counted, and so is how often one was found by then."""
    first, second = (fault.finding.event for fault in judged.until(tape.head))
    assert "2 more later" in _text(tape, 0, judged)
    at_first = _text(tape, first, judged)
    assert "G902" in at_first
    assert "1 more later" in at_first
    assert "G901 w is there\n" in _text(tape, second, judged)
    assert "G901 w is there (3 times, in iterations 1 to 3)" in _text(tape, tape.head, judged)


def test_how_far_was_judged_is_told(tape: Tape, judged: Judged) -> None:
    """Where the judging lags behind the position, nothing is claimed of what lies between."""
    lagging = replace(judged, position=2, found=())
    text = _text(tape, tape.head, lagging)
    assert "nothing found up to event 2" in text
    assert f"2 rules judged up to #2 of {tape.head}, 1 not: it takes two to tell (G903)" in text
    assert "nothing was judged yet" in _text(tape, 1, None)


def test_a_run_that_was_only_watched_is_not_clean(tmp_path: Path) -> None:
    """The pane says that nothing can be said."""
    with TapeBuilder(tmp_path / "a.tape") as builder:
        builder.set_depth("watch")
        builder.loss("loss", 1.0, 1)
    with Tape.open(tmp_path / "a.tape") as tape:
        assert "nothing can be said" in _text(tape, tape.head, judged_of(tape, judge(tape, ROWS), TABLE))


@pytest.mark.parametrize("width", [20, 40, 100])
def test_rows_lead_to_events_and_fit(tape: Tape, judged: Judged, width: int) -> None:
    """A row for each fault and each of its steps, none wider than the pane."""
    found = rows(tape.frame(tape.head), Options(width=width, judged=judged))
    events = [row.event for row in leading(found)]
    faults = judged.until(tape.head)
    assert events == [event for fault in faults for event in (fault.finding.event, *(s.event for s in fault.steps))]
    assert all(line.cell_len <= width for row in found for line in row.lines)


def test_json_says_the_same(tape: Tape, judged: Judged) -> None:
    """Findings up to the position, how many come later, and how far was judged."""
    first = judged.until(tape.head)[0].finding.event
    shown = pane_json("findings", tape.frame(first), Options(judged=judged))
    assert [one["code"] for one in shown["findings"]] == ["G902"]
    assert (shown["later"], shown["judged_to"], shown["judged"]) == (1, tape.head, ["G901", "G902"])
    assert shown["not_judged"] == [{"code": "G903", "why": "it takes two to tell"}]
    assert pane_json("findings", tape.frame(first))["findings"] is None


def test_the_training_pane_names_faults(tape: Tape, judged: Judged) -> None:
    """The first of them by title and line, how many more there are, and how many come later."""
    notes = [line.plain for line in fault_notes(judged, tape.head, 80)]
    assert notes == ["! G902 zero_grad is there (line 3)", "! G901 accumulate is there (line 7)"]
    first = judged.found[0].finding.event
    assert [line.plain for line in fault_notes(judged, first, 80)][1:] == ["1 more later: see findings (F)"]
    assert [line.plain for line in fault_notes(judged, 0, 80)] == ["2 found later: see findings (F)"]
    assert fault_notes(None, tape.head, 80) == []


def test_marks_on_the_scrubber(tape: Tape) -> None:
    """A column with something found in it has a mark, but where the position is."""
    cells = buckets(tape.event, tape.head, 10)
    plain = scrubber(cells, 1, tape.head, 10, (cells[4].first,)).plain
    assert [index for index, glyph in enumerate(plain) if glyph == "!"] == [4]
    assert "!" not in scrubber(cells, cells[4].first, tape.head, 10, (cells[4].first,)).plain
