"""Panes resized, hidden and remembered, on the screen and in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradb.debugger.debugger import Debugger
from gradb.tui.app import GradbApp
from gradb.tui.layout import Shape, SizeClass
from gradb.tui.looks import Looks
from gradb.tui.memory import LayoutFile, parsed, printed
from tests.tui.support import debug_screen, shown, text_of, wait_until

_SHAPES: dict[SizeClass, Shape] = {
    "wide": Shape(frozenset({"output"}), (80, 60, 60), ((), (30, 20), ())),
    "narrow": Shape(frozenset({"grads"})),
}


def _app(tape: Path, memory: Path) -> GradbApp:
    return GradbApp(lambda: Debugger.open(str(tape)), looks=Looks(memory=LayoutFile(memory)))


async def test_panes_are_resized_hidden_and_remembered(chain_tape: Path, tmp_path: Path) -> None:
    """What the keys make of the screen is there again when gradb is started anew, and `R` undoes it."""
    memory = tmp_path / "state" / "layout.json"
    app = _app(chain_tape, memory)
    async with shown(app, 80, 24) as pilot:
        panes = debug_screen(app).panes
        before = panes["graph"].outer_size
        await pilot.press("ctrl+right", "}")
        await wait_until(lambda: panes["graph"].outer_size == (before.width + 4, before.height + 1))
        await pilot.press("4", "H")
        await wait_until(lambda: ".grad" not in text_of(app))
        await pilot.press("H")
        await wait_until(lambda: ".grad" in text_of(app))
        await pilot.press("H")
        await wait_until(lambda: ".grad" not in text_of(app))
    again = _app(chain_tape, memory)
    async with shown(again, 80, 24) as pilot:
        panes = debug_screen(again).panes
        assert panes["graph"].outer_size == (before.width + 4, before.height + 1)
        assert ".grad" not in text_of(again)
        await pilot.press("R")
        await wait_until(lambda: ".grad" in text_of(again) and panes["graph"].outer_size == before)
    assert parsed(memory.read_bytes()) == {}


async def test_a_key_is_about_the_pane_that_the_key_before_went_to(chain_tape: Path, tmp_path: Path) -> None:
    """However fast it follows."""
    app = _app(chain_tape, tmp_path / "layout.json")
    async with shown(app):
        for command in ("output", "hide"):
            debug_screen(app).action_statement(command)
        await wait_until(lambda: "5 output" not in text_of(app))
        assert "2 graph" in text_of(app)


async def test_a_layout_that_cannot_be_read_is_told(chain_tape: Path, tmp_path: Path) -> None:
    """The app starts as if there were none, and says so; and what else was chosen and cannot be used."""
    memory = tmp_path / "layout.json"
    memory.write_text("[")
    looks = Looks("light", LayoutFile(memory), "no theme is blue")
    app = GradbApp(lambda: Debugger.open(str(chain_tape)), looks=looks)
    async with shown(app):
        assert app.theme == "light"
        assert "no theme is blue" in text_of(app)
        assert "the remembered layout is not used" in text_of(app)
        assert "4 .grad" in text_of(app)


def test_a_layout_is_read_as_it_was_written() -> None:
    """Nothing is lost on the way through the file."""
    assert parsed(printed(_SHAPES)) == _SHAPES


@pytest.mark.parametrize(
    "content",
    [
        b"\xff",
        b"[" * 19_000,
        b" " * 30_000,
        b"[]",
        b'{"version": 2, "sizes": {}}',
        b'{"version": 1, "sizes": {"huge": {}}}',
        b'{"version": 1, "sizes": {"wide": 7}}',
        b'{"version": 1, "sizes": {"wide": {"hidden": [[]]}}}',
        b'{"version": 1, "sizes": {"narrow": {"hidden": ["output"]}}}',
        b'{"version": 1, "sizes": {"narrow": {"hidden": ["source", "graph", "node", "grads"]}}}',
        b'{"version": 1, "sizes": {"narrow": {"widths": [1]}}}',
        b'{"version": 1, "sizes": {"narrow": {"widths": [0, 1]}}}',
        b'{"version": 1, "sizes": {"narrow": {"widths": [true, 1]}}}',
        b'{"version": 1, "sizes": {"narrow": {"widths": [1e9, 1]}}}',
        b'{"version": 1, "sizes": {"narrow": {"heights": [[1, 1]]}}}',
        b'{"version": 1, "sizes": {"narrow": {"heights": [[1, 1], [1]]}}}',
        b'{"version": 1, "sizes": {"narrow": {"heights": 3}}}',
        b'{"version": 1, "sizes": {"narrow": {"widths": [' + b"9" * 5000 + b", 1]}}}",
    ],
)
def test_a_strangers_layout_is_not_used(content: bytes) -> None:
    """What is not as it is written says so, and nothing else happens."""
    with pytest.raises(ValueError, match=r"it is|its sizes|the widths|the heights|hides"):
        parsed(content)


def test_a_layout_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A folder that cannot be made is a sentence."""
    (tmp_path / "file").write_text(json.dumps(1))
    assert "cannot be remembered" in LayoutFile(tmp_path / "file" / "layout.json").save(_SHAPES)
