"""``gradb why``: where a NaN or an infinity was born, and the road from there. A script is run first."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from gradb.batch.record import ProgressLine, record
from gradb.batch.why import why_text
from gradb.cli.arguments import Parser, add_run_options, read_count
from gradb.cli.complaint import complain
from gradb.cli.consent import add_consent_option, let
from gradb.cli.printing import add_print_options, read_style
from gradb.cli.specs import make_spec, read_target
from gradb.cli.starting import open_tape
from gradb.cli.target import is_recording
from gradb.debugger.ending import flaw
from gradb.debugger.errors import UserError
from gradb.debugger.folders import temporary
from gradb.debugger.inplace import Spot
from gradb.debugger.places import WAYS, read_place
from gradb.debugger.rerun.watched import Watched, of_tape, watched
from gradb.debugger.why import FULL, Answer, ask, is_unseen, run_again
from gradb.diagnosis.nonfinite.explanation import Explanation, Nothing
from gradb.frame.called import Place

_EPILOG = f"""\
Without --at and --iteration it is the first loss, gradient or parameter that is not finite, else the last value
that a computation made so. The first {FULL} iterations of a script are recorded in full, the rest is watched; if a
loss or norm is first not finite there, the script is run once more, recorded in full around it and ended after that.
The same goes for a recording that was only watched. The exit code is 0 where it is known where it began, 1 where
nothing is seen to be not finite, 2 where that cannot be told, or nothing could be run."""


def _parser() -> Parser:
    parser = Parser(
        "why",
        "gradb why [OPTIONS] FILE\n"
        "       gradb why [OPTIONS] SCRIPT [ARGS ...]\n"
        "       gradb why [OPTIONS] -m MODULE [ARGS ...]",
        "Tell where a NaN or an infinity was born, why, and by which road it came to where it is seen.\n"
        "The output of a script passes through.",
        _EPILOG,
    )
    parser.add_argument(
        "--at", metavar="EVENT", help="the event whose value is asked for, or ITERATION:N; a script is recorded in full"
    )
    parser.add_argument("--iteration", metavar="N", help="look for it in this iteration")
    add_consent_option(parser)
    add_print_options(parser)
    add_run_options(parser)
    return parser


def run(argv: Sequence[str]) -> int:
    """Carry out the subcommand and return the exit code."""
    parser = _parser()
    own, rest, is_tape = parser.split_at_tape(argv, is_recording)
    options = parser.parse_args(own)
    style = read_style(options)
    options.at, options.iteration = _place(options.at), read_count("--iteration", options.iteration)
    if options.at is not None and options.iteration is not None:
        parser.error("give --at or --iteration, not both")
    if is_tape:
        parser.refuse_run_options(options)
        answer = _of_recording(rest[0], options)
    elif options.at is not None or options.depths:
        answer = _of_one_run(parser, options, rest)
    else:
        answer = _of_script(parser, options, rest)
    sys.stdout.write(why_text(answer.found, style))
    sys.stdout.flush()
    for sentence in answer.remarks:
        complain(sentence)
    return answer.exit_code


def _place(text: str | None) -> Place | None:
    place = None if text is None else read_place(text)
    if text is not None and (place is None or not place.event):
        raise UserError(f"--at takes {WAYS}, not {text!r}")
    return place


def _asked(path: str, options: Namespace) -> tuple[Explanation | Nothing, tuple[str, ...]]:
    """Ask a recording; return also what it lacks."""
    debugger = open_tape(path)
    try:
        if debugger.tape is None:
            raise UserError(debugger.failure or "nothing was recorded")
        spot = Spot() if options.at is None else debugger.spot_at(options.at)
        tape = debugger.tape if spot.lived is None else spot.lived.tape
        return ask(tape, spot.position or None, options.iteration), tuple(debugger.run.closing)
    finally:
        debugger.close()


def _of_recording(path: str, options: Namespace) -> Answer:
    found, lacks = _asked(path, options)
    lacks += tuple(filter(None, [flaw(path)]))
    if not is_unseen(found):
        return Answer(found, lacks)
    try:
        first = of_tape(path)
    except UserError as error:
        return Answer(found, (*lacks, f"it cannot be looked at closer by a run again: {error}"))
    return _again(first, found, options, lacks)


def _of_script(parser: Parser, options: Namespace, rest: Sequence[str]) -> Answer:
    """Run a script, at first in full, and once more where that has not shown enough."""
    target = read_target(parser, options, rest)
    spec = make_spec(target, options, rest, "", is_paused_at_start=False, passes_output=True)
    progress = _progress()
    try:
        first = watched(spec, full=max(FULL, options.iteration or 0), tell=progress.update)
    finally:
        progress.clear()
    if first.passed:
        complain(first.passed)
    with first:
        found, lacks = _asked(first.tape, options)
        if is_unseen(found) and first.interrupted:
            return Answer(found, (*lacks, "the script was interrupted, and so it is not run again"))
        return _again(first, found, options, lacks) if is_unseen(found) else Answer(found, lacks)


def _of_one_run(parser: Parser, options: Namespace, rest: Sequence[str]) -> Answer:
    """Record a script once, as the options say or in full."""
    target = read_target(parser, options, rest)
    with temporary() as folder:
        tape = str(Path(folder) / "why.tape")
        spec = make_spec(target, options, rest, tape, is_paused_at_start=False, passes_output=True)
        record(spec, _write(), complain)
        return Answer(_asked(tape, options)[0])


def _again(first: Watched, found: Explanation | Nothing, options: Namespace, lacks: tuple[str, ...]) -> Answer:
    assert isinstance(found, Nothing)
    progress = _progress()
    try:
        let(first.consent, has_yes=options.yes)
        return run_again(first, found, progress.update)
    except UserError as error:
        return Answer(found, (*lacks, str(error)))
    finally:
        progress.clear()


def _progress() -> ProgressLine:
    return ProgressLine(_write())


def _write() -> Callable[[str], object] | None:
    return sys.stderr.write if sys.stderr.isatty() else None
