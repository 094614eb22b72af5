"""Gradients were cleared: by an idiom, or by anything else after which they are all zero.

``[idiom, [[tensor, parameter, V, V]...], suppressed]``
"""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.buffer import BufferChange, read_buffers
from gradb.tape.kinds.spec import Spec
from gradb.tape.wire import Wire, dumps


@dataclass(frozen=True, slots=True)
class ZeroGradDetail:
    """Gradients were cleared."""

    idiom: str
    """``optimizer.zero_grad``, ``module.zero_grad``, ``grad.zero_``, ``grad = None`` or ``del grad``, or what else left
    nothing but zeros (``grad.mul_``, ``grad = value``); what gradb itself cleared is ``policy on``."""
    cleared: tuple[BufferChange, ...]
    """What was to be cleared; of a suppressed call, ``after`` is what was there before."""
    is_suppressed: bool = False
    """True when the policy ``off`` made the call do nothing."""


def write(*, idiom: str, cleared: list[str], is_suppressed: bool = False) -> str:
    """Return the wire form; ``cleared``: what ``write_buffer`` returned for each buffer."""
    return f"[{dumps(idiom)},[{','.join(cleared)}],{'true' if is_suppressed else 'false'}]"


def read(raw: Wire, data: bytes) -> ZeroGradDetail:
    """Read the wire form."""
    return ZeroGradDetail(str(raw[0]), read_buffers(raw[1], data), bool(raw[2]))


SPEC = Spec(read, phase="gradients", is_stop=True)
