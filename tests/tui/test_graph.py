"""The graph pane on a large graph: folds by key and mouse, and where the cursor is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from gradb.frame.reader import Tape
from gradb.tui import graph_reading
from gradb.tui.graph import GraphPane
from gradb.tui.graph_commands import unfoldable_words
from tests.fakes import TapeBuilder, examples
from tests.fakes.blocks import network
from tests.tui.support import debug_screen, enter, line_of, look_at, opening, painted, quiet, shown, text_of, wait_until


@pytest.fixture
def network_tape(tmp_path: Path) -> Path:
    """The tape of a network of six blocks."""
    path = tmp_path / "network.tape"
    network(path)
    return path


def pane_of(app: Any) -> GraphPane:
    """Return the graph pane."""
    pane = debug_screen(app).panes["graph"]
    assert isinstance(pane, GraphPane)
    return pane


def lines_of(app: Any) -> list[str]:
    """Return the lines of the graph pane that are seen, without marks and trees in front of fold and node."""
    pane = pane_of(app)
    look_at(app)
    return [pane.render_line(row).text.rstrip() for row in range(pane.list_height)]


def is_shown(app: Any, words: str) -> Callable[[], bool]:
    """Return what tells whether a line of the graph pane has some words."""
    return lambda: any(words in line for line in lines_of(app))


async def go_to(pilot: Pilot[int], words: str) -> None:
    """Move the cursor down to the line that has some words."""
    await pilot.press("ctrl+home")
    while words not in cursor_line(pilot.app):
        before = pane_of(pilot.app).cursor
        await pilot.press("down")
        await wait_until(lambda before=before: pane_of(pilot.app).cursor != before)  # type: ignore[misc]


def cursor_line(app: Any) -> str:
    """Return the line under the cursor."""
    pane = pane_of(app)
    return line_of(pane, (pane.cursor or 0) - pane.scroll_offset.y).text.rstrip()


async def test_the_way_to_a_node_is_cut_with_a_sign(network_tape: Path) -> None:
    """Where the pane has all of the screen all of it is seen, and never a part that looks like all."""
    app = opening(network_tape)
    async with shown(app, 80, 24) as pilot:
        debug_screen(app).action_statement("head")
        await pilot.press("2", "O", "ctrl+home", "down", "down")
        await wait_until(lambda: "─ loss.grad_fn.next_fu" in text_of(app))
        await pilot.press("z")
        await wait_until(lambda: "3 chain rule" not in text_of(app))
        assert "loss.grad_fn.next_functions[0][0].next_functions[1][0] ─" in text_of(app)


async def test_enter_opens_a_fold_and_closes_it(network_tape: Path) -> None:
    """The cursor stays on the fold; what it holds appears below it and goes again."""
    app = opening(network_tape)
    async with shown(app, 120, 40) as pilot:
        await pilot.press("end")
        await wait_until(is_shown(app, "▸ h.0 to h.5, the same  6 × 16 nodes"))
        await go_to(pilot, "▸ head")
        await pilot.press("enter")
        await wait_until(is_shown(app, "▾ head  3 nodes"))
        assert "▾ head" in cursor_line(app)
        assert is_shown(app, "AccumulateGrad  head.weight")()
        await pilot.press("enter")
        await wait_until(is_shown(app, "▸ head  3 nodes"))
        assert not is_shown(app, "AccumulateGrad  head.weight")()


async def test_a_click_on_the_mark_opens_a_fold(network_tape: Path) -> None:
    """A click beside the mark selects; a click on what is selected, or on the mark, opens."""
    app = opening(network_tape)
    async with shown(app, 120, 40) as pilot:
        await pilot.press("end")
        await wait_until(is_shown(app, "▸ wte"))
        pane, line = pane_of(app), next(row for row, text in enumerate(lines_of(app)) if "▸ wte" in text)
        column = lines_of(app)[line].index("▸")
        await pilot.click(pane, offset=(column + 1 + pane.gutter.left, line + 1))
        await wait_until(lambda: pane.cursor == line)
        assert is_shown(app, "▸ wte")()
        await pilot.click(pane, offset=(column + 3, line + 1))
        await wait_until(is_shown(app, "▾ wte"))
        await pilot.click(pane, offset=(column + 1, line + 1))
        await wait_until(is_shown(app, "▸ wte"))


async def test_the_running_node_is_always_seen(network_tape: Path) -> None:
    """On its way through the backward the blocks open where the engine is, and close behind it."""
    app = opening(network_tape)
    async with shown(app, 120, 60) as pilot:
        await pilot.press("p", "p")
        for _ in range(12):
            await pilot.press("space")
            await pilot.pause()
            frame = debug_screen(app).frame
            assert frame is not None
            if frame.graph.current is not None:
                await wait_until(lambda: "▶" in cursor_line(app)[:1])


async def test_a_chain_of_equal_ops_is_a_few_lines(tmp_path: Path) -> None:
    """The running node is seen with what is around it, and the rest is a line each side, which enter opens."""
    path = tmp_path / "chain.tape"
    examples.big(path, nodes=300, events=1)
    app = opening(path)
    async with shown(app, 120, 40) as pilot:
        await pilot.press("p", "p", *["space"] * 10)
        await wait_until(is_shown(app, "▸ AddBackward0 …  285 nodes"))
        assert cursor_line(app).startswith("▶")
        assert is_shown(app, "▸ AddBackward0 …  7 nodes")()
        await go_to(pilot, "▸ AddBackward0 …  285 nodes")
        await pilot.press("enter")
        await wait_until(lambda: not is_shown(app, "▸")())
        await pilot.press("enter")
        await wait_until(is_shown(app, "▸ AddBackward0 …  285 nodes"))


async def test_a_hidden_node_is_revealed(network_tape: Path) -> None:
    """What hides it is opened, also what was closed by hand, and it is selected."""
    app = opening(network_tape)
    async with shown(app, 120, 40) as pilot:
        await pilot.press("end")
        await wait_until(is_shown(app, "▾ h "))
        await go_to(pilot, "▾ h ")
        await pilot.press("enter")
        await wait_until(is_shown(app, "▸ h  96 nodes"))
        screen, pane = debug_screen(app), pane_of(app)
        assert screen.frame is not None
        row = screen.frame.graph.row(len(screen.frame.graph) // 2)
        assert pane.reveal(row.node)
        await wait_until(lambda: screen.options.selected_node == row.node)
        await wait_until(lambda: row.name in cursor_line(app))
        assert cursor_line(app)[1] == "›"


async def test_the_fold_command(network_tape: Path, chain_tape: Path) -> None:
    """`O` opens everything and folds again; a name that no module has is refused with those that there are."""
    app = opening(network_tape)
    async with shown(app, 120, 40) as pilot:
        await pilot.press("end")
        await wait_until(is_shown(app, "▸ head"))
        await pilot.press("O")
        await wait_until(lambda: not is_shown(app, "▸ head")())
        await pilot.press("O")
        await wait_until(is_shown(app, "▸ head"))
        await enter(pilot, "fold nose")
        await wait_until(lambda: "there is no fold 'nose' in the graph: it has head, h, wte" in text_of(app))
    app = opening(chain_tape)
    async with shown(app, 120, 40) as pilot:
        await pilot.press("home", "O")
        await wait_until(lambda: "nothing to fold: there is no graph here" in text_of(app))
        await pilot.press("end", "O")
        await wait_until(lambda: "nothing to fold: the graph has 5 rows, and from" in text_of(app))
        await pilot.press("escape")
    assert unfoldable_words(20_000) == (
        "there is nothing to fold: no module made any of this graph, and no ops are repeated in it"
    )


@pytest.mark.parametrize("is_open", [False, True])
def test_the_graph_of_a_network(network_tape: Path, snap_compare: Any, is_open: bool) -> None:
    """Folded, a network is a few lines; opened, its blocks are short branches beside one line from loss to leaf."""
    app = opening(network_tape)

    async def show(pilot: Pilot[int]) -> None:
        await painted(app)
        await pilot.press("end", "z")
        await wait_until(is_shown(app, "▸ h.0 to h.5, the same"))
        if is_open:
            await go_to(pilot, "▸ h.0 to h.5")
            await pilot.press("enter")
            await wait_until(is_shown(app, "▸ h.5  16 nodes"))
            await go_to(pilot, "▸ h.4")
            await pilot.press("enter")
            await wait_until(is_shown(app, "▸ h.4.attn"))

    assert snap_compare(app, run_before=show, terminal_size=(80, 24))


async def test_gradients_have_bars(network_tape: Path) -> None:
    """`r` goes round: the 2-norm, the largest element, nothing; a word says which."""
    app = opening(network_tape)
    async with shown(app, 120, 40) as pilot:
        await pilot.press("end", "r")
        await wait_until(is_shown(app, "█"))
        assert "2-norm of the gradient" in str(pane_of(app).border_title)
        await pilot.press("r")
        await wait_until(lambda: "largest of the gradient" in str(pane_of(app).border_title))
        await pilot.press("r")
        await wait_until(lambda: not is_shown(app, "█")())
        await enter(pilot, "norms 3")
        await wait_until(lambda: "`norms` takes norm, max, off or nothing, not '3'" in text_of(app))


def test_gradients_that_vanish(tmp_path: Path, snap_compare: Any) -> None:
    """What a module keeps for itself is a shaded bar, from the least to the most that came to its nodes."""
    path = tmp_path / "vanishing.tape"
    network(path, slope=0.03)
    app = opening(path)

    async def show(pilot: Pilot[int]) -> None:
        await painted(app)
        await pilot.press("end", "z", "r")
        await wait_until(is_shown(app, "▸ h.0 to h.5, the same"))
        await go_to(pilot, "▸ h.0 to h.5")
        await pilot.press("enter")
        await wait_until(is_shown(app, "▸ h.5  16 nodes"))
        assert is_shown(app, "█ ")()

    assert snap_compare(app, run_before=show, terminal_size=(100, 24))


async def test_how_a_node_is_linked_is_laid_out_anew_with_the_pane(chain_tape: Path) -> None:
    """What was cut for want of room is whole where the pane has more."""
    whole = "  .next_functions = ((<MulBackward0>, 0), (None, 0))"
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        debug_screen(app).action_statement("until node AddBackward0")
        await wait_until(lambda: ".next_functions = " in text_of(app))
        assert whole not in text_of(app)
        await pilot.press("z")
        await wait_until(lambda: whole in text_of(app))


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Read every graph as if it were a large one, and no further as long as the list is empty."""
    go_on = list[bool]()
    read_for = graph_reading.GraphReading._read_for

    def reading(self: graph_reading.GraphReading, seconds: float) -> bool:
        if go_on:
            return read_for(self, seconds)
        self.note = "reading the graph: 34%"
        self._reading.ask()
        return False

    monkeypatch.setattr(graph_reading.GraphReading, "_read_for", reading)
    return go_on


