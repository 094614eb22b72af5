"""The find line: what is looked for in the pane that has the keyboard, and going from hit to hit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Input, Static

from gradb.tui.find import FindLine
from gradb.tui.linesearch import marked
from gradb.tui.lookup import Lookup, beside
from tests.fakes.blocks import network
from tests.tui.support import debug_screen, enter, look_at, opening, position_of, shown, text_of, there, wait_until


@pytest.fixture
def network_tape(tmp_path: Path) -> Path:
    """Return the tape of a network of six blocks, whose graph is folded."""
    path = tmp_path / "network.tape"
    network(path)
    return path


def tally_of(app: Any) -> str:
    """Return what the find line says of the hits."""
    return str(app.screen.query_one("#find-tally", Static).visual)


def selected(app: Any) -> str:
    """Return label or name of the selected node."""
    screen = debug_screen(app)
    node, frame = screen.options.selected_node, screen.frame
    index = None if frame is None or node is None else frame.graph.index_of(node)
    if frame is None or index is None:
        return ""
    row = frame.graph.row(index)
    return row.label or row.name


async def test_nodes_are_found_while_it_is_typed(network_tape: Path) -> None:
    """The first hit is selected, though a fold hides it; Enter keeps the hits, n and N go round, Esc forgets them."""
    app = opening(network_tape)
    async with shown(app) as pilot:
        await pilot.press("end", "slash", *"h.4.ln.w")
        await wait_until(lambda: tally_of(app) == "1 of 1")
        await wait_until(lambda: selected(app) == "h.4.ln.weight")
        assert app.screen.query_one(FindLine).is_typing
        await pilot.press(*["backspace"] * 8, *"ln.weight")
        await wait_until(lambda: tally_of(app).endswith("of 6"))
        await pilot.press("enter")
        at = position_of(app)
        names = []
        for key in ("n", "n", "N"):
            before = selected(app)
            await pilot.press(key)
            await wait_until(lambda before=before: selected(app) != before)  # type: ignore[misc]
            names.append(selected(app))
        assert len({*names}) == 2
        assert names[0] == names[2]
        assert all(name.endswith("ln.weight") for name in names)
        assert "n next" in text_of(app)
        assert position_of(app) == at
        await pilot.press("escape")
        await wait_until(lambda: "n next" not in text_of(app))
        await pilot.press("N")
        await wait_until(lambda: position_of(app) != at)


async def test_what_is_not_there_is_said(chain_tape: Path) -> None:
    """No hit, no move; Enter on an empty line closes it."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await pilot.press("end", "slash", *"zebra")
        await wait_until(lambda: tally_of(app) == "none")
        assert selected(app) == ""
        await pilot.press(*["backspace"] * 5, "enter")
        await wait_until(lambda: not app.screen.query_one(FindLine).display)
        assert debug_screen(app).focused is debug_screen(app).panes["graph"]


async def test_hits_follow_the_position(chain_tape: Path) -> None:
    """Another Frame is searched anew, by itself."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await pilot.press(*["space"] * 2, "slash", *"backward0", "enter")
        await wait_until(lambda: tally_of(app) == "1 of 1")
        await pilot.press("space", "space")
        await wait_until(lambda: tally_of(app).endswith("3"))


async def test_hits_are_marked_beside_the_sizes_of_gradients(chain_tape: Path) -> None:
    """What was found is marked in a row that begins with a bar, too."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await pilot.press("end", "2", "r", "slash", *"pow", "enter")
        await wait_until(lambda: tally_of(app) == "1 of 1")
        pane = debug_screen(app).panes["graph"]
        look_at(app)
        rows = [pane.render_line(y) for y in range(pane.room.height)]
        (row,) = [row for row in rows if "PowBackward0" in row.text]
        marked_ = [part.text for part in row if part.style is not None and part.style.reverse and part.style.underline]
        assert "".join(marked_).lower() == "pow"


def found_in(app: Any, text: str) -> bool:
    """Tell whether a text was typed on the find line, and found."""
    return app.screen.query_one("#find-input", Input).value == text and tally_of(app).startswith("1 of")


