"""``--plain``: a run, live or recorded, told as text. Without a terminal it is what there is in place of the screen."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from gradb.cli.complaint import complain, complain_of

if TYPE_CHECKING:
    from gradb.cli.arguments import Parser
    from gradb.debugger.debugger import Debugger


def add_plain_option(parser: Parser) -> None:
    """Add the option."""
    parser.add_argument(
        "--plain",
        action="store_true",
        help="tell the run as lines of text, without a screen (by itself where there is no terminal)",
    )


def has_terminal() -> bool:
    """Tell whether there is something to draw a screen on."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def tell(debugger: Debugger, width: str | None = None) -> int:
    """Tell a run, let go of it, and return the script's exit code; of a recording 0.

    Raises:
        UserError: the script could not begin, or the tape is damaged.
    """
    from gradb.batch.plain import Walk
    from gradb.batch.record import explained
    from gradb.batch.show import Style
    from gradb.cli.printing import read_width

    is_live = debugger.is_live
    try:
        with debugger.run.relaying():
            Walk(debugger, Style(width=read_width(width)), _write).run()
    finally:
        debugger.close()
    complain_of(debugger.run)
    run = debugger.run
    if text := explained(run.path):
        complain(text)
    return (1 if run.return_code is None else run.return_code) if is_live else 0


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
