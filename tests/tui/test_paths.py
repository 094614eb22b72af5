"""The paths pane on the screen: in the chain's place, for the selected node, one path after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import TapeBuilder
from tests.tui.support import debug_screen, opening, shown, text_of


@pytest.fixture
def shared_tape(tmp_path: Path) -> Path:
    """Return the tape of one weight in three places."""
    path = tmp_path / "shared.tape"
    TapeBuilder.shared_weight_example(path)
    return path


async def test_seven_shows_the_paths_and_chain_comes_back(shared_tape: Path) -> None:
    """Key 7 brings the paths in the place of the chain rule, and again that."""
    app = opening(shared_tape)
    async with shown(app) as pilot:
        await pilot.press("G", "7")
        await pilot.pause()
        assert "w: 4 paths to loss" in text_of(app)
        await pilot.press("7")
        await pilot.pause()
        assert "w: 4 paths to loss" not in text_of(app)


async def test_path_after_path(shared_tape: Path) -> None:
    """`path` brings the pane with the first path in full, then the next; a step keeps what was chosen."""
    app = opening(shared_tape)
    async with shown(app) as pilot:
        await pilot.press("G")
        for number in (1, 2):
            debug_screen(app).action_statement("path")
            await pilot.pause()
            assert f"w: path {number} of 4 to loss" in text_of(app)
        debug_screen(app).action_statement("path all")
        await pilot.pause()
        assert "w: 4 paths to loss" in text_of(app)


async def test_the_selected_node_has_its_paths(shared_tape: Path) -> None:
    """A node selected in the graph is the one whose paths are shown, until the next step."""
    app = opening(shared_tape)
    async with shown(app) as pilot:
        await pilot.press("G", "7", "2", "down", "down")
        await pilot.pause()
        assert "y1: 2 paths to loss" in text_of(app)
        await pilot.press("backspace")
        await pilot.pause()
        assert "y1: 2 paths to loss" not in text_of(app)
        assert "w: 4 paths to loss" in text_of(app)
