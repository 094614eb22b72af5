"""Recording became more or less detailed: ``[depth, reason, [T...], [V...]]``."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.kinds.tensor import Tensor, read_tensors
from gradb.tape.values import TensorValue
from gradb.tape.wire import Wire, WireError, dumps, read_values


@dataclass(frozen=True, slots=True)
class DepthDetail:
    """Recording became more or less detailed."""

    depth: str
    """``full`` (every event) or ``watch`` (losses, gradient norms, interventions, errors and output)."""
    reason: str
    """One clause: who or what asked for it."""
    leaves: tuple[Tensor, ...] = ()
    """When everything is recorded again: the leaves as they are then."""
    gradients: tuple[TensorValue | None, ...] = ()
    """Their ``.grad``, in the order of ``leaves``."""


def write(*, depth: str, reason: str, leaves: str = "", gradients: str = "") -> str:
    """Return the wire form; ``leaves``: texts of ``T``, ``gradients``: of ``V``, with commas between."""
    return f"[{dumps(depth)},{dumps(reason)},[{leaves}],[{gradients}]]"


def read(raw: Wire, data: bytes) -> DepthDetail:
    """Read the wire form."""
    depth, reason, leaves, gradients = raw
    tensors, values = read_tensors(leaves, data), read_values(gradients, data)
    if len(tensors) != len(values):
        raise WireError("a change of depth does not say the same of each leaf")
    return DepthDetail(str(depth), str(reason), tensors, values)


SPEC = Spec(read, is_stop=True)
