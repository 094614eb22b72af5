"""``gradb run --quiz ANSWERS``: a file of answers graded against what the run comes to, for teachers."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gradb.cli.complaint import complain, complain_of
from gradb.cli.target import check_file
from gradb.debugger.errors import UserError

if TYPE_CHECKING:
    from gradb.cli.arguments import Parser
    from gradb.debugger.debugger import Debugger


def add_quiz_option(parser: Parser) -> None:
    """Add the option."""
    help_ = "grade the answers in a file to the questions of a script that teaches (docs/lessons.md), without a screen"
    parser.add_argument("--quiz", metavar="ANSWERS", help=help_)


def read_quiz(options: Namespace) -> Callable[[Debugger], int] | None:
    """Return what grades a run and returns the exit code, 0 where all is right; None where nothing is to be graded.

    Raises:
        UserError: the answers cannot be read, or commands are given too.
    """
    if options.quiz is None:
        return None
    from gradb.batch.quiz import read_answers

    if options.execute is not None or options.commands is not None or options.plain:
        raise UserError("give answers by --quiz, commands by -e or --commands, or --plain, and not two of them")
    check_file(options.quiz)
    try:
        text = Path(options.quiz).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"cannot read {options.quiz}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{options.quiz} is not UTF-8") from error
    answers = read_answers(text, options.quiz)
    return lambda debugger: _grade(debugger, answers, options)


def _grade(debugger: Debugger, answers: list[tuple[int, str]], options: Namespace) -> int:
    from gradb.batch.quiz import grade
    from gradb.cli.printing import read_style

    try:
        with debugger.run.relaying():
            is_right = grade(debugger, answers, options.quiz, read_style(options), sys.stdout.write, complain)
    finally:
        debugger.close()
    complain_of(debugger.run)
    return 0 if is_right else 1
