"""``gradb run``, and ``gradb SCRIPT`` for short: debug a script on the screen, by a command script, or told as text."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from gradb.cli.arguments import Parser, add_checkpoint_option, add_run_options
from gradb.cli.complaint import complain, complain_of
from gradb.cli.consent import add_consent_option, let
from gradb.cli.open import show_tape
from gradb.cli.plain import add_plain_option, has_terminal, tell
from gradb.cli.quiz import add_quiz_option, read_quiz
from gradb.cli.screen import add_screen_options, show_screen
from gradb.cli.specs import make_spec, read_target
from gradb.cli.target import check_file, is_tape
from gradb.debugger.errors import ExpectationFailed, UserError
from gradb.debugger.folders import temporary

if TYPE_CHECKING:
    from gradb.batch.script import Script
    from gradb.debugger.debugger import Debugger
    from gradb.debugger.run import Run
    from gradb.link.signals import SignalRelay
    from gradb.link.spec import RunSpec

CarryOut = Callable[["Debugger"], int]
"""What is done with a run without a screen; it lets go of it, and returns the exit code."""

_EPILOG = """\
-e and --commands run without a screen, and may also stand right behind the script when none of them stands before it:
  gradb run SCRIPT --commands FILE
Everything else behind the script is the script's. The exit code is 0, 1 when an `expect` fails or an answer is wrong or
missing, 2 for bad input, 130 when Ctrl+C breaks a command off.
The commands are those of the `:` prompt (see docs/commands.md)."""


def _parser() -> Parser:
    parser = Parser(
        "run",
        "gradb [run] [OPTIONS] SCRIPT [ARGS ...]\n       gradb [run] [OPTIONS] -m MODULE [ARGS ...]\n"
        "       gradb run (-e COMMANDS | --commands FILE | --quiz ANSWERS) [OPTIONS] SCRIPT|TAPE",
        "Debug a script: step it op by op, the backward node by node, and back in time.",
        _EPILOG,
    )
    parser.add_argument("-o", dest="output", metavar="FILE", help="where the tape goes (default: with the recent ones)")
    parser.add_argument("-e", dest="execute", metavar="COMMANDS", help="run these commands without a screen")
    parser.add_argument("--commands", metavar="FILE", help="run the commands in a file without a screen")
    parser.add_argument(
        "--width", metavar="N", help="columns that `show` and --plain print (default: the terminal's, or 100)"
    )
    parser.add_argument("--json", action="store_true", help="print what commands show and say as JSON, a line each")
    add_consent_option(parser)
    add_run_options(parser)
    add_checkpoint_option(parser)
    add_plain_option(parser)
    add_quiz_option(parser)
    add_screen_options(parser)
    return parser


def run(argv: Sequence[str], *, commands: Collection[str] = ()) -> int:
    """Carry out the subcommand and return the exit code.

    Args:
        argv: what follows the word ``run``.
        commands: where that was left out, what else could have stood in its place.
    """
    parser = _parser()
    own, rest = parser.split(argv)
    if not commands:
        behind, rest = _behind(own, rest)
        own += behind
    options = parser.parse_args(own)
    carry_out = _without_screen(options)
    if rest and rest[0] and is_tape(rest[0]):
        parser.refuse_run_options(options)
        if options.output is not None:
            parser.error("-o goes with a script, and this is a recording")
        return _on_tape(rest, options, carry_out)
    target = read_target(parser, options, rest, commands)
    if carry_out is not None:
        return _headless(target, options, rest, carry_out)
    if options.output is None:
        return _on_screen(make_spec(target, options, rest, ""), options)
    with _room(options.output) as tape:
        return _on_screen(make_spec(target, options, rest, tape), options)


def _on_screen(spec: RunSpec, options: Namespace) -> int:
    def start() -> Debugger:
        from gradb.cli.starting import launch  # behind the first paint

        return launch(spec)

    return show_screen(start, spec.target, options.theme)


def _room(name: str) -> AbstractContextManager[str]:
    from gradb.cli.tapes import output

    return output(name)


def _behind(own: Sequence[str], rest: list[str]) -> tuple[list[str], list[str]]:
    """Take ``-e`` and ``--commands`` from right behind the target, unless one of them stands before it."""
    if any(word.startswith(("-e", "--commands")) for word in own):
        return [], rest
    taken: list[str] = []
    while len(rest) > 1 and (rest[1] in {"-e", "--commands"} or rest[1].startswith("--commands=")):
        count = 1 if "=" in rest[1] else 2
        taken += rest[1 : 1 + count]
        rest = [*rest[:1], *rest[1 + count :]]
    return taken, rest


def _read_commands(options: Namespace) -> Script | None:
    if options.execute is None and options.commands is None:
        return None
    from gradb.batch.script import prepare

    if options.execute is not None and options.commands is not None:
        raise UserError("give the commands by -e or by --commands, not both")
    if options.execute is not None:
        return prepare(options.execute)
    check_file(options.commands)
    try:
        text = Path(options.commands).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"cannot read {options.commands}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{options.commands} is not UTF-8") from error
    return prepare(text, options.commands)


def _without_screen(options: Namespace) -> CarryOut | None:
    """Return what is to be done with a run where there is no screen; None: it is shown on one."""
    grade, script = read_quiz(options), _read_commands(options)
    if grade is not None:
        return grade
    if options.json and script is None:
        raise UserError("--json goes with -e, --commands or --quiz: the screen prints nothing")
    if options.plain and script is not None:
        raise UserError("give --plain, or commands by -e or --commands, not both")
    if script is not None:
        return lambda debugger: _carry_out(debugger, script, options)
    return (lambda debugger: tell(debugger, options.width)) if options.plain or not has_terminal() else None


def _on_tape(rest: Sequence[str], options: Namespace, carry_out: CarryOut | None) -> int:
    if rest[1:]:
        raise UserError(f"{rest[0]} is a tape, and takes no arguments: {' '.join(rest[1:])!r}")
    if carry_out is None:
        return show_tape(rest[0], options.theme)
    from gradb.cli.starting import open_tape
    from gradb.debugger.ending import flaw

    code = carry_out(open_tape(rest[0]))
    if told := flaw(rest[0]):
        complain(told)
    return code


def _headless(
    target: tuple[str | None, str | None], options: Namespace, rest: Sequence[str], carry_out: CarryOut
) -> int:
    """Run a script without a screen; its tape is kept only where that is said."""
    from gradb.debugger.debugger import Debugger

    def go(tape: str) -> int:
        return carry_out(Debugger.launch(make_spec(target, options, rest, tape)))

    if options.output is not None:
        with _room(options.output) as tape:
            return go(tape)
    with temporary() as folder:
        return go(str(Path(folder) / "run.tape"))


def _carry_out(debugger: Debugger, script: Script, options: Namespace) -> int:
    from gradb.cli.printing import read_style
    from gradb.debugger.ending import describe

    style, complaint = read_style(options), ""
    try:
        with debugger.run.relaying() as relay:
            script.run(debugger, style, _say, lambda consent: let(consent, has_yes=options.yes))
    except UserError as error:
        if isinstance(error, ExpectationFailed) or not _is_ended_by(relay, debugger.run):
            raise
        complaint = str(error)
    finally:
        debugger.close()
    code = debugger.run.return_code
    is_ended = code is not None and _is_ended_by(relay, debugger.run)
    if is_ended:
        complain(complaint or f"the script was ended ({describe(code)})")
    complain_of(debugger.run)
    return code if code is not None and is_ended else 0


def _is_ended_by(relay: SignalRelay | None, run: Run) -> bool:
    """Tell whether the script was ended by a signal that came to us."""
    return relay is not None and run.return_code is not None and -run.return_code in relay.passed


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
