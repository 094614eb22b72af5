"""``gradb why``: where a NaN or an infinity was born, and the road from there. Given a script, it is recorded first."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from gradb.batch.record import record
from gradb.batch.why import why_text
from gradb.cli.arguments import Parser, add_run_options
from gradb.cli.complaint import complain, complain_of
from gradb.cli.printing import add_print_options, read_style
from gradb.cli.screen import open_tape
from gradb.cli.specs import make_spec, read_target
from gradb.cli.target import is_tape
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.folders import temporary
from gradb.debugger.why import ask, exit_code

_EPILOG = """\
Without --at and --iteration it is the first loss, gradient norm or parameter that is not finite, else the last value
that a computation made so. The exit code is 0 where it is known where it began, 1 where everything is finite, 2 where
that cannot be told: nothing could be run, or what came before was not recorded."""


def _parser() -> Parser:
    parser = Parser(
        "why",
        "gradb why [OPTIONS] FILE\n"
        "       gradb why [OPTIONS] SCRIPT [ARGS ...]\n"
        "       gradb why [OPTIONS] -m MODULE [ARGS ...]",
        "Tell where a NaN or an infinity was born, why, and by which road it came to where it is seen.\n"
        "A script is recorded first, in full, and its output passes through.",
        _EPILOG,
    )
    parser.add_argument("--at", metavar="EVENT", help="the event whose value is asked for (default: see below)")
    parser.add_argument("--iteration", metavar="N", help="look for it in this iteration")
    add_print_options(parser)
    add_run_options(parser)
    return parser


def run(argv: Sequence[str]) -> int:
    """Carry out the subcommand and return the exit code."""
    parser = _parser()
    own, rest = parser.split(argv)
    if rest and rest[0] and _is_recording(rest[0]):
        own, rest = [*own, *rest[1:]], rest[:1]  # a tape takes no arguments: options may stand behind it
    options = parser.parse_args(own)
    style = read_style(options)
    at, iteration = _number("--at", options.at), _number("--iteration", options.iteration)
    if at is not None and iteration is not None:
        parser.error("give --at or --iteration, not both")
    is_recording = bool(rest) and _is_recording(rest[0])
    debugger = open_tape(rest[0]) if is_recording else _recorded(parser, options, rest)
    try:
        if debugger.tape is None:
            raise UserError(debugger.failure or "nothing was recorded")
        found = ask(debugger.tape, at, iteration)
        sys.stdout.write(why_text(found, style))
    finally:
        debugger.close()
    if is_recording:
        complain_of(debugger.run)
    return exit_code(found)


def _is_recording(name: str) -> bool:
    """Tell whether a file is to be read as a tape: it is one, or it is named like one."""
    return is_tape(name) or Path(name).suffix == ".tape"


def _number(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16 and int(text)):
        raise UserError(f"{option} takes a whole number from 1, not {text!r}")
    return int(text)


def _recorded(parser: Parser, options: Namespace, rest: Sequence[str]) -> Debugger:
    """Record a script to a tape that is gone once it is open, its output passed through, and open it."""
    target = read_target(parser, options, rest)
    with temporary() as folder:
        tape = str(Path(folder) / "why.tape")
        spec = make_spec(target, options, rest, tape, is_paused_at_start=False, passes_output=True)
        record(spec, sys.stderr.write if sys.stderr.isatty() else None, complain)
        return open_tape(tape)
