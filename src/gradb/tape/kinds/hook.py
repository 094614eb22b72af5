"""A hook of the script was registered, or has run.

``[kind, function, where, tensor, output_nr, has_run, is_changed, [T...], [T...], backward]``, and ``inplace, error``
more where it wrote into what it was given, or raised.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.kinds.tensor import Tensor, read_optional
from gradb.tape.wire import Wire, dumps


@dataclass(frozen=True, slots=True)
class HookDetail:
    """A hook of the script's own was registered on a tensor, or has run."""

    kind: str
    """``tensor``, ``node pre``, ``node``, ``post-accumulate``, ``module pre`` or ``module``; ``removed`` where one was
    taken off again."""
    function: str
    """The hook's qualified name."""
    where: str
    """``file:line`` of its definition, or empty."""
    tensor: int
    """Tensor id of the tensor it hangs on; 0 for nodes and modules."""
    output_nr: int
    """Which output of the node that tensor is."""
    has_run: bool
    """False where it was registered only."""
    is_changed: bool
    """True when the gradients it was given are not those that go on."""
    before: tuple[Tensor | None, ...]
    """The gradients it was given: upstream of a node, or downstream for ``node`` and ``module``; ``.grad`` for
    ``post-accumulate``."""
    after: tuple[Tensor | None, ...]
    """The same after it."""
    backward: int
    """seq of the backward_start event; 0 where it was registered only."""
    is_inplace: bool = False
    """True when it wrote into what it was given: whoever else was sent the same tensor gets the change too."""
    error: str = ""
    """``Type: message`` of what it raised."""


def write(
    *,
    kind: str,
    function: str,
    where: str,
    tensor: int,
    output_nr: int,
    has_run: bool,
    is_changed: bool,
    before: str,
    after: str,
    backward: int,
    is_inplace: bool = False,
    error: str = "",
) -> str:
    """Return the wire form; ``before`` and ``after``: texts of ``T`` with commas between."""
    words = f"{dumps(kind)},{dumps(function)},{dumps(where)}"
    flags = f"{dumps(has_run)},{dumps(is_changed)}"
    more = f",{dumps(is_inplace)},{dumps(error)}" if is_inplace or error else ""
    return f"[{words},{tensor},{output_nr},{flags},[{before}],[{after}],{backward}{more}]"


def read(raw: Wire, data: bytes) -> HookDetail:
    """Read the wire form."""
    kind, function, where, tensor, output_nr, has_run, is_changed, before, after, backward, *more = raw
    words, place = (str(kind), str(function), str(where)), (int(tensor), int(output_nr))
    values = read_optional(before, data), read_optional(after, data)
    is_inplace, error = more or (False, "")
    flags = bool(has_run), bool(is_changed)
    return HookDetail(*words, *place, *flags, *values, int(backward), bool(is_inplace), str(error))


SPEC = Spec(read, phase="backward", is_stop=True)
