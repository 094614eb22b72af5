"""``gradb open``: look at a recording on the screen, or have it told as text. torch need not be installed."""

from __future__ import annotations

from collections.abc import Sequence

from gradb.cli.arguments import Parser
from gradb.cli.plain import add_plain_option, has_terminal, tell
from gradb.cli.recent import remember_tape
from gradb.cli.screen import add_screen_options, open_tape, show_screen


def run(argv: Sequence[str]) -> int:
    """Carry out the subcommand and return the exit code."""
    parser = Parser("open", "gradb open [OPTIONS] FILE", "Look at a recording on the screen; this needs no torch.")
    parser.add_argument("file", metavar="FILE", help="the tape")
    add_plain_option(parser)
    add_screen_options(parser)
    options = parser.parse_args(argv)
    debugger = open_tape(options.file)
    if options.plain or not has_terminal():
        return tell(debugger)
    remember_tape(options.file)
    return show_screen(lambda: debugger, options.file, options.theme)
