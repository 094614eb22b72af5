"""The debug screen: room for the panes, keyboard and mouse, and what the user selects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.events import MouseMove, Paste
from textual.pilot import Pilot

from gradb.algebra.local import Local
from gradb.debugger.commands.registry import COMMANDS
from gradb.frame.chain.record import Chain
from gradb.present.draw.theme import STATE_SYMBOLS
from gradb.tape.kinds.error import ErrorDetail
from gradb.tui.bars import ScrubberBar
from gradb.tui.graph import GraphPane
from gradb.tui.keys import key_name
from gradb.tui.pane import Pane
from gradb.tui.screen import DebugScreen
from gradb.tui.source import SourcePane
from tests.fakes import TapeBuilder
from tests.tui.support import (
    debug_screen,
    line_of,
    opening,
    painted,
    position_of,
    quiet,
    shown,
    text_of,
    there,
    wait_until,
)


async def press(pilot: Pilot[int], *keys: str) -> str:
    """Press keys and return the screen's text after them."""
    await pilot.press(*keys)
    await pilot.pause()
    return text_of(pilot.app)


async def test_first_paint_does_not_wait_for_the_debugger(chain_tape: Path) -> None:
    """The screen says that it starts before the debugger is made."""
    app = opening(chain_tape)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(lambda: "script.py" in text_of(app))
        screen = await there(app)
        await wait_until(lambda: screen.frame is not None)
        assert "space step" in await press(pilot)


@pytest.mark.parametrize(("width", "height", "has_output"), [(80, 24, False), (120, 40, True), (200, 60, True)])
async def test_every_pane_has_room(chain_tape: Path, width: int, height: int, has_output: bool) -> None:
    """Source, graph, chain rule and .grad are always there; output is a key away on a narrow screen."""
    app = opening(chain_tape)
    async with shown(app, width, height) as pilot:
        text = await press(pilot, "end")
        for title in ("1 source", "2 graph", "3 chain rule", "4 .grad"):
            assert title in text
        assert ("5 output" in text) == has_output
        assert "tensor([28., 36., 44., 52.])" in await press(pilot, "o")
        text = await press(pilot, "o")
        assert "1 source" in text
        assert ("5 output" in text) == has_output
        for name in ("source", "graph", "chain", "grads"):
            region = debug_screen(app).panes[name].region
            assert region.width >= 30
            assert region.height >= 6


async def test_too_small_a_terminal_says_so_and_recovers(chain_tape: Path) -> None:
    """Below 60 x 16 there is one sentence; enlarged, the screen is as before."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        before = await press(pilot, "space", "space")
        await pilot.resize_terminal(50, 10)
        await pilot.pause()
        assert text_of(app).strip() == "gradb needs a terminal of at least 60 x 16."
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert text_of(app) == before


async def test_tab_and_numbers_move_the_keyboard(chain_tape: Path) -> None:
    """Tab follows the panes' numbers, and a number goes to its pane."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        seen = []
        for key in ("1", "tab", "tab", "tab", "tab", "tab", "shift+tab", "3"):
            await pilot.press(key)
            seen.append(debug_screen(app).last_pane)
        assert seen == ["source", "graph", "chain", "grads", "output", "source", "output", "chain"]


async def test_zoom_gives_the_body_to_one_pane(chain_tape: Path) -> None:
    """`z` shows the pane in focus alone, Tab hands the room on, `z` again gives it back."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        before = await press(pilot, "end", "left", "3")
        text = await press(pilot, "z")
        assert "3 chain rule" in text
        assert "2 graph" not in text
        assert "4 .grad" in await press(pilot, "tab")
        assert await press(pilot, "shift+tab", "z") == before


async def test_selecting_a_node_shows_its_record_until_the_next_step(chain_tape: Path) -> None:
    """Up and down in the graph show another node's chain rule; a step follows the run again."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await press(pilot, *["space"] * 9)
        assert "∂b/∂a" in text_of(app)
        assert "∂d/∂c" in await press(pilot, "up", "up")
        assert "c.grad_fn" in await press(pilot, "down")
        text = await press(pilot, "space")
        assert "∂d/∂c" not in text
        assert debug_screen(app).options.selected_node is None


async def test_the_expression_of_the_selected_node_is_copied(chain_tape: Path) -> None:
    """`y` puts the Python that reaches the node on the clipboard, and says so."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        text = await press(pilot, *["space"] * 5, "down", "y")
        assert app.clipboard in {"d.grad_fn", "out.grad_fn.next_functions[0][0]"}
        assert f"copied: {app.clipboard}" in text


async def test_a_click_selects_a_node(chain_tape: Path) -> None:
    """The mouse selects rows of the graph."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await press(pilot, *["space"] * 9)
        await pilot.click("#graph", offset=(8, 2))
        await pilot.pause()
        assert "∂d/∂c" in text_of(app)


