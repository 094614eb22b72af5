"""Where the way back from a tensor to what requires grad ends: at a call that cuts it, or at leaves that are frozen."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from gradb.diagnosis.errors.source import assignment, expression, whole_segment
from gradb.frame.reader import Tape
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor

_MAX_OPS = 50_000
_FREEZING = frozenset({"requires_grad = False", "Tensor.requires_grad_"})
_TO_NUMBERS = frozenset({"item", "tolist", "numpy", "float", "int", "array", "asarray"})


@dataclass(frozen=True, slots=True)
class Cut:
    """A call that was given something which requires grad, and returned something that does not."""

    event: Event
    """Of the call; of ``.data`` and of a new tensor of numbers, of the call that was given or made that."""
    how: str
    """``call``: the call itself; ``data``: ``.data`` of a tensor; ``numbers``: a new tensor made of its numbers."""
    function: str
    """The call; empty for ``data``."""
    source: str | None
    """Name of what required grad."""
    dtype: str = ""
    """Of what the call returned."""
    line: int | None = None
    """Of ``numbers``, where it was not seen how the tensor was made: the line that assigns it."""
    code: str = ""
    """What stands there."""


@dataclass(slots=True)
class Ancestry:
    """What a tensor was computed from, as far as gradients could flow to it."""

    cuts: list[Cut] = field(default_factory=list)
    """The nearest first."""
    frozen: dict[str, Event | None] = field(default_factory=dict)
    """Names of parameters and other leaves on the way that do not require grad, as ``layer.weight``; and the events at
    which they ceased to, where they ever did."""
    made: list[Event] = field(default_factory=list)
    """Calls that made tensors from nothing that is on the tape: ``torch.tensor``, ``torch.zeros``; and calls that were
    given a tensor of which that holds."""
    is_whole: bool = True
    """False where a tensor on the way is not known to the tape."""


def ancestry(tape: Tape, tensor: Tensor, position: int) -> Ancestry:
    """Go back from a tensor that does not require grad to where the way ends, everywhere."""
    found = Ancestry()
    queue = deque([(tensor, position)])
    seen: set[tuple[int, int]] = set()
    while queue and len(seen) < _MAX_OPS:
        one, before = queue.popleft()
        event = tape.defined_at(one.id, before) if one.id else None
        if event is None:
            _origin(tape, one, before, found)
            continue
        if (one.id, event) not in seen:
            seen.add((one.id, event))
            queue.extend((given, event - 1) for given in _step(tape, event, one, found))
    return found


def _step(tape: Tape, seq: int, one: Tensor, found: Ancestry) -> tuple[Tensor, ...]:
    """Return what a tensor was computed from at an event, unless the way ends there."""
    event, detail = tape.event(seq), tape.detail(seq)
    if not isinstance(detail, OpDetail) or detail.function in _FREEZING:
        _frozen(one, found, event)
        return ()
    if not detail.inputs:
        _made(tape, event, detail, found)
        return ()
    made = next((output for output in detail.outputs if output.id == one.id), None)
    wanting = [given for given in detail.inputs if given.requires_grad]
    if wanting and made is not None and not made.requires_grad:
        name = next((given.name for given in wanting if given.name), None)
        found.cuts.append(Cut(event, "call", detail.function, name, made.value.dtype))
        return ()
    return tuple(given for given in detail.inputs if given.id != one.id or detail.is_inplace)


def _origin(tape: Tape, one: Tensor, before: int, found: Ancestry) -> None:
    """Take note of a tensor that no call on the tape made."""
    name = one.name or ""
    user = tape.event(before + 1) if before < tape.head else tape.event(before)
    if name.endswith(".data") and _may_require(tape, name.removesuffix(".data"), before):
        found.cuts.append(Cut(user, "data", "", name.removesuffix(".data"), one.value.dtype))
    elif (cut := _assigned(tape, one, user)) is not None:
        found.cuts.append(cut)
    elif name:
        _frozen(one, found, None)
    else:
        found.is_whole = False
        found.made.append(user)


def _may_require(tape: Tape, name: str, position: int) -> bool:
    """Tell whether what is called so requires grad, or no tensor is known by that name."""
    return tape.tensor(name, position) is None or _required(tape, name, position)


def _assigned(tape: Tape, one: Tensor, user: Event) -> Cut | None:
    """Return the assignment of a variable that is made of another tensor's numbers by what is no call of torch's."""
    told = assignment(tape, user, one.name or "")
    if told is None:
        return None
    names = (name for name in numbers_of(told[1]) if _required(tape, name, user.seq))
    return next((Cut(user, "numbers", "", name, one.value.dtype, *told) for name in names), None)


def _frozen(one: Tensor, found: Ancestry, event: Event | None) -> None:
    if one.name:
        found.frozen.setdefault(one.name, event)


def _made(tape: Tape, event: Event, detail: OpDetail, found: Ancestry) -> None:
    """Take note of a call that made a tensor from nothing on the tape: perhaps from the numbers of one that is."""
    for name in numbers_of(whole_segment(tape, event)):
        if _required(tape, name, event.seq):
            found.cuts.append(Cut(event, "numbers", detail.function, name))
            return
    found.made.append(event)


def _required(tape: Tape, name: str, position: int) -> bool:
    """Tell whether what is called so at a position requires grad."""
    tensor = tape.tensor(name, position)
    known = None if tensor is None else tape.appearance(tensor, position)
    return known is not None and known.requires_grad


def numbers_of(code: str) -> Iterator[str]:
    """Yield the names of the variables whose numbers an expression takes: ``y`` of ``torch.tensor(y.sum().item())``."""
    tree = expression(code)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree is not None else []
    found = [call for call in calls if _called(call) in _TO_NUMBERS]
    for call in found:
        yield from _names(call)
    if found and tree is not None:  # ``[v.item() for v in y]``
        yield from _names(tree)


def _called(call: ast.Call) -> str:
    target = call.func
    return target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""


def _names(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name | ast.Attribute):
            yield ast.unparse(part)
