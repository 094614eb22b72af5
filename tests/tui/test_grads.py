"""The .grad pane on the screen: sorted, filtered, folded, and fast where there are many leaves."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from gradb.debugger.debugger import Debugger
from gradb.frame.displayed import Found
from gradb.present.options import Values
from gradb.tape.expressions.operands import Unkept
from gradb.tape.values import Stats
from gradb.tui.screen import DebugScreen
from tests.fakes import TapeBuilder, diagonal
from tests.tui.support import debug_screen, opening, shown, text_of, there, wait_until

_MANY = 120


@pytest.fixture
def model_tape(tmp_path: Path) -> Path:
    """Return the tape of a model of many leaves, one of them frozen and one without a gradient, after its backward."""
    path = tmp_path / "model.tape"
    with TapeBuilder(path, "model.py", "h = layer(h)\n") as tape:
        h = tape.constant("x", [1.0, 1.0])
        for number in range(_MANY):
            w = tape.leaf(f"layers.{number}.weight", [1.0, 0.5 + number / 100], line=1)
            slopes = [diagonal([0.9, 0.9]) if number else None, diagonal([1.0, 1.0])]
            h = tape.op("Tensor.mul", "MulBackward0", [h, w], [1.0, 1.0], name="h", line=1, jacobians=slopes)
        tape.leaf("left_out", [1.0])
        h = tape.op("Tensor.mul", "MulBackward0", [h, 1.0], [1.0, 1.0], name="h", jacobians=[diagonal([1, 1]), None])
        tape.backward(h, gradient=[1.0, 1.0])
        tape.end()
    return path


def lines(app: Any) -> list[str]:
    """Return the rows of the pane as they are on the screen."""
    pane = debug_screen(app).panes["grads"]
    region = pane.scrollable_content_region
    return [line[region.x : region.right].rstrip() for line in text_of(app).split("\n")[region.y : region.bottom]]


async def run(app: Any, pilot: Pilot[int], *statements: str) -> None:
    """Run statements and wait until all is painted."""
    for text in statements:
        debug_screen(app).action_statement(text)
    await pilot.pause()


def title(app: Any) -> str:
    """Return the title of the pane."""
    return str(debug_screen(app).panes["grads"].border_title)


async def test_the_head_stays_while_rows_are_scrolled(model_tape: Path) -> None:
    """Down to the last row, which is the leaf that was left out."""
    app = opening(model_tape)
    async with shown(app) as pilot:
        await run(app, pilot, "head", "grads")
        assert lines(app)[0].split()[:2] == ["buffer", "shape"]
        for _ in range(_MANY // 5):
            await pilot.press("pagedown")
        await wait_until(lambda: any("left_out.grad" in line for line in lines(app)))
        assert lines(app)[0].split()[:2] == ["buffer", "shape"]


async def test_the_key_sorts_and_the_title_says_so(model_tape: Path) -> None:
    """Turned round, the largest is no longer the first."""
    app = opening(model_tape)
    async with shown(app) as pilot:
        await run(app, pilot, "head")
        await pilot.press("t")
        await wait_until(lambda: "by norm, largest first" in title(app))
        assert lines(app)[1].split()[0] == f"layers.{_MANY - 1}.weight.grad"
        await run(app, pilot, "sort norm")
        assert "smallest first" in title(app)
        assert lines(app)[1].split()[0] == "layers.0.weight.grad"


async def test_the_filter_finds_by_words(model_tape: Path) -> None:
    """What never had a gradient is found by that."""
    app = opening(model_tape)
    async with shown(app) as pilot:
        await run(app, pilot, "head", "filter never")
        assert f"'never': 1 of {_MANY + 1}" in title(app)
        assert [line.split()[0] for line in lines(app)[1:2]] == ["left_out.grad"]
        await run(app, pilot, "filter")
        assert "never" not in title(app)


async def test_enter_and_a_click_open_a_fold(model_tape: Path) -> None:
    """A fold has one line; a click opens it, enter closes all."""
    app = opening(model_tape)
    async with shown(app) as pilot:
        await run(app, pilot, "head")
        screen = debug_screen(app)
        frame, pane = screen.frame, screen.panes["grads"]
        assert frame is not None
        pane.frame = _with_gone(frame)
        await pilot.pause()
        assert lines(app)[1] == "▸ 1 leaf is gone"
        await pilot.click(pane, offset=(6, 2))
        await wait_until(lambda: lines(app)[1] == "▾ 1 leaf is gone")
        await pilot.press("4", "enter")
        await wait_until(lambda: lines(app)[1] == "▸ 1 leaf is gone")


def _with_gone(frame: Any) -> Any:
    """Return a Frame of one leaf alone, as if it were gone, and one that is there."""
    there, gone = frame.grads[:2]
    return replace(frame, grads=(there, replace(gone, is_gone=True)))


@pytest.mark.parametrize("state", ["table", "sorted", "filtered"])
def test_the_grad_table(state: str, model_tape: Path, snap_compare: Any) -> None:
    """Norms of many leaves; the largest first; those of one name."""
    app = opening(model_tape)
    statements = {"table": (), "sorted": ("sort norm",), "filtered": ("filter layers.11",)}[state]

    async def look(pilot: Pilot[int]) -> None:
        screen = await there(app)
        await wait_until(lambda: screen.frame is not None)
        await run(app, pilot, "head", *statements)
        first = {"table": "layers.0.weight.grad", "sorted": f"layers.{_MANY - 1}.weight.grad"}
        assert lines(app)[1].split()[0] == first.get(state, "layers.11.weight.grad")

    assert snap_compare(app, terminal_size=(120, 40), run_before=look)


def test_the_heat_map(tmp_path: Path, snap_compare: Any) -> None:
    """`values` brings a large tensor to the front, and shift with the arrow keys moves over it."""
    path = tmp_path / "large.tape"
    with TapeBuilder(path, "large.py", "W = randn(24, 40)\n") as tape:
        tape.leaf("W", [math.sin(n / 7) * math.cos(n % 40 / 5) for n in range(960)], (24, 40), line=1)
        tape.end()
    app = opening(path)

    async def look(pilot: Pilot[int]) -> None:
        screen = await there(app)
        await wait_until(lambda: screen.frame is not None)
        await run(app, pilot, "head", "values W", "show values")
        await wait_until(lambda: "of 40" in text_of(app))
        await pilot.press("shift+right")
        await wait_until(lambda: "columns 1 to" in text_of(app))

    assert snap_compare(app, terminal_size=(120, 40), run_before=look)


async def test_a_part_that_is_not_recorded_is_asked_of_the_script(
    model_tape: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enter and the keys that lead out of what is known ask for it, as `print` does, once at each position."""
    asked: list[str] = []
    found = Found(Unkept((64, 40), "float32", "too large", Stats(-0.5, 0.5, 0.25, 0, 0, 0, (0.5,))))
    monkeypatch.setattr(Debugger, "looked", lambda debugger: Values("W", 0, found))
    monkeypatch.setattr(DebugScreen, "print", lambda screen, text: asked.append(text))
    app = opening(model_tape)
    async with shown(app, 120, 40) as pilot:
        await run(app, pilot, "show values", "step")
        await pilot.press("enter", "shift+down", "shift+right")
        await wait_until(lambda: asked)
        assert asked == ["!W[0:32, 0:32]"]
        await run(app, pilot, "step")
        await pilot.press(*["shift+right"] * 32)
        await wait_until(lambda: len(asked) == 3)
        assert asked[1:] == ["!W[0:32, 0:32]", "!W[0:32, 32:64]"]
