"""Each step of a road in a few words."""

from __future__ import annotations

from gradb.diagnosis.nonfinite.reading import Reading, counts, place
from gradb.frame.origins import Origins
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.step import StepDetail


def call_name(origins: Origins, seq: int) -> str:
    """Return who acted at an event: the call, node, optimizer or hook."""
    match origins.detail(seq):
        case OpDetail(function=function):
            return function
        case StepDetail(optimizer=optimizer):
            return f"{optimizer}.step"
        case HookDetail(function=function):
            return f"the hook {function}"
        case GradChangeDetail(by=by):
            return by
    return origins.event(seq).name


def named(origins: Origins, one: Reading) -> str:
    """Return what a value is called, or else what it is: ``the gradient that SqrtBackward0 sends on``."""
    if one.name:
        return one.name
    event = origins.event(one.event)
    match one.role:
        case "downstream":
            return f"the gradient that {event.name} sends on"
        case "upstream":
            return f"the gradient that {event.name} was sent"
        case "after" | "before" | "added" | "gradient" | "captured" | "result":
            return "the gradient"
        case "root":
            return "what backward began from"
        case "input":
            return f"an input of {call_name(origins, one.event)}"
    return f"the result of {call_name(origins, one.event)}"


def hop_text(origins: Origins, one: Reading) -> str:
    """Return what happened to a value at an event, and how much of it is not finite."""
    event = origins.event(one.event)
    much = counts(one.value)
    where = place(one.value.shape, one.element)
    state = f": {much}{f', followed at {where}' if where else ''}" if much else ""
    match event.kind:
        case "op" if one.side == "read":
            return f"{call_name(origins, one.event)} is given {one.name or 'a tensor'}{state}"
        case "op":
            return f"{call_name(origins, one.event)} makes {one.name or 'its result'}{state}"
        case "node":
            return f"{event.name} sends on{state}"
        case "node_start":
            return f"{event.name} is sent{state}"
        case "accumulate":
            return f"added to {one.name}{state}"
        case "step" if isinstance(detail := origins.detail(one.event), StepDetail) and detail.skipped:
            return f"GradScaler skips {call_name(origins, one.event)}, which was to use {one.name}{state}"
        case "step":
            return f"{call_name(origins, one.event)} {'writes' if one.side == 'made' else 'uses'} {one.name}{state}"
        case "backward_start":
            return f"{event.name} begins from {one.name or 'it'}{state}"
    return f"{call_name(origins, one.event)}: {named(origins, one)}{state}"
