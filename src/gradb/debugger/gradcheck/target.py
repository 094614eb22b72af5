"""From a leaf's name and a backward to what a run has to do to change an element of that leaf before that backward.

Reads the tape of one run of the script and starts nothing. The leaf is looked at as the backward's own forward read it:
after its last update and before its first use since then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradb.debugger.errors import UserError
from gradb.frame.reader import Tape
from gradb.link.spec import Nudge
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.stops import Stop
from gradb.tape.values import TensorValue, element_size

_INDEX = re.compile(r"^(?P<name>[^\[\s].*?)(?P<index>(?:\[[-\d,\s]*\])+)?(?P<part>\.real|\.imag)?$")
_NAMES_TOLD = 12
_FLOATING = frozenset({"float64", "float32", "float16", "bfloat16", "complex128", "complex64", "complex32"})


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be checked."""

    leaf: str = ""
    """As typed: ``a[2]``, ``layer1.weight[0, 3]``, ``z[1].imag``; empty: the leaf that the backward filled last."""
    backward: int | None = None
    """The call of the engine, from 1, that is meant: where it does not reach the leaf, the last before it that does,
    else the first that does."""


@dataclass(frozen=True, slots=True)
class RecordedBackward:
    """One call of the engine on the tape, and what it brought to whom."""

    ordinal: int
    start: int
    """seq of its backward_start event."""
    detail: BackwardStartDetail
    gradients: dict[int, TensorValue | None]
    """What each leaf got, by tensor id."""


@dataclass(frozen=True, slots=True)
class Target:
    """What to change, and where the tape says it is."""

    nudge: Nudge
    """With no change yet."""
    label: str
    """``layer1.weight[0, 3]``."""
    dtypes: tuple[str, ...]
    """Of the leaf and of the roots: the coarsest decides how much rounding there is."""
    roots: tuple[TensorValue, ...]
    """Values of the roots, to hold another run against."""
    root: str
    """What the derivative is of: ``loss``, or ``sum(out * gradient)``."""
    where: str
    """Which backward: ``backward 1 (train.py:12, iteration 1)``."""


def split(text: str) -> tuple[str, tuple[int, ...] | None, str]:
    """Return name, index (None where none is given) and part (``real``, ``imag`` or empty) of a typed element.

    Raises:
        UserError: it is not of that form.
    """
    found = _INDEX.match(text.strip())
    if found is None:
        raise UserError(f"{text!r} names no element of a leaf: give its name and an index, as in a[2]")
    index, part = found["index"], (found["part"] or ".")[1:]
    if index is None:
        return found["name"], None, part
    words = [word for word in re.split(r"[\[\],\s]+", index) if word]
    try:
        return found["name"], tuple(int(word) for word in words), part
    except ValueError:
        raise UserError(f"{text!r} names no element of a leaf: an index is made of whole numbers") from None


def _split(tape: Tape, text: str) -> tuple[str, tuple[int, ...] | None, str]:
    """Do what ``split`` does; the index that ends the path of a leaf (``layers[0].w[1]``) is none of an element."""
    known = [
        name for name in _leaves(tape, tape.head).values() if text == name or text.startswith((f"{name}[", f"{name}."))
    ]
    if not known or "[" not in max(known, key=len):
        return split(text)
    name = max(known, key=len)
    _, index, part = split("x" + text[len(name) :])
    return name, index, part


def flat_index(index: Sequence[int], shape: Sequence[int], label: str) -> int:
    """Return the row-major number of an element.

    Raises:
        UserError: the shape has no such element.
    """
    if len(index) != len(shape) or any(not -size <= i < size for i, size in zip(index, shape, strict=True)):
        raise UserError(f"{label} has shape {list(shape)}: there is no element {list(index)} in it")
    flat = 0
    for i, size in zip(index, shape, strict=True):
        flat = flat * size + i % size
    return flat


def locate(tape: Tape, request: Request, *, is_over: bool) -> Target | None:
    """Find leaf, element and moment on a tape; None while the run has not come to the backward that is meant.

    Raises:
        UserError: there is no such leaf or element, no backward reaches it, or it cannot be nudged.
    """
    backwards = list(_backwards(tape))
    wanted = request.backward or 1
    if len(backwards) < wanted and not is_over:
        return None
    name, index, part = _split(tape, request.leaf) if request.leaf else ("", None, "")
    found = _choose(tape, backwards, wanted, name)
    if found is None and not is_over:
        return None
    if found is None:
        raise UserError(_missing(tape, backwards, name))
    return _target(tape, *found, index, part)


