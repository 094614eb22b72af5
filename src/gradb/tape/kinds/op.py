"""A call of the torch API returned tensors, or changed one in place.

``[function, [T...], [T...], [[keyword, text]...], [node...], inplace, calls]``, and more inside of a backward: ``true``
where a checkpoint computed it again, else the node's id. ``calls`` may be left out at the end where it is null.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.kinds.tensor import Tensor, read_tensors
from gradb.tape.wire import Wire, WireError, integer, integers, read_last, read_pairs


@dataclass(frozen=True, slots=True)
class OpDetail:
    """A call of the torch API."""

    function: str
    """e.g. ``Tensor.pow``."""
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    arguments: tuple[tuple[str, str], ...]
    """All arguments in call order: (keyword or empty, text). A tensor's text is ``%i`` with i its index in ``inputs``;
    anything else is a short repr."""
    nodes: tuple[int, ...]
    """Ids of the nodes this call created, oldest first."""
    is_inplace: bool = False
    calls: int | None = None
    """seq of the first ATen call recorded of it; 0: it was looked into and made none; None: it was not looked into."""
    is_recomputed: bool = False
    """True where a checkpoint computed its forward again, inside of a backward."""
    inside: int | None = None
    """Id of the node whose own Python code called it, in its backward or in a hook; 0: of one that is not known."""


def write(
    *,
    function: str,
    inputs: str,
    outputs: str,
    arguments: str = "",
    nodes: list[int],
    is_inplace: bool,
    calls: int | None = None,
    is_within: bool = False,
    inside: int | None = None,
) -> str:
    """Return the wire form.

    Args:
        function: its name as JSON.
        inputs: the texts of ``T``, with commas between.
        outputs: the same.
        arguments: the texts of ``[keyword, text]``, with commas between.
        nodes: as in ``OpDetail``.
        is_inplace: as in ``OpDetail``.
        calls: as in ``OpDetail``.
        is_within: whether it was called inside of a backward.
        inside: there, the id of the node; None where a checkpoint computed it again.
    """
    flag = "true" if is_inplace else "false"
    rest = ""
    if is_within:
        rest = f",{'null' if calls is None else calls},{'true' if inside is None else inside}"
    elif calls is not None:
        rest = f",{calls}"
    return f"[{function},[{inputs}],[{outputs}],[{arguments}],{nodes},{flag}{rest}]"


def read(raw: Wire, data: bytes) -> OpDetail:
    """Read the wire form."""
    function, inputs, outputs, arguments, nodes, inplace, *rest = raw
    seen, made = read_tensors(inputs, data), read_tensors(outputs, data)
    known = read_pairs(arguments), integers(nodes), bool(inplace), read_last(rest[:1])
    if len(rest) > 2:
        raise WireError("there is more than belongs to an event")
    within = rest[1] if len(rest) == 2 else None
    return OpDetail(str(function), seen, made, *known, within is True, None if within is True else integer(within))


SPEC = Spec(read, phase="forward", is_stop=True)
