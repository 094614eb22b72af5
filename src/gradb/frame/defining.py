"""Which tensors an event defines: outputs of an op, a leaf, parameters after a step."""

from __future__ import annotations

from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.registry import Detail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor


def defined_by(detail: Detail) -> dict[int, Tensor]:
    """Return the tensors that an event defines, by id."""
    match detail:
        case LeafDetail(tensor):
            return {tensor.id: tensor}
        case OpDetail() as op:
            changed = op.inputs[:1] if op.is_inplace else ()
            return {tensor.id: tensor for tensor in (*op.inputs, *changed, *reversed(op.outputs))}
        case BackwardStartDetail() as start:
            return {tensor.id: tensor for tensor in (*(start.inputs or ()), *start.roots)}
        case StepDetail() as step:
            return {tensor.id: tensor for tensor in step.parameters}
        case DepthDetail() as depth:
            return {tensor.id: tensor for tensor in depth.leaves}
        case BackwardEndDetail() as end:
            return {tensor.id: tensor for tensor in end.results if tensor is not None}
    return {}
