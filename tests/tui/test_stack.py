"""The stack pane on the screen: up and down select a call, enter shows its line in the source pane."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tests.fakes.calls import Call, add_calls
from tests.tui.support import debug_screen, opening, painted, shown, text_of, wait_until

CALLS: list[Call] = [(11, "Net.forward", 2, "torch"), (12, "train", 0, ""), (13, "<module>", 0, "")]


async def press(pilot: Pilot[int], *keys: str) -> str:
    """Press keys and return the screen's text after them."""
    await pilot.press(*keys)
    await pilot.pause()
    return text_of(pilot.app)


async def test_enter_shows_the_line_of_a_call_until_the_next_step(chain_tape: Path) -> None:
    """The keyboard stays in the stack; another position has its own line again."""
    add_calls(chain_tape, 4, CALLS)
    app = opening(chain_tape)
    async with shown(app) as pilot:
        debug_screen(app).action_statement("goto 4")
        text = await press(pilot, "K")
        assert "▶ chain_rule.py:11  Net.forward" in text
        assert "2 frames of torch" in text
        assert "▶11" in text
        assert "▶12" in await press(pilot, "down", "down", "enter")
        assert "▶13" in await press(pilot, "down", "down", "enter")
        assert "▶11" in await press(pilot, "up", "up", "up", "enter")
        await press(pilot, "down", "enter")
        assert "▶12" in await press(pilot, "right")
        assert "▶11" in await press(pilot, "left")


def test_the_stack(chain_tape: Path, snap_compare: Any) -> None:
    """How it looks at 80 x 24, with a call selected and its line in the source."""
    add_calls(chain_tape, 4, CALLS)
    app = opening(chain_tape)

    async def look(pilot: Pilot[int]) -> None:
        await painted(app)
        debug_screen(app).action_statement("goto 4")
        await press(pilot, "K", "down", "down", "enter")
        await wait_until(lambda: "▶12" in text_of(app))
        assert "train" in text_of(app)

    assert snap_compare(app, terminal_size=(80, 24), run_before=look)
