"""Reads what is asked of the node that the script is held at: all of its Jacobian, a row, a column, a direction."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from gradb.debugger.errors import UserError
from gradb.debugger.numerals import read_whole
from gradb.frame.chain.record import Chain
from gradb.link.messages import Ask
from gradb.tape.kinds.registry import Kind
from gradb.tape.values import TensorValue

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger

USAGE = "give full, row d[0,1], column a[2], random [SEED], or with and numbers"
_PLACE = re.compile(r"(?P<name>[A-Za-z_][\w.]*)?\s*\[?\s*(?P<index>\d{1,9}(?:\s*,\s*\d{1,9})*)?\s*\]?")
_HELD_KINDS: tuple[Kind, ...] = ("node_start", "node", "probe")
_MAX_NUMBERS = 4096


def probe(debugger: Debugger, argument: str) -> str | None:
    """Have the node that the script is held at probed."""
    if not debugger.is_live:
        raise UserError("`probe` needs the script: this is a recording, and nothing more can be measured in it")
    if debugger.is_running:
        raise UserError("the script is running: pause it first")
    event, chain = (debugger.event(), debugger.frame().chain) if debugger.position else (None, None)
    if not debugger.is_at_head:
        raise UserError(f"the script is held at event {debugger.run.head}, not here: `head` goes there")
    if event is None or chain is None or event.kind not in _HELD_KINDS:
        raise UserError("`probe` works at a node that is about to run or has just run: step into a backward")
    debugger.ask(parse(argument, chain))
    return None


def parse(argument: str, chain: Chain) -> Ask:
    """Read what is asked for, with the names of the node's tensors.

    Raises:
        UserError: it is not that.
    """
    word, _, rest = argument.strip().partition(" ")
    rest = rest.strip()
    match word:
        case "" | "full" if not rest:
            return Ask("full")
        case "random" if (seed := read_whole(rest or "0")) is not None:
            return Ask("random", seed)
        case "with" if rest:
            return Ask("with", numbers=_numbers(rest))
        case "row" if rest:
            return _row(rest, chain)
        case "column" if rest:
            return _column(rest, chain)
    raise UserError(f"{argument!r} is not what can be probed: {USAGE}")


def _numbers(text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in re.split(r"[\s,]+", text.strip("[]() ")))
    except ValueError:
        raise UserError(f"{text!r} is not a list of numbers: give e.g. with 1, 0, -2") from None
    if len(numbers) > _MAX_NUMBERS:
        raise UserError(f"{len(numbers)} numbers are more than {_MAX_NUMBERS}")
    return numbers


def _row(text: str, chain: Chain) -> Ask:
    made = {tensor.output_nr: tensor for tensor in (chain.op.outputs if chain.op else ()) if tensor.node == chain.node}
    names: dict[str, int] = {f"out{number}": number for number in range(len(chain.upstream))}
    names |= {tensor.name: number for number, tensor in made.items() if tensor.name}
    if chain.output is not None and chain.output.name:
        names[chain.output.name] = chain.output.output_nr
    which, index = _place(text, names)
    upstream = chain.upstream[which] if which < len(chain.upstream) else None
    value = upstream or (made[which].value if which in made else None)
    return Ask("row", _flat(text, index, value), which)


def _column(text: str, chain: Chain) -> Ask:
    names = {f"in{number}": number for number in range(len(chain.edges))}
    for number, edge in enumerate(chain.edges):
        if edge.to is not None and edge.tensor is not None and edge.tensor.name:
            names.setdefault(edge.tensor.name, number)
    which, index = _place(text, names)
    if text[:1].isdigit() or text[:1] == "[":
        which = next((number for number, edge in enumerate(chain.edges) if edge.to is not None), 0)
    tensor = chain.edges[which].tensor if which < len(chain.edges) else None
    downstream = chain.edges[which].downstream if which < len(chain.edges) else None
    value = downstream or (tensor.value if tensor is not None else None)
    return Ask("column", _flat(text, index, value), which)


def _place(text: str, names: dict[str, int]) -> tuple[int, tuple[int, ...]]:
    """Read ``d[0,1]``, ``[0,1]`` or ``3``; return which tensor (the first where it has no name) and the index."""
    found = _PLACE.fullmatch(text)
    if found is None or (found["name"] is None and found["index"] is None):
        raise UserError(f"{text!r} is no element: give e.g. d[0,1] or 3")
    if found["name"] is not None and found["name"] not in names:
        raise UserError(f"{found['name']!r} is no tensor of this node: there is {', '.join(sorted(names))}")
    index = tuple(int(part) for part in (found["index"] or "").split(",") if part.strip())
    return names.get(found["name"] or "", 0), index


def _flat(text: str, index: tuple[int, ...], value: TensorValue | None) -> int:
    """Return an index as a flat one; a single number is one already."""
    shape = None if value is None else value.shape
    if len(index) <= 1 and (shape is None or len(shape) != 1):
        flat = index[0] if index else 0
        if shape is not None and (flat >= math.prod(shape) or (not index and shape)):
            raise UserError(f"{text!r} is no element of a tensor of shape {list(shape)}")
        return flat
    if shape is None or len(index) != len(shape) or any(one >= size for one, size in zip(index, shape, strict=True)):
        raise UserError(f"{text!r} is no element of a tensor of shape {list(shape or ())}")
    flat = 0
    for one, size in zip(index, shape, strict=True):
        flat = flat * size + one
    return flat