async def test_text_is_found_in_the_source_and_in_drawn_panes(chain_tape: Path) -> None:
    """In the source the cursor goes to the line; a pane that is drawn is scrolled to it."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await pilot.press("1", "slash", *"SUM", "enter")
        await wait_until(lambda: tally_of(app).startswith("1 of"))
        source = debug_screen(app).panes["source"]
        frame = debug_screen(app).frame
        assert frame is not None
        assert frame.source is not None
        assert "sum" in frame.source.lines[source.cursor - 1].lower()  # type: ignore[attr-defined]
        for pane, text in (("4", "a.GRAD"), ("5", "tensor")):
            await pilot.press("escape", "end", pane, "slash", *text)
            await wait_until(lambda text=text: found_in(app, text))  # type: ignore[misc]


async def test_find_and_jump_by_words(chain_tape: Path) -> None:
    """`find TEXT` at the prompt leaves the keyboard in the pane; `m` and `jump` go to a node, or say what was meant."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await pilot.press(*["space"] * 8)
        await enter(pilot, "find mul")
        await wait_until(lambda: tally_of(app) == "1 of 1" and selected(app) == "b")
        assert app.screen.query_one(FindLine).is_walking
        await pilot.press("m")
        await wait_until(lambda: selected(app) not in {"b", ""})
        await enter(pilot, "jump a")
        await wait_until(lambda: selected(app) == "a")
        await enter(pilot, "jump pow")
        await wait_until(lambda: "did you mean PowBackward0?" in text_of(app))


async def test_nothing_is_laid_out_while_nobody_touches_it(chain_tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hits that were found stay as they are drawn, however often the screen looks whether something has changed."""
    layouts = list[object]()
    lay_out = Screen._refresh_layout
    monkeypatch.setattr(Screen, "_refresh_layout", lambda *given, **named: layouts.append(lay_out(*given, **named)))
    app = opening(chain_tape)
    async with shown(app) as pilot:
        for keys in ((*["space"] * 8, "slash", *"mul"), ("enter", "n")):
            await pilot.press(*keys)
            await wait_until(lambda: tally_of(app) == "1 of 1")
            await pilot.pause()
            layouts.clear()
            for _ in range(3):
                debug_screen(app)._following.tick()
                await pilot.pause()
            assert not layouts


def test_hits_beside_a_cursor() -> None:
    """The first at or below it, the next and the one before, round the ends."""
    places = [3, 7, 9]
    assert [beside(places, cursor, 0) for cursor in (0, 3, 4, 9, 10)] == [0, 0, 1, 2, 0]
    assert [beside(places, cursor, 1) for cursor in (0, 3, 4, 9, 10)] == [0, 1, 1, 0, 0]
    assert [beside(places, cursor, -1) for cursor in (0, 3, 4, 9, 10)] == [2, 2, 0, 1, 2]


def test_lines_are_looked_through() -> None:
    """Case is ignored; nothing is found of nothing."""
    lookup = Lookup()
    lookup.look_for(" Two ", ["one two", "three", "TWO"])
    assert (lookup.lines, lookup.step(0, 1), lookup.tally.text) == ([0, 2], 2, "2 of 2")
    lookup.look_for("", ["one"])
    assert (lookup.step(1, 0), lookup.tally.text) == (None, "none")


def test_what_is_found_is_marked_on_a_strip() -> None:
    """Every occurrence, and the text stays what it was."""
    strip = marked(Strip.blank(3).join([Strip.blank(0)]), "x")
    assert strip.text == "" or strip.text.isspace()
    from rich.segment import Segment

    found = marked(Strip([Segment("a loss, "), Segment("LOSS b")]), "loss")
    assert found.text == "a loss, LOSS b"
    reversed_ = [segment.text for segment in found if segment.style is not None and segment.style.reverse]
    assert "".join(reversed_) == "lossLOSS"


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_found_nodes_screen(width: int, height: int, network_tape: Path, snap_compare: Any) -> None:
    """How hits look: what was found is reversed and underlined, the line below says which of how many."""
    app = opening(network_tape)

    async def look(pilot: Pilot[int]) -> None:
        screen = await there(app)
        await wait_until(lambda: screen.frame is not None)
        await wait_until(lambda: "2 graph" in text_of(app))
        await pilot.press("end", "slash", *"mlp.weight", "enter")
        await wait_until(lambda: tally_of(app) == "1 of 6")
        await wait_until(lambda: selected(app).endswith("mlp.weight"))
        app.screen.query_one("#find-input", Input).cursor_blink = False
        await pilot.pause()

    assert snap_compare(app, terminal_size=(width, height), run_before=look)
