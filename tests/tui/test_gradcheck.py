"""A numerical check on the screen: what it says while it runs, and what lies over the screen when it is over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from gradb.algebra.differences import Result, Sample, Samples, judge
from tests.tui.support import debug_screen, opening, painted, shown, text_of, wait_until


def finding() -> Result:
    """Return what a check of x² finds at 3, beside an engine that says 3."""
    wide, narrow = (Samples(h, *(Sample(3 + s, (3 + s) ** 2) for s in (-h, h))) for h in (0.0625, 0.03125))
    centre = Sample(3.0, 9.0)
    verdict = judge(centre, wide, narrow, 3.0, 2.0**-23)
    where = "backward 1 (wrong.py:13, iteration 1)"
    return Result("a[2]", "loss", 1, where, ("float32", "float32"), centre, (wide, narrow), verdict, 6)


def test_the_finding(chain_tape: Path, snap_compare: Any) -> None:
    """How it looks at 80 x 24: the sentence, and every figure it was made from."""
    app = opening(chain_tape)

    async def find(pilot: Pilot[int]) -> None:
        await painted(app)
        debug_screen(app).show_finding(finding())
        await wait_until(lambda: "Esc closes" in text_of(app))
        text = text_of(app)
        assert "a[2]: differs by 3: 6 ± 0.0002 by finite differences, 3 by the engine" in text
        assert "f is loss, x is a[2] = 3" in text
        assert "central" in text
        await wait_until(lambda: app.focused is not None and app.focused.id == "finding")
        await pilot.pause()

    assert snap_compare(app, terminal_size=(80, 24), run_before=find)


async def test_a_finding_does_not_cover_what_is_being_typed(chain_tape: Path) -> None:
    """With the prompt open only the sentence appears."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await pilot.press("colon")
        debug_screen(app).show_finding(finding())
        await wait_until(lambda: "differs by 3" in text_of(app))
        assert len(app.screen_stack) == 1


async def test_what_cannot_be_checked_is_said(chain_tape: Path) -> None:
    """A recording cannot be run again, and there may be no check to give up."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        debug_screen(app).action_statement("gradcheck a[2]")
        await wait_until(lambda: "gradb gradcheck SCRIPT" in text_of(app))
        debug_screen(app).action_statement("gradcheck off")
        await wait_until(lambda: "there is no check under way" in text_of(app))
        await pilot.pause()
