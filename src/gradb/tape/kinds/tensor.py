"""One appearance of a tensor at an event: ``T`` is ``[id, name, requires_grad, node, output_nr, V]``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradb.tape.values import TensorValue
from gradb.tape.wire import WireError, dumps, integer, read_value, text


@dataclass(frozen=True, slots=True)
class Tensor:
    """One appearance of a tensor at an event."""

    id: int
    """gradb's own id, the same as long as the Python tensor lives; 0 where unknown."""
    name: str | None
    """Variable or parameter name known at this event, e.g. ``a`` or ``layer1.0.weight``."""
    value: TensorValue
    requires_grad: bool = False
    node: int | None = None
    """Id of the node whose output this is: its grad_fn, or for a leaf that requires grad its AccumulateGrad node."""
    output_nr: int = 0
    """Which output of that node."""


UNKNOWN = "[0,null,"
"""How the wire form of a value without an identity begins."""


def write_head(id: int, name: str | None) -> str:
    """Return how the wire form of an appearance begins, which stays the same as long as the tensor has that name."""
    return f"[{id},null," if name is None else f"[{id},{dumps(name)},"


def write_plain(head: str, value: str) -> str:
    """Return ``T`` of a tensor of which no node is told; ``value``: the text of ``V``."""
    return f"{head}false,null,0,{value}]"


AROUND_UNKNOWN = (write_plain(UNKNOWN, "")[:-1], "]")
"""What stands around the text of ``V`` in ``T`` of a tensor without an identity, of which no node is told."""


def write_tensor(head: str, requires_grad: bool, node: int | None, output_nr: int, value: str) -> str:
    """Return ``T``; ``value``: the text of ``V``."""
    flag = "true" if requires_grad else "false"
    return f"{head}{flag},{'null' if node is None else node},{output_nr},{value}]"


def read_tensor(raw: Any, data: bytes) -> Tensor | None:
    """Read ``T`` or null."""
    if raw is None:
        return None
    id_, name, requires_grad, node, output_nr, value = raw
    decoded = read_value(value, data)
    if decoded is None:
        raise WireError("a tensor has no value record")
    return Tensor(int(id_), text(name), decoded, bool(requires_grad), integer(node), int(output_nr))


def read_optional(raw: Any, data: bytes) -> tuple[Tensor | None, ...]:
    """Read ``[T or null...]``."""
    return tuple(read_tensor(item, data) for item in raw)


def read_tensors(raw: Any, data: bytes) -> tuple[Tensor, ...]:
    """Read ``[T...]``; a null is left out."""
    return tuple(tensor for tensor in read_optional(raw, data) if tensor is not None)
