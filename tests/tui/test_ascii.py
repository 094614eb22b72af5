"""The screen in ASCII: every pane, help, prompt, palette and picker; what is on it means the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from gradb.debugger.debugger import Debugger
from gradb.tui.app import GradbApp
from gradb.tui.looks import Looks
from tests.fakes import TapeBuilder
from tests.tui.support import debug_screen, painted, position_of, shown, text_of, wait_until

PANES = (
    ("chain", "", "x local      dd/dc = 2*c"),
    ("paths", "7", "a -> b -> c -> d -> out"),
    ("saved", "8", "saved"),
)


def ascii_app(tape: Path) -> GradbApp:
    """Return an app that opens a tape, in ASCII."""
    return GradbApp(lambda: Debugger.open(str(tape)), script="script.py", looks=Looks(is_ascii=True))


@pytest.mark.parametrize(("pane", "keys", "words"), PANES, ids=[pane for pane, _, _ in PANES])
def test_a_pane_in_ascii(chain_tape: Path, snap_compare: Any, pane: str, keys: str, words: str) -> None:
    """At PowBackward0 each pane says what it says otherwise: states have signs of their own, borders are drawn."""
    app = ascii_app(chain_tape)

    async def look(pilot: Pilot[int]) -> None:
        await painted(app)
        debug_screen(app).action_statement("goto 10")
        await wait_until(lambda: position_of(app) == 10)
        await pilot.press(*keys)
        await wait_until(lambda: words in text_of(app))
        text = text_of(app)
        assert text.isascii()
        assert "v agrees with the engine" in text or pane != "chain"
        assert "# SumBackward0" in text
        assert "o AddBackward0" in text
        assert "+- 1 source" in text

    assert snap_compare(app, terminal_size=(120, 40), run_before=look)


def test_the_plot_in_ascii(tmp_path: Path, snap_compare: Any) -> None:
    """The curve is drawn with strokes, and the position is on the axis."""
    TapeBuilder.training_example(tmp_path / "t.tape", 30)
    app = ascii_app(tmp_path / "t.tape")

    async def look(pilot: Pilot[int]) -> None:
        await painted(app)
        await pilot.press("G", "6")
        await wait_until(lambda: "parameter norms" in text_of(app))
        text = text_of(app)
        assert text.isascii()
        assert "^" in text
        assert "---" in text

    assert snap_compare(app, terminal_size=(120, 40), run_before=look)


async def test_all_of_the_screen_is_ascii(chain_tape: Path) -> None:
    """Whatever is opened: panes at any size, help, prompt, palette, a message."""
    app = ascii_app(chain_tape)
    async with shown(app, 100, 30) as pilot:
        for keys in ("space", "9", "W", "F", "x", "e", "question_mark", "escape", "colon"):
            await pilot.press(keys)
            assert text_of(app).isascii(), (keys, text_of(app))
        await pilot.press("escape", "ctrl+p")
        await wait_until(lambda: len(app.screen_stack) > 1)
        await pilot.pause()
        assert text_of(app).isascii(), text_of(app)
