"""``gradb compare``: the losses of two recordings beside each other, as text, as JSON or on the screen."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from gradb.batch.lines import line
from gradb.batch.show import Style
from gradb.cli.arguments import Parser
from gradb.cli.printing import add_print_options, read_style
from gradb.cli.screen import add_screen_options, check_terminal, show_screen
from gradb.cli.starting import open_tape
from gradb.cli.target import check_recording
from gradb.debugger.branches.kinship import kinship
from gradb.debugger.ending import lacking
from gradb.debugger.ghost import Ghost
from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.compare import compare, compare_json


def _parser() -> Parser:
    parser = Parser(
        "compare",
        "gradb compare [--json] [--width N] A.tape B.tape\n       gradb compare --screen [--theme THEME] A.tape B.tape",
        "Compare the losses of two recordings, number by number, and print both in one plot. On the screen the\n"
        "losses of the second are drawn beside those of the first.",
    )
    parser.add_argument("files", metavar="FILE", nargs=2, help="the tapes")
    add_print_options(parser)
    parser.add_argument(
        "--screen", action="store_true", help="look at the first on the screen, with the second as ghost"
    )
    add_screen_options(parser)
    return parser


def run(argv: Sequence[str]) -> int:
    """Carry out the subcommand and return the exit code."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.screen and options.json:
        parser.error("give --screen or --json, not both")
    one, other = options.files
    for file in (one, other):
        check_recording(file)
    if options.screen:
        return _show(one, other, options.theme)
    style = read_style(options)
    with Tape.open(one, is_over=True) as left, Tape.open(other, is_over=True) as right:
        sys.stdout.write(compare_text(left, right, names(one, other), style))
    return 0


def compare_text(left: Tape, right: Tape, labels: tuple[str, str], style: Style) -> str:
    """Return the comparison of two whole runs as text that ends with a line end.

    Raises:
        TapeError: one of the tapes is damaged.
    """
    runs = [tape.frame(tape.head).training for tape in (left, right)]
    lacks = (lacking(left.run), lacking(right.run))
    related = kinship(left, right, labels)
    if style.is_json:
        origins = [{"label": one.branch, "of": one.of, **asdict(one.origin)} for one in related]
        return line(compare_json(runs[0], runs[1], labels, lacks) | {"branches": origins}) + "\n"
    sentences = [one.sentence for one in related]
    drawn = compare(runs[0], runs[1], labels, Options(width=style.width), lacks, sentences)
    return to_text(drawn, style.width, is_coloured=style.is_coloured)


def names(left: str, right: str) -> tuple[str, str]:
    """Return the shortest names that tell two files apart."""
    one, other = Path(left), Path(right)
    return (one.name, other.name) if one.name != other.name else (left, right)


def _show(left: str, right: str, theme: str | None) -> int:
    check_terminal()
    debugger, ghost = open_tape(left), Ghost.open(right)
    debugger.go(debugger.head)
    return show_screen(lambda: debugger, left, theme, ghost)
