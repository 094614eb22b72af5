"""Commands that choose what is looked at, and move nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradb.debugger.errors import UserError
from gradb.frame.training import Training
from gradb.present.lines.unseen import none_yet
from gradb.present.options import PathChoice
from gradb.tape.cutting import listed

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger
    from gradb.frame.chain.paths import Paths
    from gradb.frame.chain.pathview import PathsAt

_MAX_NAMES = 8
_MAX_DIGITS = 4000


def path(debugger: Debugger, argument: str) -> str | None:
    """Choose the path that is shown in full: the next, the N-th, or none; and whose paths they are."""
    which, name = _split(argument)
    at = debugger.frame().paths
    choice = PathChoice(leaf=name) if name else replace(debugger.choice, number=None)
    paths = at.chosen(choice.leaf, choice.node)
    if paths is None and (name or which != "all"):
        raise UserError(_nowhere(at, choice, debugger.frame().training))
    if which == "all":
        debugger.choice = choice
        return None
    count = (paths.count if paths is not None else 0) or 0
    is_same = not name or name == debugger.choice.leaf
    before = (debugger.choice.number if is_same else None) or 0
    number = int(which) if which else before % count + 1 if count else 0
    if paths is None or not 1 <= number <= count:
        raise UserError(_no_such(paths, number, count))
    debugger.choice = replace(choice, number=number)
    return None


def _split(argument: str) -> tuple[str, str]:
    """Return the number, ``all`` or nothing, and the name."""
    first, _, rest = argument.partition(" ")
    is_number = first.isascii() and first.isdigit() and len(first) < _MAX_DIGITS
    if is_number or first == "all":
        return first, rest.strip()
    if first[:1] in {"-", "+"} or first[:1].isdigit():
        raise UserError(f"{first!r} is not the number of a path: give one from 1, e.g. path 2")
    return ("all" if argument.strip() else ""), argument.strip()


def _nowhere(at: PathsAt, choice: PathChoice, training: Training) -> str:
    if at.backward is None:
        return none_yet("there are no paths yet: they begin at the root of a backward, and none has begun", training)
    names = listed((leaf.name for leaf in at.leaves), _MAX_NAMES)
    goal = repr(choice.leaf) if choice.leaf else "the selected node"
    return f"this backward does not go to {goal}" + (f": it goes to {names}" if names else "")


def _no_such(paths: Paths | None, number: int, count: int) -> str:
    name = paths.target.name if paths is not None else ""
    if paths is not None and paths.count is None:
        return f"too many nodes lie between to count the paths to {name}"
    known = f"{count:,}" if count < 10**15 else "very many"
    return f"there is no path {number}: {name} has {known}" if number < 10**15 else f"{name} has {known} paths only"
