"""``gradb check``: judge a training by the diagnosis rules, and print what is wrong with it as linters do."""

from __future__ import annotations

import contextlib
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from gradb.batch.check import Format, check
from gradb.batch.record import record
from gradb.cli.arguments import Parser, add_run_options
from gradb.cli.complaint import complain
from gradb.cli.specs import make_spec, read_target
from gradb.cli.starting import open_tape
from gradb.cli.tapes import output
from gradb.cli.target import is_recording
from gradb.debugger.ending import flaw
from gradb.debugger.errors import UserError
from gradb.debugger.folders import temporary
from gradb.debugger.numerals import read_whole
from gradb.diagnosis.selection import Selection, UnknownRuleError, read_codes
from gradb.frame.reader import Tape
from gradb.link.spec import Intervention

STEPS = 20
_EPILOG = """\
20 iterations are recorded in full, and then the run is ended: it is killed, so no `finally` and no exit function
of the script is run, and a file that it was just writing stays as it is. `--steps N` judges N iterations,
`--steps all` lets the script run to its end and only watches what comes after 20. What the script prints goes to
stderr (--quiet: nowhere), the findings go to stdout. `# gradb: ignore[G004]` at a line lets a finding there be,
`# gradb: ignore` all of them.

The exit code is 0 where nothing was found, 1 where something was, 2 where that cannot be told: the script could
not be run, failed with an error that no rule explains, or was only watched. A hint makes it 1 only where its rule
is selected."""


def _parser() -> Parser:
    parser = Parser(
        "check",
        "gradb check [OPTIONS] SCRIPT [ARGS ...]\n       gradb check [OPTIONS] -m MODULE [ARGS ...]\n"
        "       gradb check [OPTIONS] FILE",
        "Judge a training, or a recording of one, by the diagnosis rules (`gradb rule` lists them).",
        _EPILOG,
    )
    add = parser.add_argument
    add(
        "--select",
        metavar="CODES",
        action="append",
        default=[],
        help="judge these rules alone: G004, or G1 for all G1..",
    )
    add("--ignore", metavar="CODES", action="append", default=[], help="judge all but these")
    add(
        "--hints", action="store_true", help="judge hints too: what may be meant so, beyond a threshold that is printed"
    )
    add("--steps", metavar="N|all", help=f"iterations to judge, or all (default: {STEPS})")
    add("-o", dest="output", metavar="FILE", help="keep the tape: `gradb open FILE` shows where it happened")
    add("--quiet", action="store_true", help="let nothing of what the script prints through")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="form", action="store_const", const="json", default="text", help="as JSON")
    form.add_argument(
        "--github", dest="form", action="store_const", const="github", help="as annotations of a GitHub workflow"
    )
    add_run_options(parser)
    parser.set_defaults(depths=None)
    return parser


def run(argv: Sequence[str]) -> int:
    """Carry out the subcommand and return the exit code."""
    parser = _parser()
    own, rest, is_tape = parser.split_at_tape(argv, is_recording)
    options = parser.parse_args(own)
    selection = _selection(options)
    if is_tape:
        parser.refuse_run_options(options)
        return _check_tape(rest[0], options, selection)
    steps = _steps(options.steps)
    if options.depths is None:
        options.depths = () if steps is not None else (Intervention("record", "watch", STEPS + 1),)
    target = read_target(parser, options, rest)
    with _place(options.output) as path:
        spec = make_spec(target, options, rest, path, is_paused_at_start=False, passes_output=not options.quiet)
        spec = replace(spec, ends_after=steps, prints_to_stderr=True)
        record(spec, _write if sys.stderr.isatty() else None, complain, explains=False)
        with Tape.open(path, is_over=True) as tape:
            return _tell(tape, selection, options.form)


def _check_tape(path: str, options: Namespace, selection: Selection) -> int:
    if options.steps is not None or options.output is not None:
        raise UserError("--steps and -o go with a script, and this is a recording")
    debugger = open_tape(path)
    try:
        for sentence in [*debugger.run.closing, *filter(None, [flaw(path)])]:
            complain(sentence)
        if debugger.tape is None:
            raise UserError(debugger.failure or f"nothing is recorded in {path}")
        return _tell(debugger.tape, selection, options.form)
    finally:
        debugger.close()


def _tell(tape: Tape, selection: Selection, form: Format) -> int:
    checked = check(tape, selection)
    for sentence in checked.complaints():
        complain(sentence)
    sys.stdout.write(checked.text(form))
    return checked.exit_code


def _selection(options: Namespace) -> Selection:
    selected, ignored = read_codes(options.select), read_codes(options.ignore)
    for option, texts, codes in (("--select", options.select, selected), ("--ignore", options.ignore, ignored)):
        if texts and not codes:
            raise UserError(f"{option} names no rule (`gradb rule` lists them)")
    try:
        return Selection(selected, ignored, options.hints)
    except UnknownRuleError as error:
        raise UserError(f"{error} (`gradb rule` lists them)") from error


def _steps(text: str | None) -> int | None:
    """Return how many iterations are run; None: all."""
    if text == "all":
        return None
    if text is None:
        return STEPS
    if (steps := read_whole(text, 1)) is None:
        raise UserError(f"--steps takes a whole number from 1, or all, not {text!r}")
    return steps


@contextlib.contextmanager
def _place(name: str | None) -> Iterator[str]:
    """Give the path of the tape: where it is to be kept, or in a folder that is gone afterwards."""
    if name is not None:
        with output(name) as path:
            yield path
    else:
        with temporary("gradb-check-") as folder:
            yield str(Path(folder) / "check.tape")


def _write(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal is gone: the script goes on as it would
        sys.stderr.write(text)
        sys.stderr.flush()
