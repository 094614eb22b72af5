"""Asks on the terminal whether a script may be run again; without one, ``--yes`` has to say so. What is asked is the
debugger's.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from gradb.debugger.rerun.consent import QUESTION, Consent, agree


def let(consent: Consent, *, has_yes: bool) -> None:
    """Make sure that the script may be run again; what a tape has run is shown even where ``--yes`` was given.

    Raises:
        UserError: it may not, or there is nobody to ask.
    """
    if has_yes and consent.is_from_tape:
        _show(consent.lines())
    agree(consent, is_agreed=has_yes, ask=_ask if sys.stdin.isatty() and sys.stderr.isatty() else None)


def _ask(lines: Sequence[str]) -> bool:
    _show(lines)
    print(f"{QUESTION} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _show(lines: Sequence[str]) -> None:
    print("\n".join(lines), file=sys.stderr)
