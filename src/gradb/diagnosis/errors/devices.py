"""G119 and G120: tensors of different devices in one call, and a tensor of the meta device, which has no values."""

from __future__ import annotations

import re

from gradb.diagnosis.errors.deciding import Decision, device_of, is_on_meta
from gradb.diagnosis.errors.row import row
from gradb.diagnosis.errors.scene import Scene
from gradb.diagnosis.errors.source import segment
from gradb.diagnosis.finding import Finding, Step
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.kinds.tensor import Tensor

_DEVICES, _NO_VALUES = "G119", "G120"
_APART = re.compile(
    r"Expected all tensors to be on the same device|Tensor on device \S+ is not on the expected device"
    r"|Input and parameter tensors are not at the same device|indices should be either on cpu or on the same device"
    r"|Input type \(torch\.(?:\w+\.)?\w+Tensor\) and (?:weight|bias) type \(torch\.(?:\w+\.)?\w+Tensor\)"
    r"|Expected a '\w+' device type for generator"
)
_EMPTY = re.compile(
    r"Cannot copy out of meta tensor; no data!|Tensor\.item\(\) cannot be called on meta tensors"
    r"|can't convert meta device type tensor to numpy"
)
_ASKED = re.compile(r"([\w.]+)\.(?:item|numpy|tolist)\(")
_MOST = 4


def _apart(scene: Scene) -> Finding | None:
    if scene.detail.type not in {"RuntimeError", "ValueError"} or not _APART.match(scene.message):
        return None
    short = scene.detail.function.rpartition(".")[2].strip("_")
    inputs = scene.detail.inputs[:_MOST]
    if not short or not inputs:
        return None
    names = [one.name or f"input {index}" for index, one in enumerate(inputs)]
    decisions = [device_of(scene, one) for one in inputs]
    told = [_told(scene, *one) for one in zip(names, inputs, decisions, strict=True)]
    where = f" in module {scene.event.scope}" if scene.event.scope else ""
    message = f"{short}{where}, called by {scene.at(scene.event)}, was given tensors of more than one device: "
    return scene.finding(
        _DEVICES, message + "; ".join(told), steps=_steps(scene, names, decisions, "cannot put these together"),
        tensors=tuple(one.name for one in inputs),
    )  # fmt: skip


def _told(scene: Scene, name: str, one: Tensor, decision: Decision | None) -> str:
    """Say what is known of the device of an input."""
    on = " is on meta" if is_on_meta(one) else ""
    if decision is None:
        return f"{name}{on}{',' if on else ':'} what put it where it is was not recorded"
    if decision.what:
        return f"{name} is on {decision.what} by {scene.at(decision.event)}"
    return f"{name}{on}{',' if on else ''} comes from {scene.at(decision.event)}, which names no device"


def _steps(scene: Scene, names: list[str], decisions: list[Decision | None], last: str) -> tuple[Step, ...]:
    found: dict[int, list[str]] = {}
    for name, one in zip(names, decisions, strict=True):
        if one is not None:
            found.setdefault(one.event.seq, []).append(name)
    steps = [Step(seq, f"decides the device of {' and '.join(of)}") for seq, of in sorted(found.items())]
    return *steps, Step(scene.seq, last)


def _no_values(scene: Scene) -> Finding | None:
    types = {"RuntimeError", "NotImplementedError", "TypeError"}
    if scene.detail.type not in types or not _EMPTY.match(scene.message):
        return None
    found = _valueless(scene)
    decision = None if found is None else device_of(scene, found)
    name = None if found is None else found.name
    told = f"{name or 'what it was given'} is on the meta device: it has a shape and a dtype, and no values"
    why = "what put it there was not recorded" if decision is None else f"put there by {scene.at(decision.event)}"
    return scene.finding(
        _NO_VALUES, f"{scene.code(scene.event)} needs values, and {told}; {why}",
        culprit=None if decision is None else decision.event,
        steps=_steps(scene, [name or "it"], [decision], "needs values"), tensors=(name,),
    )  # fmt: skip


def _valueless(scene: Scene) -> Tensor | None:
    """Return the tensor that was asked for values; None where it is not known."""
    inner = scene.tape.detail(scene.seq - 1) if scene.seq > 1 else None  # torch raises it anew, in other words
    given = [*scene.detail.inputs, *(inner.inputs if isinstance(inner, ErrorDetail) else ())]
    found = next((one for one in given if is_on_meta(one)), None)
    asked = _ASKED.match(segment(scene.tape, scene.event))
    if found is not None or asked is None:
        return found
    tensor = scene.tape.tensor(asked[1], scene.seq)
    return None if tensor is None else scene.tape.appearance(tensor, scene.seq)


ROWS = (
    row(
        _DEVICES,
        "tensors of different devices in one call",
        meaning="All tensors of a call have to be on one device. What is made without device= is on the default "
        "device, which is the CPU, and a model is moved only as far as its parameters and buffers are registered.",
        advice="Move what was left behind with .to(device), or make it there with device=; register tensors that "
        "belong to a model as parameters or buffers.",
        explain=_apart,
    ),
    row(
        _NO_VALUES,
        "a tensor of the meta device has no values",
        meaning="Tensors of the meta device have shapes and dtypes alone, so that large models can be made at no "
        "cost. What needs a value cannot be done with them, and moving them to another device has nothing to copy.",
        advice="Use model.to_empty(device=...) and load the weights then, or load_state_dict(..., assign=True).",
        explain=_no_values,
    ),
)
