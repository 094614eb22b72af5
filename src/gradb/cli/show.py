"""``gradb show``: one pane at one position, as text or JSON. Given a script, it is recorded first."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from gradb.batch.show import debugger_text
from gradb.cli.arguments import Parser, add_run_options
from gradb.cli.complaint import complain, complain_of
from gradb.cli.printing import add_print_options, read_style
from gradb.cli.specs import make_spec, read_target
from gradb.cli.starting import open_tape
from gradb.cli.target import is_recording, is_tape
from gradb.debugger.commands import paths as looking
from gradb.debugger.debugger import Debugger
from gradb.debugger.ending import flaw
from gradb.debugger.errors import UserError
from gradb.debugger.folders import temporary
from gradb.debugger.places import read_place
from gradb.frame.called import Place
from gradb.present.panes.table import PANES


def _parser() -> Parser:
    parser = Parser(
        "show",
        "gradb show [--at N] --pane PANE [--json] [OPTIONS] FILE\n"
        "       gradb show [--at N] --pane PANE [--json] [OPTIONS] SCRIPT [ARGS ...]",
        "Print what a pane shows at a position. A script is recorded first, its output suppressed.",
    )
    parser.add_argument("--at", metavar="N", help="position, from 0, or ITERATION:N (default: the last event)")
    parser.add_argument("--pane", metavar="PANE", choices=PANES, required=True, help=", ".join(PANES))
    parser.add_argument("--leaf", metavar="NAME", help="whose paths the pane `paths` shows (default: the first leaf's)")
    parser.add_argument("--path", metavar="N", help="the path that the pane `paths` shows in full (default: all)")
    add_print_options(parser)
    add_run_options(parser)
    return parser


def run(argv: Sequence[str]) -> int:
    """Carry out the subcommand and return the exit code."""
    parser = _parser()
    own, rest, _ = parser.split_at_tape(argv, is_tape)
    options = parser.parse_args(own)
    has_tape = bool(rest) and is_recording(rest[0])
    if has_tape:
        parser.refuse_run_options(options)
    if options.pane != "paths" and (options.leaf is not None or options.path is not None):
        raise UserError("--leaf and --path go with --pane paths")
    style = read_style(options)
    place = None if options.at is None else _place(options.at)
    debugger = open_tape(rest[0]) if has_tape else _recorded(parser, options, rest)
    try:
        debugger.go(debugger.head if place is None else place)
        if options.pane == "paths":
            looking.path(debugger, f"{_path(options.path)} {options.leaf or ''}")
        sys.stdout.write(debugger_text(options.pane, debugger, style))
    finally:
        debugger.close()
    complain_of(debugger.run)
    if has_tape and (told := flaw(rest[0])):
        complain(told)
    return 0


def _path(text: str | None) -> str:
    """Return the path to be shown in full, or that all are listed."""
    if text is not None and not (text.isascii() and text.isdigit()):  # there may be more paths than any other thing
        raise UserError(f"--path takes the number of a path, from 1, not {text!r}")
    return "all" if text is None else text


def _place(text: str) -> Place:
    place = read_place(text.removeprefix("-"))
    if place is None or (place.iteration and text.startswith("-")):
        raise UserError(f"--at takes the number of an event, not {text!r}")
    return Place(-place.event) if text.startswith("-") else place


def _recorded(parser: Parser, options: Namespace, rest: Sequence[str]) -> Debugger:
    """Record a script to a tape that is gone once it is open, and open it."""
    target = read_target(parser, options, rest)
    with temporary() as folder:
        spec = make_spec(target, options, rest, str(Path(folder) / "show.tape"), is_paused_at_start=False)
        debugger = Debugger.launch(spec)
        try:
            debugger.wait()
            if debugger.failure:
                raise UserError(debugger.failure)
        except BaseException:
            debugger.close()
            raise
        return debugger
