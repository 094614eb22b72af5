"""One ``.grad`` buffer that was cleared or changed: ``[tensor, parameter, V, V]``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradb.tape.values import TensorValue
from gradb.tape.wire import dumps, read_value


@dataclass(frozen=True, slots=True)
class BufferChange:
    """One gradient that was cleared or changed."""

    tensor: int
    parameter: str
    before: TensorValue | None
    """None where ``.grad`` was None."""
    after: TensorValue | None
    """None for set-to-none."""


def write_buffer(*, tensor: int, parameter: str, before: str, after: str) -> str:
    """Return the wire form; ``before`` and ``after``: the texts of ``V``."""
    return f"[{tensor},{dumps(parameter)},{before},{after}]"


def read_buffers(raw: Any, data: bytes) -> tuple[BufferChange, ...]:
    """Read the wire forms of several."""
    return tuple(BufferChange(int(t), str(p), read_value(b, data), read_value(a, data)) for t, p, b, a in raw)
