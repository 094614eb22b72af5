"""The displays on the screen: they come to the front when one is added, and go with the position."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tests.tui.support import debug_screen, enter, look_at, opening, shown, text_of, there, wait_until


async def entered(pilot: Pilot[int], text: str) -> None:
    """Type a statement at the prompt."""
    await enter(pilot, text)
    await pilot.pause()


def lines(app: Any) -> list[str]:
    """Return the lines of the pane, without frame and room."""
    pane = debug_screen(app).panes["displays"]
    assert pane.display
    look_at(app)
    return [text for y in range(pane.room.height) if (text := pane.render_line(y).text.rstrip())]


async def test_the_mark_moves_with_the_position(chain_tape: Path) -> None:
    """Two displays are added; at each step what has changed is marked, and back again."""
    app = opening(chain_tape)
    async with shown(app, 80, 24) as pilot:
        await entered(pilot, "until node SumBackward0")
        await entered(pilot, "display a.grad")
        assert "W displays" in text_of(app)
        await entered(pilot, "display out")
        first = lines(app)
        assert first[0] == "  1 a.grad = None"
        assert first[1].startswith("* 2 out = 420")
        await pilot.press("space")
        assert not {line[:1] for line in lines(app)} & {"*", "?"}
        await entered(pilot, "until accumulate")
        assert lines(app)[:2] == ["* 1 a.grad = [28 36 44 52]  [4] float32", "    before None"]
        await pilot.press("space", "backspace", "backspace")
        assert lines(app)[0] == "  1 a.grad = None"
        await entered(pilot, "until-back op")
        assert lines(app) == first


async def test_the_key_shows_them_and_the_chain_rule_again(chain_tape: Path) -> None:
    """W is a switch; while they are not seen nothing is evaluated, and they are right when they are seen again."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await pilot.press("W")
        assert "nothing is displayed" in " ".join(lines(app))
        await entered(pilot, "display a.grad")
        await pilot.press("W")
        assert not debug_screen(app).panes["displays"].display
        await entered(pilot, "until accumulate")
        await pilot.press("W")
        await wait_until(lambda: lines(app)[:1] == ["* 1 a.grad = [28 36 44 52]  [4] float32"])
        await entered(pilot, "undisplay all")
        assert "nothing is displayed" in " ".join(lines(app))


def test_the_displays(chain_tape: Path, snap_compare: Any) -> None:
    """At an accumulation: the gradient is new, the loss is as it was, and what is not known says why."""
    app = opening(chain_tape)

    async def look(pilot: Pilot[int]) -> None:
        screen = await there(app)
        await wait_until(lambda: screen.frame is not None)
        for text in (
            "until accumulate",
            "display a.grad",
            "display loss",
            "display norm(upstream)",
            "display grad_norm",
        ):
            debug_screen(app).action_statement(text)
        await pilot.pause()
        assert lines(app)[:3] == ["* 1 a.grad = [28 36 44 52]  [4] float32", "    before None", "  2 loss = 420"]
        assert "there is no grad_norm yet" in text_of(app)

    assert snap_compare(app, terminal_size=(120, 40), run_before=look)
