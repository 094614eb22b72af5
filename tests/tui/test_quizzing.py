"""When the questions of a script that teaches are asked, and what becomes of an answer; without a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradb.debugger.commands.language import parse
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.quiz.quiz import faults_of
from gradb.link.spec import RunSpec
from gradb.present.lines.questions import question_text
from gradb.present.options import Options
from gradb.tui.quizzing import Quizzing
from gradb.tui.telling import Tone
from tests.fakes import DEBUGGEE, TapeBuilder, examples

Staged = Callable[[Path], "Stage"]


class Stage:
    """A screen that shows nothing, and the debugger of a run."""

    def __init__(self, debugger: Debugger) -> None:
        self.options, self.said, self.is_open = Options(), "", False
        self.debugger, self.quizzing = debugger, Quizzing(self, self.open_answer)
        self.quizzing.look(debugger, "")

    def notice(self, text: str, tone: Tone = "news") -> None:
        self.said = text

    def update_frame(self) -> None: ...

    def open_answer(self, is_open: bool) -> None:
        self.is_open = is_open

    def do(self, command: str) -> str:
        """Carry out a movement; return what is asked then, and where."""
        (statement,) = parse(command)
        assert statement.command.run is not None
        statement.command.run(self.debugger, statement.argument)
        self.settle(command)
        return self.asked

    def settle(self, command: str = "") -> None:
        """Wait until the script stands still, and nothing waits for it."""
        self.debugger.wait()
        self.quizzing.look(self.debugger, command)
        while self.debugger.is_running:
            self.debugger.wait()
            self.quizzing.look(self.debugger, command)

    @property
    def asked(self) -> str:
        """The question, and the position; empty where none is asked."""
        asked = self.options.asked
        assert asked is not None or not self.is_open
        if asked is None:
            return ""
        return f"{question_text(asked.question, asked.count).partition(',')[0]} [{self.debugger.position}]"

    def answer(self, text: str) -> str:
        """Type an answer; return what is said to it."""
        self.said = ""
        self.quizzing.check(text)
        self.settle()
        return self.said or (self.options.asked.said if self.options.asked else "")


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Stage]:
    """Look at the tape of a lesson with three questions."""
    examples.lesson(path := tmp_path / "lesson.tape")
    debugger = Debugger.open(str(path))
    yield Stage(debugger)
    debugger.close()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Staged]:
    """Return what runs a script that does what is on a tape."""
    started: list[Debugger] = []

    def start(tape: Path) -> Stage:
        spec = RunSpec("lesson.py", str(tmp_path / "live.tape"))
        started.append(Debugger.launch(spec, (sys.executable, DEBUGGEE, str(tape))))
        started[-1].wait()
        return Stage(started[-1])

    yield start
    for debugger in started:
        debugger.close()


def test_continue_stops_at_questions(recorded: Stage) -> None:
    """At each that was not asked yet, and then at the end: going on passes a question over."""
    assert recorded.do("continue") == "Question 1 of 3: what will c be once line 11 has run? [2]"
    assert recorded.do("continue") == "Question 2 of 3: what will a.grad be once line 20 has run? [5]"
    assert recorded.do("continue") == "Question 3 of 3: what will downstream be at node PowBackward0 [8]"
    assert recorded.do("continue") == ""
    assert recorded.debugger.position == 19


def test_a_question_leaves_the_keys_alone(recorded: Stage) -> None:
    """It is shown where it is asked, so that one can go and look, and come back; the line opens when it is wanted."""
    asked = recorded.do("continue")
    assert (asked.startswith("Question 1"), recorded.is_open) == (True, False)
    assert recorded.do("back") == ""
    assert recorded.do("step") == asked
    recorded.quizzing.answer(recorded.debugger, "")
    assert recorded.is_open
    assert "Hint: 5 is added" in recorded.answer("4")
    said = recorded.options.asked
    recorded.quizzing.leave()
    assert (recorded.is_open, recorded.options.asked) == (False, said)
    assert recorded.do("step") == ""
    (first, *_) = recorded.debugger.frame().lesson.lesson.questions  # type: ignore[union-attr]
    assert recorded.debugger.quiz.standing(first).outcome == "skipped"


@pytest.mark.parametrize("jump", ["goto 17", "head", "finish", "iteration @1", "until end"])
def test_what_goes_somewhere_asks_nothing(recorded: Stage, jump: str) -> None:
    """Whoever goes to the end or to an iteration is not called back to a question on the way."""
    assert recorded.do(jump) == ""
    assert recorded.debugger.position == (17 if jump == "goto 17" else 1 if "@" in jump else recorded.debugger.head)


def test_a_question_is_asked_again(recorded: Stage) -> None:
    """`a` goes back to before what it asks for, wherever one is; jumps ask nothing."""
    assert recorded.do("head") == ""
    recorded.quizzing.answer(recorded.debugger, "")
    assert recorded.asked == "Question 3 of 3: what will downstream be at node PowBackward0 [8]"
    assert recorded.is_open
    recorded.quizzing.leave()
    assert (recorded.is_open, recorded.asked) == (
        False,
        "Question 3 of 3: what will downstream be at node PowBackward0 [8]",
    )
    assert recorded.do("start") == ""
    with pytest.raises(UserError, match="no question was asked up to here"):
        recorded.quizzing.answer(recorded.debugger, "")
    recorded.debugger.go(2)
    recorded.quizzing.answer(recorded.debugger, "[7 9 11 13]")
    assert recorded.said == "✓ right: c is [7, 9, 11, 13]; go on to see it come about"
    assert recorded.asked == ""


def test_hints_and_then_the_answer_of_the_engine(recorded: Stage) -> None:
    """A wrong answer is told what is so with it; what is none costs no hint."""
    recorded.debugger.quiz.skip(recorded.debugger.frame().lesson.lesson.questions[0])  # type: ignore[union-attr]
    assert recorded.do("continue").startswith("Question 2")
    assert recorded.answer("x y").startswith("✗ cannot read the expression")
    remark = "the right value has 4 elements, yours is one number"
    assert recorded.answer("4") == f"✗ not yet: {remark}. Hint: it is 4 times c"
    assert recorded.answer("4") == f"✗ not yet: {remark}. Hint: c is [7, 9, 11, 13]"
    assert recorded.answer("4") == f"✗ {remark}. The engine: a.grad is [28, 36, 44, 52]. Esc goes on"
    assert recorded.answer("5").endswith("Esc goes on")
    recorded.quizzing.leave()
    assert recorded.said == "go on to see how it comes about; `a` asks again"
    assert recorded.asked == ""


def test_a_script_that_was_paused_stays_paused(tmp_path: Path) -> None:
    """Where `continue` has stopped and no question is the reason it was somebody who had it pause."""
    examples.chain_rule(path := tmp_path / "x.tape")
    stage = Stage(debugger := Debugger.open(str(path)))
    debugger.go(4)
    stage.quizzing.look(debugger, "continue")
    assert debugger.position == 4
    debugger.close()


@pytest.mark.parametrize("is_paused", [True, False])
def test_a_script_that_was_paused_on_the_line_of_a_question_stays_paused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_paused: bool
) -> None:
    """There a question may be the reason too; where nobody had it pause it goes on to where that is asked."""
    monkeypatch.setattr(Quizzing, "_is_on_the_way", lambda *_: True)
    examples.chain_rule(path := tmp_path / "x.tape")
    stage = Stage(debugger := Debugger.open(str(path)))
    debugger.go(4)
    if is_paused:
        stage.quizzing.break_off()
    stage.quizzing.look(debugger, "continue")
    assert (debugger.position == 4) is is_paused
    debugger.close()


def test_a_live_script_is_asked_of_too(live: Staged, tmp_path: Path) -> None:
    """What is right is known once the statement has run: then the script goes on to its end, and the position stays."""
    examples.lesson(path := tmp_path / "lesson.tape")
    stage = live(path)
    assert stage.do("continue").endswith("[2]")
    assert (stage.debugger.head, stage.debugger.is_live) == (3, True)
    assert stage.answer("[7, 9, 11, 13]").startswith("✓ right")
    assert (stage.debugger.position, stage.debugger.head, stage.debugger.is_live) == (2, 4, True)
    assert stage.do("continue").endswith("[5]")
    assert "3 of 4 elements are right" in stage.answer("[28, 36, 44, 50]")
    assert stage.debugger.position == 5


def test_an_answer_that_waits_can_be_broken_off(live: Staged, tmp_path: Path) -> None:
    """The script stands still where it has come to, and Enter has it go on."""
    source = '"""T\n\nLesson: x.\n"""\nw = leaf()\n#? w\nfor i in range(9):\n    w * i\nw * 2\n'
    with TapeBuilder(path := tmp_path / "t.tape", "lesson.py", source) as tape:
        tape.set_run(lesson="Lesson: x.")
        leaf = tape.leaf("w", [1.0], line=5)
        for number in range(9):
            tape.op("mul", "MulBackward0", [leaf, number], [number], line=8)
        tape.op("mul", "MulBackward0", [leaf, 2], [2.0], line=9)
        tape.end()
    stage = live(path)
    assert stage.do("continue").endswith("[1]")
    stage.quizzing.check("[2]")
    stage.quizzing.break_off()
    stage.settle()
    head = stage.debugger.head
    assert head < 10
    assert stage.options.asked is not None
    assert stage.options.asked.said.startswith("… not judged")
    assert stage.answer("[1]").startswith("✓ right")
    assert (stage.debugger.position, stage.debugger.head) == (1, 11)


def test_what_is_wrong_with_the_questions_is_said_at_the_start(tmp_path: Path) -> None:
    """Of several the first, and how many more there are: who writes a lesson sees it."""
    source = '"""T\n\nLesson: x.\n"""\n#? 3 +\n#? w at home\nw = leaf()\n#? w\n#? hint: one\n'
    with TapeBuilder(path := tmp_path / "t.tape", "lesson.py", source) as tape:
        tape.set_run(lesson="Lesson: x.")
        tape.leaf("w", [1.0], line=7)
        tape.end()
    debugger = Debugger.open(str(path))
    assert Stage(debugger).said == ("lesson.py:8: #? w has no statement below it, so it is never asked (and 3 more)")
    faults = faults_of(debugger.tape)
    debugger.close()
    assert faults[1] == "lesson.py:9: #? hint: one has no question right above it, so it is never given"
    assert faults[2].startswith("lesson.py:5: cannot read the expression")
    assert faults[3:] == ["lesson.py:6: home is no place to stop"]
