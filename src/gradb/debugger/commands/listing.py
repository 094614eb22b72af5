"""Commands that choose how the .grad buffers are listed, and which tensor is looked at element by element."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradb.debugger.errors import UserError
from gradb.debugger.expect.reading import read
from gradb.debugger.suggestion import did_you_mean
from gradb.frame.gradtable import COLUMNS, KINDS, ROUND, SCRIPT
from gradb.present.options import Values
from gradb.tape.expressions.variables import quoted
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.op import OpDetail

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger

_DIRECTIONS = {"down": False, "up": True}
_MAX_WORDS = 200


def sort(debugger: Debugger, argument: str) -> str | None:
    """Sort by a column; the same again turns the order round, without one it is the next column's turn.

    Numbers go from the largest on (``down``), names from A; ``up`` and ``down`` say it.

    Raises:
        UserError: there is no such column or direction.
    """
    chosen = debugger.grads
    if not argument:
        at = ROUND.index(chosen.sort) if chosen.sort in ROUND else -1
        debugger.grads = replace(chosen, sort=ROUND[(at + 1) % len(ROUND)], is_reversed=False)
        return None
    column, _, direction = argument.partition(" ")
    direction = direction.strip()
    if column not in COLUMNS:
        raise UserError(
            f"there is no column {quoted(column)}{did_you_mean(column, COLUMNS)}: sort by {', '.join(COLUMNS)}"
        )
    if direction and direction not in _DIRECTIONS:
        raise UserError(f"{quoted(direction)} is no direction: sort {column} up, or sort {column} down")
    is_again = column == chosen.sort and column != SCRIPT
    turned = not chosen.is_reversed if is_again else False
    if direction:
        turned = _DIRECTIONS[direction] != (column in {"name", SCRIPT})
    debugger.grads = replace(chosen, sort=column, is_reversed=turned)
    return None


def filter_(debugger: Debugger, argument: str) -> str | None:
    """List only the buffers that have all words of a text in their names, or in what is said of them.

    Raises:
        UserError: it is too long to be a part of a name.
    """
    if len(argument) > _MAX_WORDS:
        raise UserError(f"filter takes at most {_MAX_WORDS} characters")
    debugger.grads = replace(debugger.grads, words=argument)
    return None


def unfold(debugger: Debugger, argument: str) -> str | None:
    """List the leaves of a kind too, or fold them again; without one: all, unless some are listed already.

    Raises:
        UserError: there is no such kind.
    """
    before = debugger.grads.unfolded
    if not argument:
        unfolded = frozenset[str]() if before else frozenset[str](KINDS)
    elif argument in {"all", "none"}:
        unfolded = frozenset[str](KINDS if argument == "all" else ())
    elif argument in KINDS:
        unfolded = before ^ {argument}
    else:
        raise UserError(f"unfold takes {', '.join(KINDS)}, all or none, not {quoted(argument)}")
    debugger.grads = replace(debugger.grads, unfolded=unfolded)
    return None


def values(debugger: Debugger, argument: str) -> str | None:
    """Look at the elements of a tensor, given by an expression; without one at those of the last, or of the event.

    Raises:
        UserError: it cannot be read.
    """
    before = debugger.values
    text = read(argument).text if argument else before.text or _at_hand(debugger)
    debugger.values = Values(text, before.asked + 1)
    return None


def _at_hand(debugger: Debugger) -> str:
    """Return what the event at the position is about, as an expression; empty where it is about no tensor."""
    tape = debugger.tape
    detail = None if tape is None or not debugger.position else tape.detail(debugger.position)
    match detail:
        case NodeStartDetail() | NodeDetail():
            return "upstream"
        case AccumulateDetail(parameter=str(name)):
            return f"{name}.grad"
        case OpDetail(outputs=(made, *_)) | LeafDetail(tensor=made) if tape is not None:
            return made.name or tape.label(made.id, debugger.position) or ""
    return ""
