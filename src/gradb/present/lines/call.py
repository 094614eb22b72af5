"""A forward call as one would write it: ``c ** 2``, ``d.sum()``, ``F.relu(x)``."""

from __future__ import annotations

import re

from gradb.frame.chain.record import Chain
from gradb.frame.frame import Aten, Frame
from gradb.present.draw.numbers import shape_text
from gradb.present.draw.safe import plain
from gradb.tape.cutting import listed
from gradb.tape.kinds.aten import AtenDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.op import OpDetail

_MAX_NAME = 40
_INSIDE = re.compile(r"(?<![^\[( ])%([0-9]{1,6})(?![^\]), ])")
"""An input of the call: alone, or in a list or tuple."""
_MAX_SOURCE = 60
_MAX_SHAPES = 6
_FALSE_BY_DEFAULT = frozenset(
    {"inplace", "keepdim", "requires_grad", "ceil_mode", "return_indices", "sparse", "scale_grad_by_freq", "log_target"}
    | {"is_causal", "non_blocking", "copy", "pin_memory", "descending", "stable", "swap", "zero_infinity", "full"}
    | {"hard", "enable_gqa"}
)
"""Keywords that modules pass on without need: ``reduce=None``, ``inplace=False``. Any other False tells something."""
_OPERATORS = {
    "add": "{} + {}",
    "radd": "{1} + {0}",
    "iadd": "{} += {}",
    "sub": "{} - {}",
    "rsub": "{1} - {0}",
    "isub": "{} -= {}",
    "mul": "{} * {}",
    "rmul": "{1} * {0}",
    "imul": "{} *= {}",
    "div": "{} / {}",
    "truediv": "{} / {}",
    "rtruediv": "{1} / {0}",
    "rdiv": "{1} / {0}",
    "itruediv": "{} /= {}",
    "pow": "{} ** {}",
    "rpow": "{1} ** {0}",
    "matmul": "{} @ {}",
    "rmatmul": "{1} @ {0}",
    "neg": "-{}",
    "getitem": "{}[{}]",
}
"""Calls that Python writes as operators, by bare name; ``{}`` are the arguments in order."""


def call_text(op: OpDetail) -> str:
    """Return a forward call in the script's names; an unnamed tensor is ``·``."""
    texts = [_argument(op, text) for _, text in op.arguments]
    owner, _, name = op.function.rpartition(".")
    bare = name.strip("_")
    if name.endswith("_") and not name.startswith("_"):  # in place: relu_, add_
        bare = name
    pattern = _OPERATORS.get(bare)
    is_positional = not any(keyword for keyword, _ in op.arguments)
    if pattern is not None and is_positional and owner.endswith("Tensor") and pattern.count("{") == len(texts):
        return pattern.format(*texts)
    given = zip(op.arguments, texts, strict=True)
    shown = [f"{plain(k, 30)}={t}" if k else t for (k, text), t in given if not _is_default(k, text)]
    if owner.endswith("Tensor") and shown and is_first_positional(op):
        return f"{shown[0]}.{plain(name, _MAX_NAME)}({', '.join(shown[1:])})"
    function = plain(op.function, 60).replace("torch.nn.functional.", "F.")
    return f"{function}({', '.join(shown)})"


def forward_text(frame: Frame, chain: Chain) -> str:
    """Return the call that made a node: for an operator the script's own text (``2 * a``), else the call."""
    if chain.op is None:
        return ""
    is_operator = chain.op.function.rpartition(".")[2].strip("_") in _OPERATORS
    return (written(frame, chain.op_event) if is_operator else "") or call_text(chain.op)


def written(frame: Frame, event: Event | None) -> str:
    """Return what stands in the script at the place of an event: ``2 * a``; empty where it is not on one line shown."""
    view = frame.source
    if event is None or view is None or event.file != view.file or event.line != event.end_line:
        return ""
    if event.line is None or event.line > len(view.lines) or event.column is None or event.end_column is None:
        return ""
    raw = view.lines[event.line - 1].encode("utf-8", "replace")[event.column : event.end_column]
    return plain(raw.decode("utf-8", "replace"), _MAX_SOURCE)


def _is_default(keyword: str, text: str) -> bool:
    return bool(keyword) and (text == "None" or (text == "False" and keyword in _FALSE_BY_DEFAULT))


def is_first_positional(op: OpDetail) -> bool:
    """Tell whether the first argument was given without a keyword."""
    return bool(op.arguments) and not op.arguments[0][0]


def _argument(op: OpDetail, text: str) -> str:
    return plain(_INSIDE.sub(lambda found: _input(op, int(found[1])), text), _MAX_NAME)


def _input(op: OpDetail, index: int) -> str:
    return (op.inputs[index].name or "·") if index < len(op.inputs) else "·"


def aten_clause(aten: Aten | None, detail: AtenDetail) -> str:
    """Return ``aten.mm.default → [2 × 3], call 2 of MmBackward0``."""
    shapes = listed((shape_text(tensor.value.shape) for tensor in detail.outputs), _MAX_SHAPES)
    whose = aten.name if aten is not None and aten.name else "this op"
    return f"{detail.function}{f' → {shapes}' if shapes else ''}, call {detail.number} of {whose}"
