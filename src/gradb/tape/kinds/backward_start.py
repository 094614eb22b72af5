"""The engine was asked to run.

``[call, [T...], [T...], retain, create, [T...] or null, [node...]]``, and ``outer`` more where it was called inside of
another (else 0), and ``[node...]`` where ``inputs=`` names edges.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.kinds.tensor import Tensor, read_optional, read_tensors
from gradb.tape.wire import Wire, WireError, dumps, integers, read_last


@dataclass(frozen=True, slots=True)
class BackwardStartDetail:
    """A call into the engine."""

    call: str
    """``backward`` or ``grad``."""
    roots: tuple[Tensor, ...]
    gradients: tuple[Tensor | None, ...]
    """The ``gradient=`` given for each root; None where it was left out (an implicit 1)."""
    retain_graph: bool
    create_graph: bool
    inputs: tuple[Tensor, ...] | None
    """The ``inputs=`` given; None where all leaves are meant."""
    nodes: tuple[int, ...]
    """Ids of the nodes that the engine will run."""
    outer: int = 0
    """seq of the backward_start event of the backward inside of which this one was called (by a custom backward, a hook
    or a checkpoint); 0 where there is none."""
    ends: tuple[int, ...] = ()
    """Ids of the nodes that ``inputs=`` named as edges of the graph, and not as tensors."""


def write(
    *,
    call: str,
    roots: str,
    gradients: str,
    retain_graph: bool,
    create_graph: bool,
    inputs: str | None,
    nodes: list[int],
    outer: int,
    ends: list[int],
) -> str:
    """Return the wire form; ``roots``, ``gradients``, ``inputs``: texts of ``T`` with commas between."""
    given = "null" if inputs is None else f"[{inputs}]"
    rest = f",{outer},{dumps(ends)}" if ends else f",{outer}" if outer else ""
    flags = f"{dumps(retain_graph)},{dumps(create_graph)}"
    return f"[{dumps(call)},[{roots}],[{gradients}],{flags},{given},{dumps(nodes)}{rest}]"


def read(raw: Wire, data: bytes) -> BackwardStartDetail:
    """Read the wire form."""
    call, roots, gradients, retain, create, wanted, nodes, *more = raw
    if len(more) > 2:
        raise WireError("there is more than belongs to an event")
    return BackwardStartDetail(
        str(call),
        read_tensors(roots, data),
        read_optional(gradients, data),
        bool(retain),
        bool(create),
        None if wanted is None else read_tensors(wanted, data),
        integers(nodes),
        read_last(more[:1]) or 0,
        integers(more[1]) if len(more) > 1 else (),
    )


SPEC = Spec(read, phase="backward")
