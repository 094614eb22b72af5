"""What is painted before the screen of the run is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.segment import Segment

from gradb.debugger.debugger import Debugger
from gradb.tui.app import GradbApp
from gradb.tui.looks import Looks
from tests.tui.support import look_at, there, wait_until


def _is_seen(segment: Segment) -> bool:
    style = segment.style
    return style is not None and (style.color != style.bgcolor or style.color is None)


@pytest.mark.parametrize("theme", ["dark", "light", "contrast"])
async def test_it_can_be_read(chain_tape: Path, theme: str) -> None:
    """Which script it is and that it starts stand there, in another colour than the ground."""
    app = GradbApp(lambda: Debugger.open(str(chain_tape)), script="chain_rule.py", looks=Looks(theme=theme))
    painted: list[Segment] = []
    app.call_after_refresh(lambda: painted.extend(segment for strip in look_at(app) for segment in strip))
    async with app.run_test(size=(80, 24)):
        assert app.screen.styles.has_rule("color")  # or it is painted as the ground: the app is styled behind it
        await wait_until(lambda: painted)
        text = "".join(segment.text for segment in painted if _is_seen(segment))
        assert " gradb " in text
        assert text.count("chain_rule.py") == 2
        assert "▶ starting" in text
        assert "starting…" in text
        screen = await there(app)
        await wait_until(lambda: screen.frame is not None)
