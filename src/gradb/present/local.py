"""The local derivative of one edge as text: recognised as one number, a diagonal, a choice or a full Jacobian."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gradb.present import theme
from gradb.present.numbers import numbers_lines
from gradb.present.safe import plain
from gradb.rules.figures import number
from gradb.tape.frame import Chain, ChainEdge, Local

if TYPE_CHECKING:
    from gradb.rules.explain import Explanation

_MAX_ROWS = 8


def local_lines(
    local: Local, explanation: Explanation, chain: Chain, edge: ChainEdge, width: int
) -> tuple[list[Text], str]:
    """Return the local derivative's numbers, or why there are none, and a remark on their form."""
    dtype = _dtype(chain, edge)
    if local.structure == "unknown" or local.values is None:
        return _unknown(local, explanation, chain, edge, dtype, width)
    body, note = _known(local, chain, edge, dtype, width)
    return body, " ".join(filter(None, (note, _FORMS[local.form], local.note and f"({plain(local.note, 100)})")))


_FORMS = {
    "real": "",
    "complex": "(holomorphic: the conjugate of the derivative)",
    "conjugate": "(holomorphic in z*: upstream is conjugated)",
    "from_real": "(∂/∂Re + i·∂/∂Im: 2 ∂/∂z*)",
    "parts": "(not holomorphic: real and imaginary parts apart)",
}


def _known(local: Local, chain: Chain, edge: ChainEdge, dtype: str, width: int) -> tuple[list[Text], str]:
    assert local.values is not None
    texts = [number(value or 0, dtype) for value in local.values]  # a one-hot probe leaves -0 where nothing flows
    if local.structure == "diagonal":
        return numbers_lines(texts, _shape(len(texts), chain, edge), width, style=theme.LOCAL), "(diagonal)"
    if local.structure in {"permutation", "selection", "block", "dense"}:
        what = "each output is one of the inputs" if local.structure in {"permutation", "selection"} else "Jacobian"
        rows = numbers_lines(texts, (local.rows, local.columns), width, _MAX_ROWS, theme.LOCAL)
        return rows, f"({what}: {local.rows} outputs × {local.columns} inputs)"
    single = texts[0] if texts else {"identity": "1", "zero": "0"}.get(local.structure, "")
    return [Text(single, style=theme.LOCAL)], _note(local)


def _note(local: Local) -> str:
    if local.structure == "sum" and local.rows == 1:
        return f"(for each of {local.columns} summed)"
    if local.structure == "sum" and local.columns == 1:
        return f"(for each of {local.rows} copies)"
    notes = {"identity": "(passes unchanged)", "zero": "(nothing passes)", "scalar": "(for every element)"}
    return notes.get(local.structure, "(the same for all that are summed)")


def _unknown(
    local: Local, explanation: Explanation, chain: Chain, edge: ChainEdge, dtype: str, width: int
) -> tuple[list[Text], str]:
    predicted = explanation.predicted
    if not predicted and explanation.has_formula and not chain.upstream:
        return [Text("numbers come with backward", style=theme.DIM)], ""
    if not predicted:
        return [Text(plain(local.note, 200) or "not measured", style=theme.DIM)], ""
    texts = [number(value, dtype) for value in predicted]
    if all(value == predicted[0] for value in predicted):
        return [Text(texts[0], style=theme.LOCAL)], "(by the formula)"
    return numbers_lines(texts, _shape(len(texts), chain, edge), width, style=theme.LOCAL), "(by the formula)"


def _shape(count: int, chain: Chain, edge: ChainEdge) -> tuple[int, ...]:
    """Return the shape in which one factor an element is shown: the tensors' own where it is known."""
    values = (edge.downstream, edge.tensor.value if edge.tensor else None, chain.output.value if chain.output else None)
    return next((value.shape for value in values if value is not None and value.numel == count), (count,))


def _dtype(chain: Chain, edge: ChainEdge) -> str:
    value = edge.downstream or (edge.tensor.value if edge.tensor else None)
    if value is None and chain.output is not None:
        value = chain.output.value
    return value.dtype if value is not None else "float64"
