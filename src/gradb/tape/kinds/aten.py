"""An ATen call that an op or a node made, recorded only where somebody looks into it.

``[start, number, function, [T...], [T...], [[keyword, text]...], inplace]``
"""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.kinds.tensor import Tensor, read_tensors
from gradb.tape.wire import Wire, dumps, read_pairs


@dataclass(frozen=True, slots=True)
class AtenDetail:
    """An ATen call that returned, inside an op or a node."""

    start: int
    """seq of the node_start event of the node that made it; of a forward op, seq of the op's first call."""
    number: int
    """Which call of the op or node it is, from 1."""
    function: str
    """Name with overload, e.g. ``aten.mul.Tensor``."""
    inputs: tuple[Tensor, ...]
    """As they were before the call. A gradient that flows into the node is named ``upstream``."""
    outputs: tuple[Tensor, ...]
    arguments: tuple[tuple[str, str], ...]
    """All arguments in call order: (parameter, text), the text as in ``OpDetail``."""
    is_inplace: bool = False
    """True when it wrote to an input (or to ``out=``)."""


def write(
    *, start: int, number: int, function: str, inputs: str, outputs: str, arguments: str, is_inplace: bool
) -> str:
    """Return the wire form.

    Args:
        start: as in ``AtenDetail``.
        number: as in ``AtenDetail``.
        function: as in ``AtenDetail``.
        inputs: the texts of ``T``, with commas between.
        outputs: the same.
        arguments: the texts of ``[keyword, text]``, with commas between.
        is_inplace: as in ``AtenDetail``.
    """
    flag = "true" if is_inplace else "false"
    return f"[{start},{number},{dumps(function)},[{inputs}],[{outputs}],[{arguments}],{flag}]"


def read(raw: Wire, data: bytes) -> AtenDetail:
    """Read the wire form."""
    start, number, function, inputs, outputs, arguments, inplace = raw
    seen, made = read_tensors(inputs, data), read_tensors(outputs, data)
    return AtenDetail(int(start), int(number), str(function), seen, made, read_pairs(arguments), bool(inplace))


SPEC = Spec(read)
