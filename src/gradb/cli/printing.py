"""How something is printed: the options of the subcommands that print, and what they mean."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace

from gradb.batch.show import Style
from gradb.cli.arguments import Parser
from gradb.debugger.errors import UserError
from gradb.debugger.numerals import read_whole


def add_print_options(parser: Parser) -> None:
    """Add the options that say how something is printed."""
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--width", metavar="N", help="columns (default: the terminal's, or 100)")


def read_style(options: Namespace) -> Style:
    """Return what the options say.

    Raises:
        UserError: the width is none.
    """
    return Style(width=read_width(options.width), is_json=options.json)


def read_width(text: str | None) -> int:
    """Return the number of columns to print, from 20 to 1000.

    Raises:
        UserError: the text is not such a number.
    """
    if text is None:
        return max(20, shutil.get_terminal_size().columns) if sys.stdout.isatty() else 100
    if (width := read_whole(text, 20, 1000)) is None:
        raise UserError(f"--width takes a number from 20 to 1000, not {text!r}")
    return width