def roots_of(tape: Tape, ordinal: int) -> tuple[TensorValue, ...] | None:
    """Return the values of the roots of a call of the engine; None where the tape has no such call."""
    seq: int | None = 0
    for _ in range(ordinal):
        seq = None if seq is None else tape.find(Stop("kind", "backward_start"), seq, 1)
    detail = None if not seq else tape.detail(seq)
    return tuple(root.value for root in detail.roots) if isinstance(detail, BackwardStartDetail) else None


def count_backwards(tape: Tape, position: int) -> int:
    """Return how many calls of the engine began up to a position."""
    return sum(event.kind == "backward_start" for event in tape.events(1, position))


def _backwards(tape: Tape) -> Iterator[RecordedBackward]:
    """Yield the calls of the engine that have returned, in the order in which they began."""
    begun: dict[int, RecordedBackward] = {}
    over: set[int] = set()
    for event in tape.events():
        if event.kind not in {"backward_start", "accumulate", "backward_end"}:
            continue
        match tape.detail(event.seq):
            case BackwardStartDetail() as start:
                begun[event.seq] = RecordedBackward(len(begun) + 1, event.seq, start, {})
            case AccumulateDetail() as filled if filled.backward in begun:
                begun[filled.backward].gradients[filled.tensor] = filled.added
            case BackwardEndDetail() as end if end.start in begun:
                over.add(end.start)
                meant = begun[end.start].detail.inputs if begun[end.start].detail.call == "grad" else None
                for tensor, result in zip(meant or (), end.results, strict=False):
                    if result is not None:
                        begun[end.start].gradients[tensor.id] = result.value
    for seq, backward in begun.items():
        if seq not in over:
            return  # an ordinal counts all that began before
        yield backward


def _leaves(tape: Tape, position: int) -> dict[int, str]:
    """Return name by tensor id of the leaves at a position."""
    return {buffer.tensor: buffer.name for buffer in tape.frame(position).grads}


def _choose(
    tape: Tape, backwards: Sequence[RecordedBackward], wanted: int, name: str
) -> tuple[RecordedBackward, int, str] | None:
    """Return the backward that is meant, the leaf and its name."""
    before, after = backwards[:wanted], backwards[wanted:]
    for backward in (*reversed(before), *after):
        leaves = _leaves(tape, backward.start)
        meant = tape.tensor(name, backward.start) if name else None
        reached = [tensor for tensor in backward.gradients if tensor in leaves]
        for tensor in reversed(reached):
            if not name or tensor == meant or leaves[tensor] == name:
                return backward, tensor, leaves[tensor]
    return None


def _missing(tape: Tape, backwards: Sequence[RecordedBackward], name: str) -> str:
    leaves = list(dict.fromkeys(_leaves(tape, tape.head).values()))
    error = tape.find(Stop("kind", "error"), tape.head, -1)
    failed = "" if error is None else f"; the script raised {tape.event(error).name}"
    if not leaves:
        return f"the script has no leaf that requires grad{failed}"
    if not backwards:
        return f"the script runs no backward to its end{failed}"
    if not name:
        return "no backward of the script reaches a leaf"
    if name in leaves:
        return f"no backward of the script reaches {name}{failed}"
    told = ", ".join(leaves[:_NAMES_TOLD]) + (" ..." if len(leaves) > _NAMES_TOLD else "")
    value = tape.lookup(name, tape.head)
    if value is not None and value.dtype not in _FLOATING:
        return f"{name} holds {value.dtype} numbers, which have no derivative: the leaves are {told}"
    if value is not None:
        return f"{name} is no leaf that requires grad: the leaves are {told}"
    return f"there is no leaf called {name!r}: the leaves are {told}"


def _target(
    tape: Tape, backward: RecordedBackward, tensor: int, name: str, index: tuple[int, ...] | None, part: str
) -> Target:
    key, ordinal, leaf_seq = _leaf(tape, tensor)
    gradient = backward.gradients[tensor]
    shape, dtype = key.value.shape, (gradient or key.value).dtype  # a leaf may be converted after it was made
    if dtype not in _FLOATING or element_size(dtype) is None:
        raise UserError(f"{name} holds {dtype} numbers, of which no derivative is taken")
    if part == "imag" and not dtype.startswith("complex"):
        raise UserError(f"{name} holds {dtype} numbers, which have no imaginary part")
    flat, index = _element(gradient, shape, index, name)
    uses, steps = _moment(tape, tensor, name, leaf_seq, backward)
    is_complex = dtype.startswith("complex")
    label = name + (f"[{', '.join(map(str, index))}]" if index else "")
    label += f".{part or 'real'}" if is_complex else ""
    nudge = Nudge(key.name or "", shape, ordinal, uses, steps, backward.ordinal, flat, 0.0, part == "imag")
    roots = tuple(root.value for root in backward.detail.roots)
    dtypes = (dtype, *(root.dtype for root in roots))
    return Target(nudge, label, dtypes, roots, _root(backward.detail), _where(tape, backward))


