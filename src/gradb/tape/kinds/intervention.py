"""Something was changed from outside, the zero_grad policy or the learning rate: ``[what, before, after]``."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.wire import Wire, dumps


@dataclass(frozen=True, slots=True)
class InterventionDetail:
    """Something was changed from outside."""

    what: str
    """``zero_grad`` (the policy) or ``lr`` (the learning rate of every optimizer)."""
    before: str
    """``script`` or what it was set to before."""
    after: str
    """``script``, ``off`` or ``on``; ``script`` or a number."""


def write(*, what: str, before: str, after: str) -> str:
    """Return the wire form."""
    return dumps([what, before, after])


def read(raw: Wire, data: bytes) -> InterventionDetail:
    """Read the wire form."""
    return InterventionDetail(str(raw[0]), str(raw[1]), str(raw[2]))


SPEC = Spec(read, is_stop=True)
