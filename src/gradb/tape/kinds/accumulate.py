"""A .grad buffer was filled: ``[tensor, parameter, V, V, V, backward, calls]``.

``calls`` may be left out where it is null.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.values import TensorValue
from gradb.tape.wire import Wire, dumps, read_last, read_value


@dataclass(frozen=True, slots=True)
class AccumulateDetail:
    """A .grad buffer was filled."""

    tensor: int
    """Tensor id of the leaf."""
    parameter: str
    """Name of the leaf (``a``, ``layer1.0.weight``), or ``leaf #id``."""
    before: TensorValue | None
    """None where ``.grad`` was None."""
    added: TensorValue | None
    after: TensorValue | None
    backward: int = 0
    """seq of the backward_start event."""
    calls: int | None = None
    """As in ``OpDetail``."""


def write(
    *, tensor: int, parameter: str, before: str, added: str, after: str, backward: int, calls: int | None = None
) -> str:
    """Return the wire form; ``before``, ``added``, ``after``: the texts of ``V``."""
    rest = "" if calls is None else f",{calls}"
    return f"[{tensor},{dumps(parameter)},{before},{added},{after},{backward}{rest}]"


def read(raw: Wire, data: bytes) -> AccumulateDetail:
    """Read the wire form."""
    tensor, parameter, before, added, after, backward, *rest = raw
    old, new, sum_ = (read_value(item, data) for item in (before, added, after))
    return AccumulateDetail(int(tensor), str(parameter), old, new, sum_, int(backward), read_last(rest))


SPEC = Spec(read, phase="backward", is_stop=True)
