"""``gradb relive``: opens an iteration that was only watched, by a run again. A script is watched first."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace

from gradb.batch.record import ProgressLine
from gradb.batch.relive import relive_text
from gradb.cli.arguments import Parser, add_checkpoint_option, add_run_options, read_count
from gradb.cli.complaint import complain
from gradb.cli.consent import add_consent_option, let
from gradb.cli.printing import add_print_options, read_style
from gradb.cli.recent import remember_tape
from gradb.cli.specs import make_spec, read_target
from gradb.cli.starting import open_tape
from gradb.cli.tapes import new_recent_tape, output
from gradb.cli.target import is_recording
from gradb.debugger.errors import UserError
from gradb.debugger.rerun.reliving import Opened, known, onwards, relive
from gradb.debugger.rerun.watched import Watched, of_tape, watched

_EPILOG = """\
Of a script the whole run is watched first: losses and norms, at nearly no cost, and that tape is kept. Then it is run
again from its beginning, alike, recorded in full around the iteration, and killed right after it, so no `finally` and
no exit function is run. Only where every loss and norm on the way had the same bits the iteration is kept, as a tape of
its own beside the first: x.relived/3000.tape beside x.tape. With --checkpoints it goes on from the nearest checkpoint
instead, which can write no file; where it tries to, or does not do the same, the script is run from its beginning.

The exit code is 0 where the iteration can be seen in full, 1 where the script did not do the same again, 2 where
nothing could be run."""


def _parser() -> Parser:
    parser = Parser(
        "relive",
        "gradb relive --iteration N [--around N] [OPTIONS] FILE\n"
        "       gradb relive --iteration N [--around N] [OPTIONS] SCRIPT [ARGS ...]\n"
        "       gradb relive --iteration N [--around N] [OPTIONS] -m MODULE [ARGS ...]",
        "Open an iteration in full that was only watched, by running the script again up to there.\n"
        "The output of a script passes through the first time.",
        _EPILOG,
    )
    parser.add_argument("--iteration", metavar="N", help="the iteration that is to be seen")
    parser.add_argument("--around", metavar="N", help="so many before and after it in full too (default: 1)")
    parser.add_argument(
        "-o", dest="output", metavar="FILE", help="where the tape of a script goes (default: the recent)"
    )
    add_consent_option(parser)
    add_print_options(parser)
    add_run_options(parser)
    add_checkpoint_option(parser)
    return parser


def run(argv: Sequence[str]) -> int:
    """Carry out the subcommand and return the exit code."""
    parser = _parser()
    own, rest, is_tape = parser.split_at_tape(argv, is_recording)
    options = parser.parse_args(own)
    style = read_style(options)
    if options.iteration is None:
        parser.error("say which iteration: --iteration N")
    if options.depths:
        parser.error("the script is only watched at first, so there is nothing to say by --record")
    iteration, reach = read_count("--iteration", options.iteration), read_count("--around", options.around, 0)
    assert iteration is not None
    if is_tape:
        parser.refuse_run_options(options)
        if options.output is not None:
            parser.error("-o goes with a script: what is lived again goes beside its tape")
    tape, opened = (_of_recording if is_tape else _of_script)(parser, options, rest, iteration, reach)
    sys.stdout.write(relive_text(opened, tape, iteration, style))
    return 0 if opened.relived is not None else 1


def _of_recording(
    parser: Parser, options: Namespace, rest: Sequence[str], iteration: int, reach: int | None
) -> tuple[str, Opened]:
    open_tape(rest[0]).close()  # which makes it whole, where its run was cut off
    if (found := known(rest[0], iteration, reach)) is not None:
        return rest[0], Opened(None, found)
    return rest[0], _relived(of_tape(rest[0]), iteration, reach, options)


def _of_script(
    parser: Parser, options: Namespace, rest: Sequence[str], iteration: int, reach: int | None
) -> tuple[str, Opened]:
    target = read_target(parser, options, rest)
    with output(options.output) if options.output is not None else nullcontext(new_recent_tape(_name(target))) as tape:
        spec = make_spec(target, options, rest, tape, is_paused_at_start=False, passes_output=True)
        with _progress() as progress:
            first = watched(replace(spec, prints_to_stderr=options.json), tape, tell=progress.update)
        for sentence in (*first.closing, *first.checkpoints.take_news(), *((first.passed,) if first.passed else ())):
            complain(sentence)
        if options.output is None:
            remember_tape(tape)
        with first:
            if first.interrupted:
                raise UserError(f"the script was interrupted, and so it is not run again; its tape is {tape}")
            return tape, _relived(first, iteration, reach, options)


def _name(target: tuple[str | None, str | None]) -> str:
    return target[0] or target[1] or ""


def _relived(first: Watched, iteration: int, reach: int | None, options: Namespace) -> Opened:
    if known(first.tape, iteration, reach) is None:
        with _progress() as progress:
            opened = onwards(first, first.checkpoints, iteration, reach, tell=progress.update)
        if opened is not None and opened.relived is not None:
            return opened
        for sentence in () if opened is None else opened.sentences:
            complain(sentence)
        let(first.consent, has_yes=options.yes)
    with _progress() as progress:
        return relive(first, iteration, reach, is_agreed=True, tell=progress.update)


@contextmanager
def _progress() -> Iterator[ProgressLine]:
    progress = ProgressLine(sys.stderr.write if sys.stderr.isatty() else None)
    try:
        yield progress
    finally:
        progress.clear()
