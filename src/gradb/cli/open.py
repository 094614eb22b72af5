"""``gradb open``: look at a recording on the screen, or have it told as text. torch need not be installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradb.cli.arguments import Parser
from gradb.cli.plain import add_plain_option, has_terminal, tell
from gradb.cli.screen import add_screen_options, show_screen
from gradb.cli.target import check_recording
from gradb.log.segments import folder_of
from gradb.tape import admission

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger


def run(argv: Sequence[str]) -> int:
    """Carry out the subcommand and return the exit code."""
    parser = Parser("open", "gradb open [OPTIONS] FILE", "Look at a recording on the screen; this needs no torch.")
    parser.add_argument("file", metavar="FILE", help="the tape")
    add_plain_option(parser)
    add_screen_options(parser)
    options = parser.parse_args(argv)
    if options.plain or not has_terminal():
        from gradb.cli.starting import open_tape

        return tell(open_tape(options.file))
    return show_tape(options.file, options.theme)


def show_tape(path: str, theme: str | None) -> int:
    """Show a recording on the screen, and return the exit code. What is no tape is told before there is a screen.

    Raises:
        TapeError: it is not a tape that can be read.
        UserError: there is no such file.
    """
    check_recording(path)
    if Path(folder_of(path)).exists():
        from gradb.cli.starting import open_tape

        open_tape(path).close()  # the rest of it is written, of which a line on the terminal tells
    admission.connect(path).close()
    return show_screen(lambda: _opened(path), path, theme)


def _opened(path: str) -> Debugger:
    from gradb.cli.starting import open_on_screen  # behind the first paint

    return open_on_screen(path)
