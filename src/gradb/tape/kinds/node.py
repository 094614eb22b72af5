"""A node has run, downstream is known.

``[start, [T...], calls]``, and ``[T left...]`` more where it wrote into upstream. ``calls`` may be left out at the end
where it is null.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.kinds.tensor import Tensor, read_optional
from gradb.tape.wire import Wire, read_last


@dataclass(frozen=True, slots=True)
class NodeDetail:
    """A node has run."""

    start: int
    """seq of the node_start event."""
    downstream: tuple[Tensor | None, ...]
    """dL/d(input), one per edge in the order of ``next_functions``; None where undefined."""
    calls: int | None = None
    """As in ``OpDetail``."""
    left: tuple[Tensor | None, ...] = ()
    """upstream as the node left it, where its own code wrote into what it was given; empty where it did not."""


def write(*, start: int, downstream: str, calls: int | None = None, left: str | None = None) -> str:
    """Return the wire form; ``downstream``, and ``left`` where it wrote into upstream: texts of ``T`` with commas."""
    if left is not None:
        return f"[{start},[{downstream}],{'null' if calls is None else calls},[{left}]]"
    return f"[{start},[{downstream}]]" if calls is None else f"[{start},[{downstream}],{calls}]"


def read(raw: Wire, data: bytes) -> NodeDetail:
    """Read the wire form."""
    left = read_optional(raw[3], data) if len(raw) > 3 else ()
    return NodeDetail(int(raw[0]), read_optional(raw[1], data), read_last(raw[2:3] + raw[4:]), left)


SPEC = Spec(read, phase="backward", is_stop=True)