async def test_a_click_on_the_scrubber_goes_there(chain_tape: Path) -> None:
    """The left end is the first event, the right end the last."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await pilot.click("#scrubber", offset=(118, 0))
        await wait_until(lambda: position_of(app) == 19)
        await pilot.click("#scrubber", offset=(1, 0))
        await wait_until(lambda: position_of(app) == 1)


async def test_the_scrubber_is_dragged(training_tape: Path) -> None:
    """The position goes along with a mouse that is held, also beyond the line and its ends, and not with one let go."""
    app = opening(training_tape)
    async with shown(app) as pilot:
        head = debug_screen(app).session.debugger.head  # type: ignore[union-attr]
        await pilot.mouse_down("#scrubber", offset=(60, 0))
        await wait_until(lambda: 0 < position_of(app) < head)
        half = position_of(app)
        for x in range(61, 80):
            await pilot.hover("#scrubber", offset=(x, 0))
        await pilot.hover("#scrubber", offset=(90, -5))
        await wait_until(lambda: half < position_of(app) < head)
        await pilot.hover("#scrubber", offset=(119, -5))
        await wait_until(lambda: position_of(app) == head)
        await pilot.mouse_up("#scrubber", offset=(119, 0))
        await pilot.hover("#scrubber", offset=(20, 0))
        await pilot.pause()
        assert position_of(app) == head


async def test_a_mouse_that_is_dragged_chooses_a_few_positions(
    training_tape: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it passes between two frames is left out; where it stops is not."""
    chosen: list[int] = []
    monkeypatch.setattr(DebugScreen, "on_position_chosen", lambda _, message: chosen.append(message.position))
    app = opening(training_tape)
    async with shown(app) as pilot:
        bar = debug_screen(app).query_one(ScrubberBar)
        await pilot.mouse_down(bar, offset=(2, 0))
        for x in range(3, 100):
            bar.post_message(MouseMove(bar, x, 0, 1, 0, 1, False, False, False))
        last = bar._sampled[1][98].last
        await wait_until(lambda: chosen and chosen[-1] == last)
        assert len(chosen) < 20


async def test_a_double_click_sets_and_clears_a_breakpoint(chain_tape: Path) -> None:
    """A breakpoint has a sign of its own, and `c` runs to it."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await pilot.click("#source", offset=(10, 11), times=2)
        await pilot.pause()
        assert "◉ 11" in text_of(app)
        await press(pilot, "c")
        assert position_of(app) == 4
        await pilot.click("#source", offset=(10, 11), times=2)
        await pilot.pause()
        assert "◉" not in text_of(app)


async def test_breakpoints_are_listed_over_the_screen(chain_tape: Path) -> None:
    """Several are lines to read, with what is off told apart there and beside its line; a key closes them."""
    app = opening(chain_tape)
    async with shown(app, 120, 40) as pilot:
        for statement in ("break line 11", "break line 13", "disable 2", "ignore 1 3"):
            debug_screen(app).action_statement(statement)
        text = await press(pilot, "B")
        assert "1 ◉ chain_rule.py:11  0 hits, lets pass the next 3 times" in text
        assert "2 ○ chain_rule.py:13  0 hits, off" in text
        assert "0 hits" not in await press(pilot, "escape")
        assert debug_screen(app).query_one(SourcePane).marks == {11: "on", 13: "off"}


async def test_help_names_every_command_and_key(chain_tape: Path) -> None:
    """Help begins with the pane in focus and lists the whole registry."""
    app = opening(chain_tape)
    async with shown(app, 120, 260) as pilot:
        text = await press(pilot, "question_mark")
        assert text.index("graph pane") < text.index("Move in time")
        for command in COMMANDS:
            assert command.name in text
            assert all(key_name(key) in text for key in command.keys)
        assert "Move in time" not in await press(pilot, "escape")


async def test_the_palette_runs_commands_and_changes_the_theme(chain_tape: Path) -> None:
    """Ctrl+P offers the registry and the colour themes."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await pilot.press("ctrl+p")
        app.post_message(Paste("theme light"))
        await wait_until(lambda: "theme light" in text_of(app))
        await pilot.press("down", "enter")
        await wait_until(lambda: app.theme == "light")
        await pilot.press("ctrl+p")
        app.post_message(Paste("head"))
        await wait_until(lambda: "Go to the head" in text_of(app))
        await pilot.press("down", "enter")
        await wait_until(lambda: position_of(app) == 19)


