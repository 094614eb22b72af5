"""All kinds of events; every table over them derives from here.

A new kind is a file beside this one, and its four lines here, the one in ``SPECS`` last: its place there is the number
that stands for it on a tape.
"""

from __future__ import annotations

import json
from typing import Literal

from gradb.tape.kinds import (
    accumulate,
    aten,
    backward_end,
    backward_start,
    breakpoint as breakpoint_,
    depth,
    end,
    error,
    grad_change,
    hook,
    intervention,
    leaf,
    loss,
    node,
    node_start,
    note,
    op,
    output,
    print_,
    probe,
    step,
    zero_grad,
)
from gradb.tape.kinds.spec import Phase, Spec
from gradb.tape.wire import WireError

Kind = Literal[
    "leaf",
    "op",
    "backward_start",
    "node_start",
    "aten",
    "node",
    "probe",
    "accumulate",
    "hook",
    "backward_end",
    "zero_grad",
    "grad_change",
    "step",
    "loss",
    "intervention",
    "depth",
    "output",
    "error",
    "note",
    "end",
    "breakpoint",
    "print",
]
Detail = (
    leaf.LeafDetail
    | op.OpDetail
    | backward_start.BackwardStartDetail
    | node_start.NodeStartDetail
    | aten.AtenDetail
    | node.NodeDetail
    | probe.ProbeDetail
    | accumulate.AccumulateDetail
    | hook.HookDetail
    | backward_end.BackwardEndDetail
    | zero_grad.ZeroGradDetail
    | grad_change.GradChangeDetail
    | step.StepDetail
    | loss.LossDetail
    | intervention.InterventionDetail
    | depth.DepthDetail
    | output.OutputDetail
    | error.ErrorDetail
    | note.NoteDetail
    | end.EndDetail
    | breakpoint_.BreakpointDetail
    | print_.PrintDetail
)

SPECS: dict[Kind, Spec] = {
    "leaf": leaf.SPEC,
    "op": op.SPEC,
    "backward_start": backward_start.SPEC,
    "node_start": node_start.SPEC,
    "aten": aten.SPEC,
    "node": node.SPEC,
    "probe": probe.SPEC,
    "accumulate": accumulate.SPEC,
    "hook": hook.SPEC,
    "backward_end": backward_end.SPEC,
    "zero_grad": zero_grad.SPEC,
    "grad_change": grad_change.SPEC,
    "step": step.SPEC,
    "loss": loss.SPEC,
    "intervention": intervention.SPEC,
    "depth": depth.SPEC,
    "output": output.SPEC,
    "error": error.SPEC,
    "note": note.SPEC,
    "end": end.SPEC,
    "breakpoint": breakpoint_.SPEC,
    "print": print_.SPEC,
}

CODES: dict[Kind, int] = {kind: number for number, kind in enumerate(SPECS)}
"""The number that stands for each kind on a tape."""

KINDS: dict[object, Kind] = {number: kind for kind, number in CODES.items()}
"""The kinds, by their numbers."""


def numbers_of(*kinds: Kind) -> str:
    """Return the numbers of some kinds as an SQL list: ``1, 5``."""
    return ", ".join(str(CODES[kind]) for kind in kinds)


PARTS: frozenset[Kind] = frozenset({"node_start", "node", "aten", "backward_end"})
"""Kinds whose detail begins with the seq of an event that they are part of."""

PHASE_OF_KIND: dict[Kind, Phase] = {kind: spec.phase for kind, spec in SPECS.items() if spec.phase is not None}
"""Phase of each kind; all others take the phase of the event before them."""

STOP_KINDS: frozenset[Kind] = frozenset(kind for kind, spec in SPECS.items() if spec.is_stop)
"""Kinds at which an ordinary step stops (unless the event is quiet)."""


def decode(kind: str, text: str, data: bytes | None) -> Detail:
    """Read a detail back.

    Raises:
        WireError: the kind is unknown, the JSON is not of the wire form, or a size does not fit.
    """
    spec = SPECS.get(kind)  # type: ignore[call-overload]
    if spec is None:
        raise WireError(f"unknown kind of event {kind!r}")
    try:
        detail: Detail = spec.read(json.loads(text), data or b"")
    except WireError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise WireError(f"the detail of a {kind} event is damaged: {error}") from error
    return detail
