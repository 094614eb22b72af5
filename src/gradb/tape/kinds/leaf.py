"""A tensor that requires grad came into being, or began to require it: ``[T, how]``."""

from __future__ import annotations

import json
from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.kinds.tensor import Tensor, read_tensors
from gradb.tape.wire import Wire, WireError, dumps


@dataclass(frozen=True, slots=True)
class LeafDetail:
    """A leaf that requires grad."""

    tensor: Tensor
    how: str = ""
    """The call that made it, e.g. ``torch.tensor`` or ``requires_grad_``."""


def write(*, tensor: str, how: str) -> str:
    """Return the wire form; ``tensor``: the text of ``T``."""
    return f"[{tensor},{dumps(how)}]"


def read(raw: Wire, data: bytes) -> LeafDetail:
    """Read the wire form."""
    (tensor,) = read_tensors(raw[:1], data)
    return LeafDetail(tensor, str(raw[1]))


def read_id(text: str) -> int:
    """Read the tensor's id alone of the text of a wire form.

    Raises:
        WireError: it is damaged.
    """
    try:
        return int(json.loads(text)[0][0])
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise WireError(f"the detail of a leaf event is damaged: {error}") from error


SPEC = Spec(read, phase="forward", is_stop=True)
