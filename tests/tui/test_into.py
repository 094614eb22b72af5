"""Going into an op and out again with the keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import examples
from tests.tui.support import opening, position_of, shown, text_of, wait_until


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
async def test_greater_than_goes_in_and_less_than_out(tmp_path: Path, width: int, height: int) -> None:
    """``>`` shows the call of the next op, ``<`` goes to the op's end; key 9 brings its calls to the screen."""
    path = tmp_path / "run.tape"
    examples.looked_into(path)
    app = opening(path)
    async with shown(app, width, height) as pilot:
        await pilot.press("space", "greater_than_sign")
        await wait_until(lambda: position_of(app) == 2)
        await pilot.press("9")
        await wait_until(lambda: "▶ #1  aten.mul.default(a)" in text_of(app))
        await pilot.press("less_than_sign")
        await wait_until(lambda: position_of(app) == 3 and "MulBackward0 made 1 ATen call" in text_of(app))
        await pilot.press("less_than_sign")
        await wait_until(lambda: "not inside an op or a node" in text_of(app))
