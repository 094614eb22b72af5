"""Command lines: gradb's own options come first, then the script, and all that follows is the script's.

``argparse`` reads the options; where they end is found here, so that no word of the script's is ever looked at.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NoReturn

from gradb.cli.interventions import add_intervention_options
from gradb.cli.lettering import UseAscii
from gradb.debugger.errors import UserError
from gradb.debugger.numerals import read_whole

_MOST_ELEMENTS = 10**9 - 1


class Parser(argparse.ArgumentParser):
    """Complains by ``UserError`` and never abbreviates."""

    def __init__(self, name: str, usage: str, description: str, epilog: str = "") -> None:
        super().__init__(
            prog=f"gradb {name}".strip(),
            usage=usage,
            description=description,
            epilog=epilog or None,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.of_runs: list[argparse.Action] = []
        """The options that say how a script is run."""
        self.add_argument(
            "--ascii", action=UseAscii, nargs=0, help="no sign beyond ASCII (by itself where the encoding has no more)"
        )

    def refuse_run_options(self, options: argparse.Namespace) -> None:
        """Refuse options that say how a script is run where a tape is given.

        Raises:
            UserError: there is one.
        """
        given = [one for one in self.of_runs if getattr(options, one.dest) != self.get_default(one.dest)]
        if given:
            names = " and ".join(one.option_strings[-1] for one in given)
            verb = "goes" if len(given) == 1 else "go"
            self.error(f"{names} {verb} with a script: a tape says itself how its script was run")

    def error(self, message: str) -> NoReturn:
        """Raise the complaint as a UserError."""
        raise UserError(f"{message} (see {self.prog} --help)")

    def split(self, argv: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return gradb's own words, and the target with what follows it (empty when a module is named by ``-m``)."""
        valued = {flag for action in self._actions if action.nargs != 0 for flag in action.option_strings}
        index = 0
        while index < len(argv):
            word = argv[index]
            if word == "--":
                return list(argv[:index]), list(argv[index + 1 :])
            if not word.startswith("-") or word == "-":
                break
            is_joined = word not in valued and word[:2] in valued and not word.startswith("--")
            index += 2 if word in valued else 1
            if word == "-m" or (is_joined and word.startswith("-m")):
                return list(argv[:index]), ["", *argv[index:]]
        return list(argv[:index]), list(argv[index:])

    def split_at_tape(self, argv: Sequence[str], is_tape: Callable[[str], bool]) -> tuple[list[str], list[str], bool]:
        """Return what ``split`` does, and whether the target is a tape: that takes no arguments, so gradb's own words
        may stand behind it too.
        """
        own, rest = self.split(argv)
        if not (rest and rest[0] and is_tape(rest[0])):
            return own, rest, False
        return [*own, *rest[1:]], rest[:1], True


def read_count(option: str, text: str | None, least: int = 1) -> int | None:
    """Return the whole number that an option was given; None where it was given none.

    Raises:
        UserError: it is no whole number, or less than ``least``.
    """
    if text is None:
        return None
    if (number := read_whole(text, least)) is None:
        raise UserError(f"{option} takes a whole number from {least}, not {text!r}")
    return number


def add_run_options(parser: Parser) -> None:
    """Add the options that say how a script is run."""
    others = len(parser._actions)
    parser.add_argument("-m", dest="module", metavar="MODULE", help="run a module, as python -m would")
    parser.add_argument("--stdin", metavar="FILE", help="what the script reads from standard input (default: nothing)")
    parser.add_argument(
        "--probe",
        choices=("auto", "small", "always", "never"),
        default="auto",
        help="measure local derivatives at the first visits and while stepping: of small nodes, holding large ones "
        "against their formula with one call (auto), of small nodes only (small), wherever possible, or never",
    )
    parser.add_argument("--aten", action="store_true", help="record the ATen calls that every op and node makes (slow)")
    parser.add_argument(
        "--limit", metavar="N", type=_whole, default=1024, help="keep tensors of up to N elements whole (default: 1024)"
    )
    parser.add_argument(
        "--updates",
        action="store_true",
        help="measure how much each step changes its parameters, as for a condition or display of `update` (a copy of "
        "them as long as a step lasts)",
    )
    add_intervention_options(parser)
    parser.of_runs += parser._actions[others:]


def add_checkpoint_option(parser: Parser) -> None:
    """Add the option that has checkpoints kept while a script runs."""
    option = parser.add_argument(
        "--checkpoints",
        metavar="N",
        type=_whole,
        default=0,
        help="keep at most N checkpoints: copies of the script's process that wait, from which an iteration is opened "
        "sooner. They are spaced to take about 5 %% of its CPU time (Linux; default: none)",
    )
    parser.of_runs.append(option)


def _whole(text: str) -> int:
    if (number := read_whole(text, most=_MOST_ELEMENTS)) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return number