async def test_a_large_graph_is_read_while_all_else_is_shown(network_tape: Path, slowly: list[bool]) -> None:
    """The pane says how far it is; the chain rule does not wait. A node that is gone to is gone to then."""
    with Tape.open(network_tape) as tape:
        start = tape.latest("backward_start", tape.head) or 0
    app = opening(network_tape)
    async with shown(app, 120, 40) as pilot:
        debug_screen(app).action_statement(f"goto {start + 2}")
        await wait_until(is_shown(app, "reading the graph: "))
        await wait_until(lambda: "SumBackward0" in text_of(app))
        await pilot.press("m")
        await quiet()
        assert is_shown(app, "reading the graph: ")()
        assert not is_shown(app, "0 rows")()
        slowly.append(True)
        await wait_until(is_shown(app, "SumBackward0  loss"))
        assert not is_shown(app, "reading the graph")()
        await wait_until(lambda: "›" in cursor_line(app))
        assert "SumBackward0" in cursor_line(app)


async def test_a_damaged_graph_is_said_in_its_place(tmp_path: Path) -> None:
    """The rest of the screen stays."""
    with TapeBuilder(tmp_path / "t.tape") as builder:
        builder.leaf("a", [1.0])
        for id_, other in ((50, 51), (51, 50)):
            builder.writer.node(id_, "MulBackward0", 1, "builtin", True, None, [(other, 0)])
        builder.end()
    app = opening(tmp_path / "t.tape")
    async with shown(app, 120, 40) as pilot:
        await pilot.press("end")
        await wait_until(is_shown(app, "The graph on the tape has a cycle: the tape is damaged."))
