"""The source pane: a cursor over its lines, and breakpoints where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from gradb.frame.frame import SourceView
from gradb.tape.kinds.breakpoint import BreakpointDetail
from gradb.tape.stops import Stop
from gradb.tui.messages import CallChosen
from gradb.tui.source import SourcePane
from tests.fakes import TapeBuilder
from tests.tui.support import debug_screen, look_at, opening, painted, position_of, shown, text_of, wait_until


async def press(pilot: Pilot[int], *keys: str) -> str:
    """Press keys and return the screen's text after them."""
    await pilot.press(*keys)
    await pilot.pause()
    return text_of(pilot.app)


def source(app: Any) -> SourcePane:
    """Return the pane."""
    return debug_screen(app).query_one(SourcePane)


def reversed_numbers(app: Any) -> list[str]:
    """Return what is drawn in reverse at the beginning of the pane's lines: the line that the cursor is on."""
    pane = source(app)
    look_at(app)
    strips = [pane.render_line(y) for y in range(pane.list_height)]
    cells = [[segment for segment in strip if segment.style is not None and segment.style.reverse] for strip in strips]
    return ["".join(segment.text for segment in line[:3]) for line in cells if line and line[0].text in " ◉◌○"]


async def test_a_breakpoint_is_set_where_the_cursor_stands(chain_tape: Path) -> None:
    """Up and down move it from the current line, `b` sets a breakpoint there and takes it away, `c` runs to it."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await press(pilot, "space", "1")
        assert source(app).cursor == 8
        text = await press(pilot, "down", "down", "down", "b")
        assert "◉ 11" in text
        assert "> breakpoint 1: chain_rule.py:11" in text
        assert position_of(app) == 1
        await press(pilot, "c")
        assert (position_of(app), source(app).cursor) == (4, 11)
        assert "◉" not in await press(pilot, "b")


async def test_a_line_without_code_says_so(chain_tape: Path) -> None:
    """There is no breakpoint then, and the line that is near is named."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        text = await press(pilot, "space", "1", "up", "b")
        assert "line 7 of chain_rule.py is empty: the nearest line with code is 8" in text
        assert "◉" not in text


async def test_the_cursor_stays_in_the_text_and_in_view(chain_tape: Path) -> None:
    """Neither keys nor a click lead beyond the first and last line; what it stands on is seen."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        await press(pilot, "space", "1", *["pageup"] * 3, "up")
        assert (source(app).cursor, source(app).scroll_offset.y) == (1, 0)
        text = await press(pilot, *["pagedown"] * 6, "down")
        assert source(app).cursor == 14
        assert "print(a.grad)" in text
        await pilot.click("#source", offset=(10, 2))
        await pilot.pause()
        assert source(app).cursor == source(app).scroll_offset.y + 2


async def test_the_cursor_returns_with_the_next_step_and_not_before(chain_tape: Path) -> None:
    """Left and right stay keys of time; drawing the same position anew leaves the cursor alone."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await press(pilot, "space", "1", "down", "down", "down", "down")
        debug_screen(app).frame = debug_screen(app).frame
        await pilot.pause()
        assert source(app).cursor == 12
        await press(pilot, "right")
        assert (position_of(app), source(app).cursor) == (2, 9)
        await press(pilot, "down", "left")
        assert (position_of(app), source(app).cursor) == (1, 8)


async def test_without_the_keyboard_there_is_no_cursor(chain_tape: Path) -> None:
    """It is drawn in the pane in focus, and elsewhere `b` means the current line."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await press(pilot, "space", "1", "down", "down")
        assert reversed_numbers(app) == ["  10"]
        await press(pilot, "2")
        assert reversed_numbers(app) == []
        assert "◉▶ 8" in await press(pilot, "b")


async def test_marks_tell_breakpoints_apart(chain_tape: Path) -> None:
    """What is off has a sign of its own, and the help tells each."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        for statement in ("break 11", "break 13", "disable 2", "break 12 if loss > 5"):
            debug_screen(app).action_statement(statement)
        text = await press(pilot, "1")
        assert "◉ 11" in text
        assert "○ 13" in text
        assert "◈ 12" in text
        await press(pilot, "question_mark")
        await wait_until(lambda: "source pane" in text_of(app))
        assert "◈ one with a condition   ◌ one not come to so far   ○ one that is off" in text_of(app)


async def test_a_breakpoint_is_set_in_the_file_that_is_shown(tmp_path: Path) -> None:
    """Where a call of the stack is shown, marks and breakpoints are those of its file, and not of the position's."""
    path, lib = tmp_path / "two.tape", "/app/my lib (2)/util.py"
    text = ("a = f(1)", "b = f(2)", "c = f(3)")
    with TapeBuilder(path, script="/app/main.py", source="\n".join(text)) as tape:
        tape.writer.source(lib, "\n".join(text))
        tape.event(BreakpointDetail(""), "breakpoint", "breakpoint()", 3, file=lib)
        tape.leaf("a", [1.0], line=1)
        tape.leaf("c", [1.0], line=3)
        tape.end()
    app = opening(path)
    async with shown(app) as pilot:
        screen = debug_screen(app)
        screen.action_statement("goto 2")
        await press(pilot, "1")
        screen.on_call_chosen(CallChosen(SourceView(lib, text, 3, 3, None, None)))
        assert "◉▶3" in await press(pilot, "b")
        debugger = screen.session.debugger
        assert debugger is not None
        (one,) = debugger.breakpoints
        assert one.stop == Stop("at", f"{lib}:3")
        screen.action_statement("goto 3")
        assert "◉" not in await press(pilot)
        screen.on_call_chosen(CallChosen(SourceView(lib, text, 3, 3, None, None)))
        await press(pilot, "b")
        assert not list(debugger.breakpoints)


async def test_the_text_moves_sideways(tmp_path: Path) -> None:
    """Shift and the arrow keys show what does not fit, up to the longest line; a step shows its own place again."""
    path = tmp_path / "long.tape"
    with TapeBuilder(path, source="a = 1  # " + " ".join(f"word{n}" for n in range(20)) + "\nb = 2\n") as tape:
        tape.leaf("a", [1.0], line=1)
        tape.leaf("b", [1.0], line=2)
        tape.end()
    app = opening(path)
    async with shown(app, 80, 24) as pilot:
        text = await press(pilot, "space", "1")
        assert "word0" in text
        assert "word19" not in text
        text = await press(pilot, *["shift+right"] * 20)
        assert "word0" not in text
        assert "word19" in text
        text = await press(pilot, "space")
        assert "word0" in text


def test_source_pane_with_cursor(chain_tape: Path, snap_compare: Any) -> None:
    """How the cursor and the marks look at 80 x 24."""
    app = opening(chain_tape)

    async def look(pilot: Pilot[int]) -> None:
        await painted(app)
        for statement in ("break 9", "break 11", "disable 1", "step 3"):
            debug_screen(app).action_statement(statement)
        await press(pilot, "1", "down", "down")
        await wait_until(lambda: source(app).cursor == 12)

    assert snap_compare(app, terminal_size=(80, 24), run_before=look)
