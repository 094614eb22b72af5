"""An expression was evaluated in the script's process because somebody asked for it: what came of it.

``[expression, function, [[path, type, text, tensor or null]...], error, output, [changed...], [note...]]``, where a
tensor is ``[V, device, requires_grad, node]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gradb.tape.cutting import first_line
from gradb.tape.kinds.spec import Spec
from gradb.tape.values import TensorValue
from gradb.tape.wire import Wire, WireError, dumps, read_value

_MOST_NAME = 100


@dataclass(frozen=True, slots=True)
class PrintedTensor:
    """A tensor as it was at that moment."""

    value: TensorValue
    device: str
    requires_grad: bool
    node: str
    """Name of its ``grad_fn``; empty where it has none."""


@dataclass(frozen=True, slots=True)
class PrintedPart:
    """The value of the expression, or what is in it."""

    path: str
    """Where in the value: ``[0]``, ``["loss"]``, ``.weight``; empty for the value itself."""
    type: str
    """Name of its class."""
    text: str
    """Its ``repr``, cut where it is long; of a container whose items follow how many there are."""
    tensor: PrintedTensor | None = None


@dataclass(frozen=True, slots=True)
class PrintDetail:
    """An expression was evaluated in the frame that the script was held in."""

    expression: str
    function: str
    """The function of that frame; empty for a module, or where there was no frame."""
    parts: tuple[PrintedPart, ...]
    """The value first, then what is in it; empty where there is none."""
    error: str = ""
    """Why there is no value: what was raised, or why nothing was evaluated."""
    output: str = ""
    """What was printed meanwhile, cut where it is long."""
    changed: tuple[str, ...] = ()
    """Tensors that were changed in place by it and are not put back."""
    notes: tuple[str, ...] = ()
    """What else could not be put back, or is not known."""


def name_of(expression: str) -> str:
    """Return what an event is called that answers for an expression."""
    return first_line(expression, _MOST_NAME)


def write_part(path: str, type: str, text: str, tensor: str = "null") -> str:
    """Return the text of the wire form of a part; ``tensor`` is the text of its tensor's."""
    return f"[{dumps(path)},{dumps(type)},{dumps(text)},{tensor}]"


def write_printed_tensor(value: str, device: str, requires_grad: bool, node: str) -> str:
    """Return the text of the wire form of a part's tensor; ``value`` is the text of ``V``."""
    return f"[{value},{dumps(device)},{dumps(requires_grad)},{dumps(node)}]"


def write(
    *,
    expression: str,
    function: str,
    parts: Iterable[str],
    error: str,
    output: str,
    changed: Sequence[str],
    notes: Sequence[str],
) -> str:
    """Return the wire form; ``parts``: the texts of theirs."""
    rest = f"{dumps(error)},{dumps(output)},{dumps(list(changed))},{dumps(list(notes))}"
    return f"[{dumps(expression)},{dumps(function)},[{','.join(parts)}],{rest}]"


def read(raw: Wire, data: bytes) -> PrintDetail:
    """Read the wire form."""
    expression, function, parts, error, output, changed, notes = raw
    return PrintDetail(
        str(expression),
        str(function),
        tuple(_read_part(part, data) for part in parts),
        str(error),
        str(output),
        tuple(map(str, changed)),
        tuple(map(str, notes)),
    )


def _read_part(raw: Any, data: bytes) -> PrintedPart:
    path, type_, text, tensor = raw
    return PrintedPart(str(path), str(type_), str(text), None if tensor is None else _read_tensor(tensor, data))


def _read_tensor(raw: Any, data: bytes) -> PrintedTensor:
    value, device, requires_grad, node = raw
    read_back = read_value(value, data)
    if read_back is None:
        raise WireError("a printed tensor has no value")
    return PrintedTensor(read_back, str(device), bool(requires_grad), str(node))


SPEC = Spec(read, is_stop=True)
