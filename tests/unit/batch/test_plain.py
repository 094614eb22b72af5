"""A run told as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gradb.batch import plain
from gradb.batch.plain import Walk
from gradb.batch.show import Style
from gradb.debugger.debugger import Debugger
from gradb.frame.frame import Frame
from gradb.present.told.steps import step_lines
from tests.fakes import TapeBuilder, examples

Example = Callable[..., None]


def told(debugger: Debugger) -> str:
    """Tell a run and return the text."""
    out: list[str] = []
    try:
        Walk(debugger, Style(), out.append).run()
    finally:
        debugger.close()
    return "".join(out)


def recorded(path: Path, example: Example, *arguments: int) -> str:
    """Tell the tape of an example."""
    example(path, *arguments)
    return told(Debugger.open(str(path)))


def test_each_node_has_its_product_and_its_check(tmp_path: Path) -> None:
    """Forward and backward in order, with the numbers; what the script prints is marked in its place."""
    lines = recorded(tmp_path / "a.tape", TapeBuilder.chain_rule_example).splitlines()
    at = lines.index("chain_rule.py:13, event 10: PowBackward0 has run (d = c ** 2).")
    assert lines[at + 1 : at + 5] == [
        "    upstream ∂out/∂d: [1 1 1 1]",
        "    × local ∂d/∂c = 2·c: [14 18 22 26] (elementwise)",
        "    = downstream ∂out/∂c: [14 18 22 26]",
        "    ✓ agrees with the engine",
    ]
    assert lines.index("    a.grad: None + [28 36 44 52] = [28 36 44 52]") < lines.index(
        "| tensor([28., 36., 44., 52.])"
    )
    assert "    b is [2 4 6 8]" in lines
    assert lines.index("Forward:") < lines.index("Backward:") < at
    assert lines[-1] == "The script is over (finished): 19 events in 1 iteration."


def test_the_rest_of_a_training_is_its_losses_and_a_plot(tmp_path: Path) -> None:
    """Behind the first iteration only some losses are told; the end says what they came to, and plots them."""
    text = recorded(tmp_path / "t.tape", TapeBuilder.training_example, 30)
    assert text.count("gradient added to") == 1
    iterations = [line.partition(":")[0] for line in text.splitlines() if line.startswith("iteration")]
    assert iterations == ["iteration 2", "iteration 5", "iteration 10", "iteration 20"]
    assert "goes from" in text
    assert "after iteration 30 of 30" in text
    assert text.index("Iteration 1 is over") < text.index("iteration 2:") < text.index("The script is over")


def test_a_long_first_iteration_is_cut_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many steps are told, and then how many more there are."""
    monkeypatch.setattr(plain, "MAX_STEPS", 4)
    text = recorded(tmp_path / "a.tape", TapeBuilder.chain_rule_example)
    assert "4 steps are told, and no more of iteration 1; the run goes on." in text
    assert "| tensor([28., 36., 44., 52.])" in text
    assert "Of iteration 1 6 more steps are not told (gradb --plain tells 4)." in text


def test_an_error_is_told_where_it_is(tmp_path: Path) -> None:
    """One that the script catches is a step like others, and no finding."""
    text = recorded(tmp_path / "a.tape", TapeBuilder.accumulation_example)
    assert "accumulation.py:19, event 44: RuntimeError: Trying to backward through the graph" in text
    assert "finding" not in text


def test_what_is_wrong_is_a_line(tmp_path: Path) -> None:
    """Each finding has its place, its code and its sentence on one line at the end."""
    text = recorded(tmp_path / "n.tape", TapeBuilder.nonfinite_example)
    (finding,) = (line for line in text.splitlines() if line.startswith("finding"))
    assert finding.startswith("finding: nan.py:5: G016 SqrtBackward0 makes nan")


def test_where_a_value_is_born_that_is_not_finite(tmp_path: Path) -> None:
    """It is said at its step."""
    assert "× not finite" in recorded(tmp_path / "n.tape", TapeBuilder.nonfinite_example)


def test_of_a_long_run_it_is_said_how_far_it_was_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for long in the end."""
    monkeypatch.setattr(plain, "_MAX_JUDGED", 7)
    text = recorded(tmp_path / "n.tape", TapeBuilder.nonfinite_example)
    assert "finding" not in text
    assert "Judged up to event 7 (gradb check judges more)." in text


def test_a_fault_of_ours_costs_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the script nor the rest of what is told suffers from it."""

    def failing(frame: Frame, width: int, *, with_rules: bool) -> list[str]:
        if frame.position == 2:
            raise ZeroDivisionError("of ours")
        return step_lines(frame, width, with_rules=with_rules)

    monkeypatch.setattr(plain, "step_lines", failing)
    text = recorded(tmp_path / "a.tape", TapeBuilder.chain_rule_example)
    assert "event 2: it cannot be told (ZeroDivisionError: of ours)" in text
    assert "event 10: PowBackward0 has run" in text


def test_captions_are_told_where_they_are_reached(tmp_path: Path) -> None:
    """As they are written in the script, each once until another comes."""
    lines = recorded(tmp_path / "a.tape", examples.lesson).splitlines()
    told = [(number, line) for number, line in enumerate(lines) if line.startswith("#: ")]
    assert [line for _, line in told] == [
        "#: A leaf: made by hand, so that no op is behind it.",
        "#: Each op leaves a node.",
        "#: Backward: from out to a, node by node, and at the end the result is added to a.grad.",
    ]
    assert lines[told[0][0] + 1].startswith("lesson.py:7, event 1: leaf a")


def test_questions_are_told_with_what_is_right(tmp_path: Path) -> None:
    """Each before the step into its statement; what the engine came to once that has run."""
    lines = recorded(tmp_path / "a.tape", examples.lesson).splitlines()
    told = {line: number for number, line in enumerate(lines) if line.startswith(("? ", "= "))}
    assert list(told) == [
        "? Question 1 of 3: what will c be once line 11 has run?",
        "= c is [7, 9, 11, 13]",
        "? Question 2 of 3: what will a.grad be once line 20 has run?",
        "? Question 3 of 3: what will downstream be at node PowBackward0, while line 20 runs?",
        "= downstream is [14, 18, 22, 26]",
        "= a.grad is [28, 36, 44, 52]",
    ]
    step = next(number for number, line in enumerate(lines) if line.startswith("lesson.py:11, event 3: c = b + 5"))
    asked, answered, *_ = told.values()
    assert asked < step < answered


def test_questions_that_come_up_later_are_told_at_the_end(tmp_path: Path) -> None:
    """Of what is behind the first iteration nothing is told step by step; a question is, with what is right."""
    source = '"""T\n\nLesson: x.\n"""\na = leaf()\n#? b\nb = 2 * a\nc = 3 * a\n'

    def write(path: Path) -> None:
        with TapeBuilder(path, "lesson.py", source) as tape:
            tape.set_run(lesson="Lesson: x.")
            a = tape.leaf("a", [1.0], line=5)
            tape.iteration = 2
            b = tape.op("Tensor.mul", "MulBackward0", [a, 2], [2.0], name="b", line=7)
            tape.op("Tensor.mul", "MulBackward0", [b, 3], [6.0], name="c", line=8)
            tape.end()

    lines = recorded(tmp_path / "a.tape", write).splitlines()
    told = [line for line in lines if line.startswith(("? ", "= "))]
    assert told == ["? Question 1 of 1: what will b be once line 7 has run?", "= b is [2]"]
    assert lines.index(told[0]) > lines.index("Iteration 1 is over after 1 step; the run goes on.")
