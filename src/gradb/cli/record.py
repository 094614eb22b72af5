"""``gradb record``: run a script to its end without a screen, and keep the tape."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

from gradb.batch.record import record
from gradb.cli.arguments import Parser, add_checkpoint_option, add_run_options
from gradb.cli.complaint import complain
from gradb.cli.specs import make_spec, read_target
from gradb.cli.tapes import output


def _parser() -> Parser:
    parser = Parser(
        "record",
        "gradb record -o FILE [OPTIONS] SCRIPT [ARGS ...]\n       gradb record -o FILE [OPTIONS] -m MODULE [ARGS ...]",
        "Run a script to its end without a screen and keep the recording. The script's own output passes\n"
        "through, and its exit code is the exit code.",
    )
    parser.add_argument("-o", dest="output", metavar="FILE", help="where the tape goes")
    parser.add_argument(
        "--no-explain", dest="explains", action="store_false", help="do not explain the error that ends the script"
    )
    add_run_options(parser)
    add_checkpoint_option(parser)
    return parser


def run(argv: Sequence[str]) -> int:
    """Carry out the subcommand and return the exit code."""
    parser = _parser()
    own, rest = parser.split(argv)
    options = parser.parse_args(own)
    if options.output is None:
        parser.error("say where the tape goes: -o FILE")
    target = read_target(parser, options, rest)
    with output(options.output) as tape:
        spec = make_spec(target, options, rest, tape, is_paused_at_start=False, passes_output=True)
        return record(spec, _write if sys.stderr.isatty() else None, complain, explains=options.explains)


def _write(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal is gone: the script goes on as it would
        sys.stderr.write(text)
        sys.stderr.flush()
