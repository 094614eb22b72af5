"""Asks on the terminal whether a script may be run again; without one, ``--yes`` has to say so. What is asked is the
debugger's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from gradb.debugger.rerun.consent import QUESTION, agree

if TYPE_CHECKING:
    from gradb.cli.arguments import Parser
    from gradb.debugger.rerun.consent import Consent


def add_consent_option(parser: Parser) -> None:
    """Add the option by which somebody agrees beforehand."""
    parser.add_argument("--yes", action="store_true", help="run the script again without asking, whatever it writes")


def question() -> Callable[[list[str]], bool] | None:
    """Return what shows some lines and asks; None where there is no terminal to ask on."""
    return _asked if sys.stdin.isatty() and sys.stderr.isatty() else None


def let(consent: Consent, *, has_yes: bool) -> None:
    """Make sure that the script may be run again; what a tape has run is shown even where ``--yes`` was given.

    Raises:
        UserError: it may not, or there is nobody to ask.
    """
    if has_yes and consent.is_from_tape:
        sys.stderr.write("\n".join(consent.lines()) + "\n")
    agree(consent, is_agreed=has_yes, ask=question())


def _asked(lines: list[str]) -> bool:
    sys.stderr.write("\n".join(lines) + f"\n{QUESTION} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
