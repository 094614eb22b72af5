"""Captions on the screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.tui.caption import CaptionStrip
from tests.fakes import examples
from tests.tui.support import debug_screen, opening, shown, text_of


@pytest.fixture
def lesson_tape(tmp_path: Path) -> Path:
    """The tape of a lesson with three questions."""
    examples.lesson(path := tmp_path / "lesson.tape")
    return path


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


async def test_other_scripts_have_no_strip(chain_tape: Path) -> None:
    """The panes have its room."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        await pilot.press("space")
        assert not debug_screen(app).query_one(CaptionStrip).display
        assert debug_screen(app).body.height == 20