def _leaf(tape: Tape, tensor: int) -> tuple[Tensor, int, int]:
    """Return a leaf as it was first recorded, which it is among those of its name and shape, and at which event."""
    seen: list[Tensor] = []
    for event in tape.events():
        if event.kind != "leaf":
            continue
        detail = tape.detail(event.seq)
        assert isinstance(detail, LeafDetail)
        leaf = detail.tensor
        seen.append(leaf)
        if leaf.id == tensor:
            alike = [one for one in seen if (one.name or "", one.value.shape) == (leaf.name or "", leaf.value.shape)]
            return leaf, len(alike), event.seq
    raise UserError("the leaf was never recorded as such: it was first seen while the run was only watched")


def _element(
    gradient: TensorValue | None, shape: tuple[int, ...], index: tuple[int, ...] | None, name: str
) -> tuple[int, tuple[int, ...]]:
    """Return flat and full index of the element: the one asked for, else that of the largest gradient."""
    if index is not None:
        return flat_index(index, shape, name), tuple(i % size for i, size in zip(index, shape, strict=True))
    numbers = None if gradient is None else gradient.numbers()
    if not shape:
        return 0, ()
    if not numbers:
        raise UserError(
            f"{name} has shape {list(shape)}: say which element, as in {name}[{', '.join('0' * len(shape))}]"
        )
    flat = max(range(len(numbers)), key=lambda i: abs(numbers[i]))
    places, rest = [], flat
    for size in reversed(shape):
        places.append(rest % size)
        rest //= size
    return flat, tuple(reversed(places))


def _moment(tape: Tape, tensor: int, name: str, leaf_seq: int, backward: RecordedBackward) -> tuple[int, int]:
    """Return how many recorded uses of a leaf, and how many optimizer steps, come before the moment to change it.

    Raises:
        UserError: there is no such moment before the backward, or it was not recorded.
    """
    uses = steps = since = 0
    before = (0, 0)
    updated = None
    for event in tape.events(1, backward.start):
        if event.kind == "depth":
            raise UserError(
                "the run was only watched for a while before that backward: the uses of leaves are not known"
            )
        if event.kind not in {"op", "step"}:
            continue
        detail = tape.detail(event.seq)
        steps += event.kind == "step"
        is_use = isinstance(detail, OpDetail) and any(one.id == tensor for one in detail.inputs)
        if event.seq > leaf_seq and is_use:
            uses += 1
            since += 1
        if event.seq > leaf_seq and _updates(detail, tensor):
            before, since, updated = (uses, steps), 0, event.line
    if since:
        return before
    if updated is not None:
        raise UserError(
            f"{name} is changed (line {updated}) after its last use before that backward: what the root was computed"
            " from is no longer there, and there is no moment at which a change would be this derivative"
        )
    raise UserError(f"no call before that backward was seen to use {name}, so there is no moment to change it at")


def _updates(detail: object, tensor: int) -> bool:
    """Tell whether an event gives a leaf a new value."""
    if isinstance(detail, OpDetail):
        return detail.is_inplace and any(one.id == tensor for one in detail.outputs)
    return isinstance(detail, StepDetail) and any(one.id == tensor for one in detail.parameters)


def _root(detail: BackwardStartDetail) -> str:
    names = [root.name or "root" for root in detail.roots]
    given = [*detail.gradients, *[None] * (len(names) - len(detail.gradients))]
    parts = [
        one if factor is None or _is_one(factor) else f"sum({one} * {factor.name or 'gradient'})"
        for one, factor in zip(names, given, strict=False)
    ]
    return " + ".join(parts) or "root"


def _is_one(factor: Tensor) -> bool:
    """Tell whether a gradient is the 1 that torch itself puts where none is given."""
    return factor.name is None and factor.value.numel == 1 and factor.value.numbers() == [1]


def _where(tape: Tape, backward: RecordedBackward) -> str:
    event = tape.event(backward.start)
    file = (event.file or "").rpartition("/")[2]
    line = f"{file}:{event.line}, " if file and event.line else ""
    return f"{backward.detail.call} {backward.ordinal} ({line}iteration {event.iteration})"
