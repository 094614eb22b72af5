"""What a branch may change, as people write it: ``zero_grad off``, ``lr 1e-4``."""

from __future__ import annotations

from gradb.debugger.errors import UserError
from gradb.debugger.interventions import ADJUSTABLE, parse_intervention
from gradb.link.spec import Intervention, What

_CHANGED: dict[str, What] = {"zero_grad": "zero_grad", "zero-grad": "zero_grad", "lr": "lr"}
ANEW = "anew"
"""Behind a change: the script is run from its start, though a checkpoint waits."""
USAGE = (
    "`branch` starts a run from here with something changed: `branch zero_grad off` (or on, script), `branch lr 1e-4`"
    " (or script); `branches` lists those there are"
)


def read_order(argument: str) -> tuple[Intervention, bool]:
    """Read what is to be changed, and whether the script is to be run from its start for it.

    Raises:
        UserError: it is not that.
    """
    change, _, last = argument.strip().rpartition(" ")
    return (read_change(change), True) if change and last == ANEW else (read_change(argument), False)


def read_change(argument: str) -> Intervention:
    """Read what is to be changed.

    Raises:
        UserError: it is not that.
    """
    word, _, value = argument.strip().partition(" ")
    if not word:
        raise UserError(USAGE)
    what = _CHANGED.get(word)
    if what is None:
        raise UserError(
            f"a branch changes zero_grad or lr, not {word!r}: e.g. `branch zero_grad off`, `branch lr 1e-4`"
        )
    if not value.strip():
        raise UserError(f"say what {ADJUSTABLE[what].title} is set to: {ADJUSTABLE[what].allowed}")
    if "@" in value:
        raise UserError("a branch begins at the position: go there first, e.g. `iteration @120; branch zero_grad off`")
    return parse_intervention(what, value)


def label(what: str, value: str) -> str:
    """Return a change in two words: ``zero_grad off``."""
    return f"{what} {value}"
