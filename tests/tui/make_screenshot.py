"""Draw docs/screenshot.svg: the first scenario at PowBackward0. Run it as `python -m tests.tui.make_screenshot`.

The tape is recorded by gradb from the scenario as it is shipped, and the picture is the app's own export.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from gradb.debugger.debugger import Debugger
from gradb.tui.app import GradbApp
from tests.tui.support import shown

_ROOT = Path(__file__).parents[2]
_SCRIPT = "scenarios/chain_rule.py"
_TARGET = _ROOT / "docs" / "screenshot.svg"
_SIZE = (120, 36)
_COMMANDS = "until kind backward_start; until node PowBackward0"
_CELL = 12.2  # width of a character in the picture
_INDENTED = re.compile(r' x="([0-9.]+)" y="([0-9.]+)" textLength="([0-9.]+)" ([^>]*)>((?:&#160;)+)(?=[^<])')


async def draw(tape: Path) -> str:
    """Return the picture of the app at the node."""
    app = GradbApp(lambda: Debugger.open(str(tape)), script=_SCRIPT)
    app.title = "gradb scenarios/chain_rule.py"
    async with shown(app, *_SIZE) as pilot:
        app.screen_stack[0].action_statement(_COMMANDS)  # type: ignore[attr-defined]
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
    """Record, draw and write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        tape = Path(folder) / "chain_rule.tape"
        command = [sys.executable, "-m", "gradb", "record", "-o", str(tape), _SCRIPT]
        subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.DEVNULL)
        _TARGET.write_text(asyncio.run(draw(tape)), encoding="utf-8")


if __name__ == "__main__":
    main()