async def test_hostile_text_is_shown_as_text(tmp_path: Path) -> None:
    """Escape sequences and markup from a script are characters on the screen, nothing more."""
    path = tmp_path / "hostile.tape"
    with TapeBuilder(path, "[red]evil\x1b[2J.py", "x = '[bold]\x1b]0;title\x07'\n") as tape:
        tape.leaf("[/nope]\x1b[31mx", [1.0], line=1)
        tape.output("\x1b[2J[link=http://x]here[/link]\n", line=1)
        tape.end()
    app = opening(path)
    async with shown(app, 200, 60) as pilot:
        text = await press(pilot, "end")
        assert "\x1b" not in text
        assert "[red]evil\\x1b[2J.py" in text
        assert "[/nope]\\x1b[31mx" in text
        assert "\\x1b[2J[link=http://x]here[/link]" in text


def test_help_screen(chain_tape: Path, snap_compare: Any) -> None:
    """How help looks at 80 x 24."""
    app = opening(chain_tape)

    async def ask(pilot: Pilot[int]) -> None:
        await painted(app)
        await pilot.press("question_mark")
        await wait_until(lambda: "graph pane" in text_of(app))
        await pilot.pause()

    assert snap_compare(app, terminal_size=(80, 24), run_before=ask)


async def test_what_lies_under_help_is_painted_only_where_it_changes(chain_tape: Path) -> None:
    """Once it was painted there, nothing is left to be painted."""
    app = opening(chain_tape)
    async with shown(app, 120, 40) as pilot:
        await pilot.press("question_mark")
        await wait_until(lambda: "graph pane" in text_of(app))
        debug_screen(app).panes["graph"].refresh()
        await quiet()
        assert not debug_screen(app)._repaint_required


async def test_the_buffer_in_question_is_in_view(tmp_path: Path) -> None:
    """Of many parameters the one that a gradient is added to is shown, however far down the list it is."""
    tape = tmp_path / "many.tape"
    with TapeBuilder(tape) as built:
        total = built.op("sum", "StackBackward0", [built.leaf(f"p{index}", [1.0]) for index in range(60)], [60.0], ())
        built.backward(total)
    app = opening(tape)
    async with shown(app, 80, 24) as pilot:
        for count in (10, 30):
            text = await press(pilot, "end", *["left"] * count)
            frame = debug_screen(app).frame
            assert frame is not None
            (buffer,) = [buffer for buffer in frame.grads if buffer.is_current]
            assert f"▶ {buffer.name}.grad" in text


async def test_the_whole_message_of_an_error_can_be_read(tmp_path: Path) -> None:
    """It takes as many lines as it needs, and gives them back at the next step."""
    message = " ".join(f"word{index}" for index in range(40))
    with TapeBuilder(tmp_path / "error.tape") as tape:
        tape.leaf("a", [1.0], line=1)
        tape.event(ErrorDetail("RuntimeError", message, "", True), "error", "RuntimeError", 1)
    app = opening(tmp_path / "error.tape")
    async with shown(app, 80, 24) as pilot:
        text = await press(pilot, "end")
        assert "word39" in text
        height = debug_screen(app).panes["chain"].size.height
        await press(pilot, "home")
        assert debug_screen(app).panes["chain"].size.height > height


async def test_the_start_is_the_same_after_coming_back(chain_tape: Path) -> None:
    """Going forth and home again shows the very screen of the beginning, scrolling included."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        first = await press(pilot, "home")
        await press(pilot, *["space"] * 8)
        assert (await press(pilot, "home")).splitlines()[1:] == first.splitlines()[1:]


async def test_a_click_on_the_key_bar_is_the_key(chain_tape: Path) -> None:
    """The words at the foot of the screen work with the mouse."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        await pilot.click("KeyBar", offset=(3, 0))
        await wait_until(lambda: position_of(app) == 1)


async def test_shift_and_arrows_move_over_a_large_matrix(chain_tape: Path) -> None:
    """A matrix wider and higher than its place is looked at through a window; another node begins at its corner."""
    app = opening(chain_tape)
    async with shown(app, 120, 40) as pilot:
        await press(pilot, "end")
        pane = debug_screen(app).panes["chain"]
        frame = debug_screen(app).frame
        assert frame is not None
        chain = frame.chain and _chain(app, frame.position)
        assert chain is not None
        numbers = tuple(float(index) for index in range(1, 401))
        edge = replace(chain.edges[0], local=Local("dense", 20, 20, numbers))
        pane.frame = replace(frame, chain=replace(chain, edges=(edge,)))
        pane.focus()
        assert "[19]" not in (before := await press(pilot))
        assert "[0]" in before
        text = await press(pilot, *["shift+right"] * 19, *["shift+down"] * 19)
        assert "400" in text
        assert "[19]" in text
        pane.frame = frame
        pane.frame = replace(frame, chain=replace(chain, edges=(edge,)))
        assert "[19]" not in await press(pilot)


