"""The walk through chain_rule.py on the screen: forth, back, and the same screens both ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.tui.support import opening, painted, position_of, shown, state_of, text_of, wait_until

SIZES = [(80, 24), (120, 40), (200, 60)]
WALK: list[tuple[int, list[str]]] = [
    (1, ["leaf a requires grad", "a.grad"]),
    (2, ["MulBackward0", "[2 4 6 8]", "∂b/∂a"]),
    (3, ["AddBackward0", "c = b + 5"]),
    (4, ["PowBackward0", "d = c ** 2"]),
    (5, ["SumBackward0", "out = d.sum()"]),
    (8, ["SumBackward0 has run", "∂out/∂d", "[1 1 1 1]"]),
    (10, ["PowBackward0 has run", "∂d/∂c", "2·c", "[14 18 22 26]"]),
    (12, ["AddBackward0 has run", "∂c/∂b", "[14 18 22 26]"]),
    (14, ["MulBackward0 has run", "∂b/∂a", "[28 36 44 52]"]),
    (16, ["gradient added to a.grad", "None", "[28 36 44 52]"]),
    (19, ["finished"]),
]


@dataclass(slots=True)
class Screens:
    """What the screen showed at the positions of a walk, in its order."""

    forth: list[tuple[int, str, list[tuple[str, str]]]] = field(default_factory=list)
    """Position, text, and every cell."""
    back: list[tuple[int, str, list[tuple[str, str]]]] = field(default_factory=list)


_walked: dict[tuple[int, int], Screens] = {}


async def walk(tape: Path, width: int, height: int) -> Screens:
    """Walk forth and back on a screen of a size, once for all tests of it."""
    if (width, height) not in _walked:
        app, screens = opening(tape), Screens()
        async with shown(app, width, height) as pilot:
            for key, seen, steps in (("space", screens.forth, len(WALK)), ("backspace", screens.back, len(WALK) - 1)):
                for _ in range(steps):
                    before = position_of(app)
                    await pilot.press(key)
                    await wait_until(lambda before=before: position_of(app) != before)  # type: ignore[misc]
                    await pilot.pause()
                    seen.append((position_of(app), text_of(app), state_of(app)))
        _walked[width, height] = screens
    return _walked[width, height]


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_space_walks_the_chain_rule(chain_tape: Path, width: int, height: int) -> None:
    """Each press of space shows the next op, node or accumulation with its numbers."""
    screens = (await walk(chain_tape, width, height)).forth
    for (position, expected), (found, text, _) in zip(WALK, screens, strict=True):
        assert found == position
        for words in expected:
            assert words in text, f"{words!r} at {position}:\n{text}"


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_backspace_shows_the_same_screens_again(chain_tape: Path, width: int, height: int) -> None:
    """On the way back every position looks as it did on the way forth, colours included."""
    screens = await walk(chain_tape, width, height)
    for (position, text, state), found in zip(reversed(screens.forth[:-1]), screens.back, strict=True):
        assert found[0] == position
        assert found[1] == text
        assert found[2] == state


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_product_at_a_node(chain_tape: Path, snap_compare: Any, width: int, height: int) -> None:
    """The screen at PowBackward0: upstream, local, downstream, and the check."""
    app = opening(chain_tape)

    async def walk(pilot: Any) -> None:
        await painted(app)
        for _ in range(7):
            await pilot.press("space")
        await pilot.pause()
        text = text_of(app)
        assert "PowBackward0" in text
        assert "agrees with the engine" in text

    assert snap_compare(app, terminal_size=(width, height), run_before=walk)


@pytest.mark.parametrize("theme", ["light", "contrast"])
def test_other_themes(chain_tape: Path, snap_compare: Any, theme: str) -> None:
    """The same screen in another theme has the same words: symbols carry the state."""
    app = opening(chain_tape)

    async def walk(pilot: Any) -> None:
        await painted(app)
        app.theme = theme
        for _ in range(7):
            await pilot.press("space")
        await pilot.pause()
        assert "● SumBackward0" in text_of(app)
        assert "○ AddBackward0" in text_of(app)

    assert snap_compare(app, terminal_size=(120, 40), run_before=walk)
