"""A renderable as text, for pipes, files and tests: the same picture the screen draws, without a screen."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

from gradb.present.draw.fields import held


def to_text(renderable: RenderableType, width: int = 80, *, is_coloured: bool = False) -> str:
    """Return what ``renderable`` draws at ``width`` columns, without trailing blanks, ending in a line end."""
    console = Console(
        file=io.StringIO(),
        width=width,
        color_system="standard" if is_coloured else None,
        force_terminal=is_coloured,
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=False,
        _environ={},
    )
    with console.capture() as capture:
        console.print(held(renderable, width))
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n")) + "\n"
