"""Gradients were changed and are not all zero: clipped, unscaled, given noise, edited.

``[by, [[tensor, parameter, V, V]...], norm or null, norm or null]``
"""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.buffer import BufferChange, read_buffers
from gradb.tape.kinds.spec import Spec
from gradb.tape.wire import Wire, dumps, number


@dataclass(frozen=True, slots=True)
class GradChangeDetail:
    """Gradients were changed, and are not all zero."""

    by: str
    """``clip_grad_norm_``, ``GradScaler.unscale_``, ``grad.div_``, ``grad = value``, ``grad.data = value`` ..."""
    changed: tuple[BufferChange, ...]
    """Only those that are not what they were."""
    norm_before: float | None
    """2-norm of all elements of those gradients together; None where it is not known."""
    norm_after: float | None


def write(*, by: str, changed: list[str], norm_before: float | None, norm_after: float | None) -> str:
    """Return the wire form; ``changed``: what ``write_buffer`` returned for each buffer."""
    return f"[{dumps(by)},[{','.join(changed)}],{dumps(norm_before)},{dumps(norm_after)}]"


def read(raw: Wire, data: bytes) -> GradChangeDetail:
    """Read the wire form."""
    by, changed, before, after = raw
    return GradChangeDetail(str(by), read_buffers(changed, data), number(before), number(after))


SPEC = Spec(read, phase="gradients", is_stop=True)
