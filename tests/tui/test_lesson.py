"""Captions and questions on the screen."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gradb.debugger.debugger import Debugger
from gradb.link.spec import RunSpec
from gradb.tui.app import GradbApp
from gradb.tui.caption import CaptionStrip
from tests.fakes import DEBUGGEE, TapeBuilder, examples
from tests.tui.support import debug_screen, opening, position_of, shown, text_of, wait_until
from tests.tui.test_screen import press


@pytest.fixture
def lesson_tape(tmp_path: Path) -> Path:
    """The tape of a lesson with three questions."""
    examples.lesson(path := tmp_path / "lesson.tape")
    return path


def live(tape: Path, folder: Path) -> GradbApp:
    """Return an app that runs a script which does what is on a tape."""
    command = (sys.executable, DEBUGGEE, str(tape))
    spec = RunSpec("lesson.py", str(folder / "live.tape"))
    return GradbApp(lambda: Debugger.launch(spec, command), script="lesson.py")


def session_of(app: GradbApp) -> Debugger:
    """Return the debugger of an app."""
    debugger = debug_screen(app).session.debugger
    assert debugger is not None
    return debugger


async def test_a_caption_stands_above_the_event(lesson_tape: Path) -> None:
    """From the start on it has the room of the longest, so that no step moves the panes."""
    app = opening(lesson_tape)
    async with shown(app, 80, 24) as pilot:
        strip, body = debug_screen(app).query_one(CaptionStrip), debug_screen(app).body
        assert "3 questions" in text_of(app)
        await pilot.press("space")
        lines = text_of(app).splitlines()
        assert lines[-5].strip() == "┃ A leaf: made by hand, so that no op is behind it."
        assert "leaf a" in lines[-3]
        await pilot.press("G")
        assert text_of(app).splitlines()[-4].strip() == "┃ and at the end the result is added to a.grad."
        assert (strip.size.height, debug_screen(app).body) == (2, body)
        await pilot.resize_terminal(40, 10)
        await wait_until(lambda: "needs a terminal" in text_of(app))
        assert "added to" not in text_of(app)


async def test_other_scripts_have_no_strip(chain_tape: Path) -> None:
    """The panes have its room."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        await pilot.press("space")
        assert not debug_screen(app).query_one(CaptionStrip).display
        assert debug_screen(app).body.height == 20


def typed(text: str) -> list[str]:
    """Return the keys that answer a question by a value."""
    names = {"[": "left_square_bracket", "]": "right_square_bracket", ",": "comma", " ": "space", ".": "full_stop"}
    return ["a", *(names.get(letter, letter) for letter in text), "enter"]


async def test_a_question_is_asked_and_answered(lesson_tape: Path) -> None:
    """Before the step into its statement; the position stays, so that the answer is seen to come about."""
    app = opening(lesson_tape)
    async with shown(app, 100, 30) as pilot:
        text = await press(pilot, "space", "space", "space")
        assert "? Question 1 of 3: what will c be once line 11 has run?" in text
        assert position_of(app) == 2
        assert text.splitlines()[-1].split()[:4] == ["a", "answer", "space", "step"]
        assert ("question 1 of 3" in text, "looking back" in text) == (True, False)
        text = await press(pilot, *typed("[7 9 11 13]"))
        assert "✓ right: c is [7, 9, 11, 13]" in text
        assert ("Question" in text, position_of(app)) == (False, 2)
        await press(pilot, "space")
        assert position_of(app) == 3
        await press(pilot, "backspace", "space")
        assert position_of(app) == 3  # each is asked once


async def test_keys_do_what_they_do_while_a_question_is_asked(lesson_tape: Path) -> None:
    """What is needed for an answer can be looked at, large if need be; space goes on without one."""
    app = opening(lesson_tape)
    async with shown(app, 80, 24) as pilot:
        await press(pilot, "space", "space", "space")
        text = await press(pilot, "3", "z")
        assert "source" not in text.splitlines()[1]
        assert "? Question 1 of 3" in text
        await press(pilot, "z", "space")
        assert position_of(app) == 3
        assert "Question" not in text_of(app)


async def test_what_is_typed_after_a_wrong_answer_takes_its_place(lesson_tape: Path) -> None:
    """Of the hints the source pane has those that were given, and all of what is over."""
    app = opening(lesson_tape)
    async with shown(app, 100, 30) as pilot:
        assert "#? hint: …" in await press(pilot, "c")
        text = await press(pilot, *typed("4"))
        assert "Hint: 5 is added" in text
        assert "#? hint: 5 is added" in text
        text = await press(pilot, *typed("[7 9 11 13]")[1:])
        assert "✓ right: c is [7, 9, 11, 13]" in text
        assert "space step" in text


async def test_the_verdict_is_seen_where_the_script_ends_meanwhile(tmp_path: Path) -> None:
    """The end is said behind it: it is news, and takes no other's place."""
    source = '"""T\n\nLesson: x.\n"""\na = leaf()\n#? b\nb = 2 * a\n'
    with TapeBuilder(path := tmp_path / "t.tape", "lesson.py", source) as tape:
        tape.set_run(lesson="Lesson: x.")
        a = tape.leaf("a", [1.0], line=5)
        tape.op("mul", "MulBackward0", [a, 2], [2.0], name="b", line=7)
        tape.end()
    app = live(path, tmp_path)
    async with shown(app, 100, 30) as pilot:
        await press(pilot, "c")
        await wait_until(lambda: "Question 1 of 1" in text_of(app))
        await press(pilot, *typed("[2]"))
        told = "> ✓ right: b is [2]; go on to see it come about; the script has ended"
        await wait_until(lambda: told in text_of(app))
