"""A run that was judged: what is folded, let be and left out, how it is printed, and what it is worth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradb.batch.check import Checked, check
from gradb.diagnosis.registry import RULES
from gradb.diagnosis.selection import Selection
from gradb.frame.reader import Tape
from tests.fakes import TapeBuilder, examples
from tests.unit.diagnosis.rows import alone, rule


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    with alone():
        yield


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    """Three iterations of SGD."""
    examples.training(tmp_path / "train.tape")
    with Tape.open(tmp_path / "train.tape", is_over=True) as opened:
        yield opened


def _checked(tape: Tape, *selected: str, hints: bool = False) -> Checked:
    return check(tape, Selection(selected, (), hints))


def _source(path: Path, source: str, **end: Any) -> Tape:
    """Write the tape of a script whose gradient is filled in lines 2 and 3."""
    with TapeBuilder(path, "train.py", source) as tape:
        a = tape.leaf("a", [1.0], line=1)
        for line in (2, 3):
            tape.backward(
                tape.op("Tensor.sum", "SumBackward0", [a], [1.0], (), jacobians=[[1.0]], line=line), line=line
            )
        tape.end(**end)
    return Tape.open(path, is_over=True)


def test_findings_at_one_line_are_one(tape: Tape) -> None:
    """Its first event is kept, and how often and in which iterations it was found."""
    (fault,) = _checked(tape, "G901").report.faults
    assert (fault.count, fault.iterations, fault.finding.line) == (3, (1, 3), 7)
    text = _checked(tape, "G901").text("text")
    assert text.splitlines() == [
        "train.py:7: G901 w is there (3 times, in iterations 1 to 3)",
        f"    train.py:7, event {fault.finding.event}: this is it",
        "    help: Take it away.",
        "3 findings in 3 iterations",
        "1 rule judged",
    ]


def test_what_was_not_judged_is_told_with_its_reason(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules of one reason stand together, and hints that nobody asked for are counted."""
    monkeypatch.setitem(RULES, "G904", rule("G904", "step", refuses=True))
    last = _checked(tape).text("text").splitlines()[-1]
    assert last == "3 rules judged, 2 not: it takes two to tell (G903, G904); 1 hint off (--hints)"


def test_a_hint_says_that_it_is_one_and_where_it_begins_to_speak(tape: Tape) -> None:
    """Its threshold stands behind it."""
    line = _checked(tape, "G951").text("text").splitlines()[0]
    assert line == "train.py:8: G951 hint: SGD is there [more than 0 steps] (3 times, in iterations 1 to 3)"


@pytest.mark.parametrize(
    ("selected", "hints", "code"),
    [(("G901",), False, 1), (("G99",), False, 0), (("G99",), True, 0), (("G951",), False, 1), (("G903",), False, 2)],
)
def test_exit_code(tape: Tape, selected: tuple[str, ...], hints: bool, code: int) -> None:
    """1 for a fault, 0 for none; a hint counts where its rule is selected; 2 where no rule could judge."""
    assert _checked(tape, *selected, hints=hints).exit_code == code


def test_a_run_that_was_only_watched_is_not_clean(tmp_path: Path) -> None:
    """Nothing of it is judged by what is not on its tape, and the exit code is not that of a clean run."""
    with TapeBuilder(tmp_path / "watched.tape", "train.py") as builder:
        builder.set_depth("watch")
        builder.loss("loss", 1.0, 1)
        builder.end()
    with Tape.open(tmp_path / "watched.tape", is_over=True) as tape:
        checked = _checked(tape)
        assert checked.exit_code == 2
        assert checked.text("text").splitlines()[0] == "nothing can be said of 1 iteration: they were only watched"
        assert {code for code, why in checked.report.unjudged if "only watched" in why} >= {"G901", "G902", "G991"}


def test_a_stretch_that_was_only_watched_is_told(tmp_path: Path) -> None:
    """The rest of the run was judged."""
    examples.watched(tmp_path / "watched.tape", 20)
    with Tape.open(tmp_path / "watched.tape", is_over=True) as tape:
        checked = _checked(tape, "G902")
        assert checked.exit_code == 1
        assert "findings in 20 iterations, of which 4 to 17 were only watched" in checked.text("text")


def test_a_comment_lets_a_finding_be(tmp_path: Path) -> None:
    """It is counted; another line's is told; a code that is none is complained of."""
    with _source(tmp_path / "a.tape", "a\nb()  # gradb: ignore[G901, G700]\nc()\n") as tape:
        checked = _checked(tape, "G901")
        assert [fault.finding.line for fault in checked.report.faults] == [3]
        assert "1 finding, 1 more let be by a comment" in checked.text("text")
        assert list(checked.complaints()) == ["train.py:2: `gradb: ignore` names G700, and there is no such rule"]


