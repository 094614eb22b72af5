"""Draw docs/screenshot.svg and docs/training.svg. Run it as `python -m tests.tui.make_screenshot`.

The first scenario at PowBackward0, and a training of which zero_grad was switched off, beside a second one. The tapes
are recorded by gradb from the scenarios as they are shipped, and the pictures are the app's own export.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gradb.debugger.debugger import Debugger
from gradb.tui.app import GradbApp
from tests.tui.support import shown

_ROOT = Path(__file__).parents[2]
_SIZE = (120, 36)
_CELL = 12.2  # width of a character in the picture
_INDENTED = re.compile(r' x="([0-9.]+)" y="([0-9.]+)" textLength="([0-9.]+)" ([^>]*)>((?:&#160;)+)(?=[^<])')


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the app."""

    name: str
    """Of its file in docs."""
    script: str
    recordings: tuple[tuple[str, ...], ...]
    """Options with which the script is recorded: what is looked at, and what may be opened beside it as b.tape."""
    commands: str
    """What is typed."""


PICTURES = (
    Picture("screenshot.svg", "scenarios/chain_rule.py", ((),), "goto 10"),
    Picture(
        "training.svg",
        "scenarios/zero_grad.py",
        (
            ("--record", "full@4850-4851", "--seed", "1", "--zero-grad", "off@4850"),
            ("--record", "watch", "--seed", "1"),
        ),
        "ghost b.tape; plot-zoom 500; log-scale; iteration @4851",
    ),
)


async def draw(picture: Picture, folder: Path) -> str:
    """Return the picture of the app where the commands lead."""
    app = GradbApp(lambda: Debugger.open(str(folder / "a.tape")), script=picture.script)
    app.title = f"gradb {picture.script}"
    async with shown(app, *_SIZE) as pilot:
        app.screen_stack[0].action_statement(picture.commands.replace("b.tape", str(folder / "b.tape")))  # type: ignore[attr-defined]
        await pilot.pause()
        await pilot.pause()
        return _without_leading_blanks(app.export_screenshot())


def _without_leading_blanks(svg: str) -> str:
    """Move each text to where its first character is: some viewers drop blanks at the beginning."""
    return _INDENTED.sub(_moved, svg)


def _moved(match: re.Match[str]) -> str:
    x, y, length, rest, blanks = match.groups()
    shift = blanks.count(";") * _CELL
    return f' x="{float(x) + shift:.1f}" y="{y}" textLength="{float(length) - shift:.1f}" {rest}>'


def main() -> None:
    """Record, draw and write the pictures."""
    for picture in PICTURES:
        with tempfile.TemporaryDirectory() as folder:
            for name, options in zip(("a.tape", "b.tape"), picture.recordings, strict=False):
                command = [sys.executable, "-m", "gradb", "record", *options, "-o", f"{folder}/{name}", picture.script]
                subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.DEVNULL)
            (_ROOT / "docs" / picture.name).write_text(asyncio.run(draw(picture, Path(folder))), encoding="utf-8")


if __name__ == "__main__":
    main()