def _chain(app: Any, position: int) -> Chain | None:
    """Return the record of the last node with edges that has run up to a position."""
    debugger = debug_screen(app).session.debugger
    assert debugger is not None
    assert debugger.tape is not None
    chains = (debugger.tape.frame(seq).chain for seq in range(position, 0, -1))
    return next((chain for chain in chains if chain is not None and chain.edges and chain.upstream), None)


@pytest.fixture
def stopped_tape(tmp_path: Path) -> Path:
    """The tape of a script of many lines whose recording ended before it."""
    path = tmp_path / "stopped.tape"
    with TapeBuilder(path, "script.py", "\n".join(f"x{line} = 1" for line in range(1, 61))) as tape:
        tape.leaf("w", [1.0], line=1)
        grown = tape.leaf("a", [1.0], line=2)
        for line in range(3, 40):
            grown = tape.op("Tensor.mul", "MulBackward0", [grown, 2], [1.0], line=line)
        for index in range(40):
            tape.output(f"line {index}\n", line=40)
        tape.stop("OSError: no space left")
        tape.end()
    return path


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60)])
async def test_every_pane_says_that_the_recording_has_ended(stopped_tape: Path, width: int, height: int) -> None:
    """It is said at the top of each, source and graph too, and stays there where the pane is scrolled."""
    app = opening(stopped_tape)
    async with shown(app, width, height) as pilot:
        await press(pilot, "end")
        for pane in debug_screen(app).panes.values():
            await _look_at(pilot, pane)


async def _look_at(pilot: Pilot[int], pane: Pane) -> None:
    """Show a pane, and scroll it."""

    def is_said() -> bool:
        return line_of(pane, 0).text.startswith("! not recorded since event")

    await pilot.press(pane.spec.keys[0])
    await wait_until(lambda: pane.display)
    await wait_until(is_said)
    pane.scroll_to(y=20, animate=False)
    await pilot.pause()
    assert is_said()


async def test_below_what_is_missing_the_rows_are_where_they_seem(stopped_tape: Path) -> None:
    """A click selects the row under the mouse, and the current line of the source is in view."""
    app = opening(stopped_tape)
    async with shown(app, 120, 40) as pilot:
        await press(pilot, "end")
        graph = debug_screen(app).panes["graph"]
        assert isinstance(graph, GraphPane)
        said = graph.said
        assert said > 0
        row = line_of(graph, said).text
        await pilot.click("#graph", offset=(10, 1 + said))
        await wait_until(lambda: graph.cursor is not None and debug_screen(app).options.selected_node is not None)
        assert line_of(graph, said).text.replace("›", " ").strip() == row.replace("›", " ").strip()
        assert graph.cursor == round(graph.scroll_y)


async def test_help_tells_every_sign_of_the_graph_and_how_it_is_closed(chain_tape: Path) -> None:
    """The legend lacks no state; `q` closes help and not the app, which its frame says."""
    app = opening(chain_tape)
    async with shown(app, 120, 60) as pilot:
        text = await press(pilot, "question_mark")
        assert all(f"{sign} " in text for sign in STATE_SYMBOLS.values())
        assert "Esc or q closes help" in text
        await press(pilot, "q")
        await wait_until(lambda: "Move in time" not in text_of(app))
        assert app.is_running


async def test_a_node_can_be_revealed(chain_tape: Path) -> None:
    """The pane selects it and brings it into view; a node that the graph does not have is refused."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await press(pilot, *["space"] * 5)
        screen = debug_screen(app)
        graph = screen.panes["graph"]
        assert isinstance(graph, GraphPane)
        assert not graph.reveal(999)
        assert graph.reveal(2)
        await wait_until(lambda: screen.options.selected_node == 2)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_nothing_reads_a_tape_that_was_let_go(chain_tape: Path, size: tuple[int, int]) -> None:
    """What is painted once more after the session has ended has nothing left that would look into it."""
    app = opening(chain_tape)
    async with shown(app, *size) as pilot:
        await pilot.press("end", "3")
        await wait_until(lambda: position_of(app) > 1)
        screen = debug_screen(app)
        screen.end()
        await pilot.resize_terminal(size[0] - 3, size[1] + 3)
        await quiet()
        text_of(app)
        assert [pane.frame for pane in screen.panes.values()] == [None] * len(screen.panes)
