"""The arguments of calls, as the tape keeps them: which tensors there are, and short texts of everything else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from gradb.tape.cutting import shortened
from gradb.tape.wire import write_pair, write_unnamed

_NUMBERS = frozenset(map(id, (int, float, bool, type(None))))
"""By identity: a class of the script's may be one that runs its code to be compared, or cannot be hashed."""


def argument_text(key: str, value: Any, indexes: dict[int, int]) -> str:
    """Return the wire form of one argument; what needs no escapes is put together by hand."""
    if not key:
        if id(type(value)) in _NUMBERS:
            text = repr(value)
            if len(text) <= 60:
                return write_unnamed(text)
        elif isinstance(value, torch.Tensor) and (index := indexes.get(id(value))) is not None:
            return write_unnamed(f"%{index}")
    return write_pair(key, describe(value, indexes))


def tensors_in(values: Iterable[Any]) -> list[torch.Tensor]:
    """Return the tensors among values and the lists and tuples in them, in order."""
    found: list[torch.Tensor] = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found.extend(item for item in value if isinstance(item, torch.Tensor))
    return found


LITERALS = (
    int,
    float,
    complex,
    bool,
    str,
    bytes,
    type(None),
    slice,
    torch.dtype,
    torch.device,
    torch.layout,
    torch.memory_format,
    type(...),
)
"""Types of what is shown by its ``repr``."""
_SHOWN = frozenset(map(id, LITERALS))


def describe(value: Any, indexes: dict[int, int]) -> str:
    """Return a short text of an argument without running anybody's ``__repr__``."""
    if isinstance(value, torch.Tensor):
        return f"%{indexes[id(value)]}" if id(value) in indexes else "tensor"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(describe(item, indexes) for item in value[:8]) + (", …" if len(value) > 8 else "")
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    if isinstance(value, slice):
        return f"slice({', '.join(describe(part, indexes) for part in (value.start, value.stop, value.step))})"
    if id(type(value)) in _SHOWN:
        text = repr(value)
        return shortened(text, 60)
    return f"<{type(value).__name__}>"