def test_an_error_that_was_caught_is_no_finding(tmp_path: Path) -> None:
    """The script expected it."""
    examples.accumulation(tmp_path / "a.tape")
    with Tape.open(tmp_path / "a.tape", is_over=True) as tape:
        checked = _checked(tape, "G99")
        assert (checked.report.faults, checked.report.uncaught, checked.exit_code) == ((), None, 0)


def _failed(path: Path, *errors: tuple[str, bool]) -> Checked:
    with TapeBuilder(path, "train.py") as builder:
        for message, is_uncaught in errors:
            builder.error("RuntimeError", message, 4, is_uncaught=is_uncaught)
        builder.end(1, "RuntimeError")
    return _checked(Tape.open(path, is_over=True), "G99")


def test_an_error_that_ends_the_script_is_a_finding_where_a_rule_explains_it(tmp_path: Path) -> None:
    """Raised by torch and by nothing caught, it is one fault, told once; a caught one before it is none."""
    checked = _failed(tmp_path / "a.tape", ("caught", False), ("boom", False), ("boom", True))
    assert (len(checked.report.faults), checked.exit_code) == (1, 1)
    assert checked.report.uncaught is not None
    assert checked.report.uncaught.is_explained


def test_an_error_that_nothing_explains_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code says that the run is not judged to its end."""
    monkeypatch.setitem(RULES, "G991", rule("G991", "node", "error"))
    checked = _failed(tmp_path / "a.tape", ("boom\nat length", True))
    assert checked.exit_code == 2
    expected = "the script ended with an error that no rule explains: RuntimeError: boom …"
    assert checked.text("text").splitlines()[0] == expected


def test_a_script_that_gives_up_is_not_clean(tmp_path: Path) -> None:
    """An exit code of its own says that something went wrong."""
    with _source(tmp_path / "a.tape", "", exit_code=3, reason="sys.exit(3)") as tape:
        checked = _checked(tape, "G902")
        assert checked.exit_code == 2
        assert "did not end well (exit code 3)" in checked.text("text")


def test_a_run_that_gradb_ended_says_so(tmp_path: Path) -> None:
    """With the option that goes on."""
    with TapeBuilder(tmp_path / "a.tape", "train.py") as builder:
        builder.set_run(ended_after="20", optimizer_1='["SGD", 0, null, null, []]')
        builder.end(None, "ended by gradb after iteration 20")
    with Tape.open(tmp_path / "a.tape", is_over=True) as tape:
        checked = _checked(tape, "G901")
        assert checked.exit_code == 0
        expected = "nothing found in 20 iterations; the run was ended after them (--steps N or all goes on)"
        assert checked.text("text").splitlines()[0] == expected


def test_json_has_all_of_it(tape: Tape) -> None:
    """Findings with their steps, what was judged, and the exit code."""
    found = json.loads(_checked(tape, "G901", "G903").text("json"))
    (finding,) = found["findings"]
    assert (finding["code"], finding["file"], finding["line"], finding["count"]) == ("G901", "train.py", 7, 3)
    assert finding["steps"] == [{"event": finding["event"], "file": "train.py", "line": 7, "text": "this is it"}]
    assert (found["judged"], found["exit_code"], found["iterations"]) == (["G901"], 1, 3)
    assert found["not_judged"] == [{"code": "G903", "why": "it takes two to tell"}]


def test_annotations_escape_what_would_end_them(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workflow command is one line, its properties hold no comma and no colon."""
    row = rule("G901", "accumulate")
    monkeypatch.setitem(RULES, "G901", type(row)(**{**_fields(row), "title": "100 % : a, b", "advice": "one\ntwo"}))
    line = _checked(tape, "G901").text("github").splitlines()[0]
    expected = "::warning title=G901 100 %25 %3A a%2C b,file=train.py,line=7::G901 w is there (3 times, "
    assert line == f"{expected}in iterations 1 to 3)%0Aone%0Atwo"


def _fields(row: object) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).__dataclass_fields__}  # type: ignore[attr-defined]


def test_where_nothing_was_trained_there_is_nothing_to_judge(tmp_path: Path) -> None:
    """That is said, and is no failure."""
    with TapeBuilder(tmp_path / "forward.tape", "train.py", "a = 1") as builder:
        builder.leaf("a", [1.0], line=1)
        builder.end()
    with Tape.open(tmp_path / "forward.tape", is_over=True) as opened:
        checked = _checked(opened, "G902")
        assert checked.exit_code == 0
        assert checked.text("text").splitlines() == [
            "nothing to judge in a run without an optimizer step or a loss",
            "0 rules judged, 1 not: nothing was trained: no backward, no optimizer (G902)",
        ]
