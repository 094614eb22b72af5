"""The engine returned, or raised: ``[start, [T...], error]``."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.kinds.tensor import Tensor, read_optional
from gradb.tape.wire import Wire, dumps


@dataclass(frozen=True, slots=True)
class BackwardEndDetail:
    """The engine returned or raised."""

    start: int
    results: tuple[Tensor | None, ...] = ()
    """What ``torch.autograd.grad`` returned; empty for backward."""
    error: str = ""
    """``Type: message`` where the engine raised."""


def write(*, start: int, results: str, error: str) -> str:
    """Return the wire form; ``results``: texts of ``T`` with commas between."""
    return f"[{start},[{results}],{dumps(error)}]"


def read(raw: Wire, data: bytes) -> BackwardEndDetail:
    """Read the wire form."""
    return BackwardEndDetail(int(raw[0]), read_optional(raw[1], data), str(raw[2]))


SPEC = Spec(read, phase="backward")
