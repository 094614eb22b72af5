"""G101: a value that was saved for backward was changed in place before backward needed it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gradb.diagnosis.errors.memory import Change, changes
from gradb.diagnosis.errors.row import row
from gradb.diagnosis.errors.scene import FailedRun, Scene
from gradb.diagnosis.finding import Finding, Step
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.graph import Node
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor

_CODE = "G101"
_MESSAGE = re.compile(
    r"one of the variables needed for gradient computation has been modified by an inplace operation"
    r"(?:: \[[\w.]+ \[(?P<shape>[\d, ]*)\]\])?"
)
_VERSIONS = re.compile(r"is at version (?P<found>\d+); expected version (?P<expected>\d+)")
_STEP_ADVICE = (
    "Call backward for everything that was computed with the old parameters before the step, or compute it anew after"
)
_MOST = 3


@dataclass(frozen=True, slots=True)
class _Saved:
    """A tensor that a node may have saved."""

    ids: frozenset[int]
    """Its own and that of the tensor that it is a view of."""
    name: str | None
    storage: int
    is_certain: bool
    """False where it was not read what the node saved: one that the op was given or returned."""


def _explain(scene: Scene) -> Finding | None:
    told = _MESSAGE.search(scene.message) if scene.detail.type == "RuntimeError" else None
    if told is None:
        return None
    run = scene.failed_run()
    node = None if run is None or run.node is None else scene.tape.node(run.node)
    if run is None or node is None:
        return scene.finding(_CODE, f"a value that backward needs was changed in place; {_unknown(scene)}")
    shape = None if told["shape"] is None else tuple(int(size) for size in told["shape"].split(",") if size.strip())
    suspects = _suspects(scene, node, shape)
    for suspect in suspects:
        found = changes(scene.tape, suspect.ids, node.event, scene.seq)
        found = found or _by_backward(scene, suspect, node)
        if found:
            return _culprit(scene, run, node, suspect, found)
    return _no_culprit(scene, run, node, suspects)


def _by_backward(scene: Scene, suspect: _Saved, node: Node) -> list[Change]:
    """Return the runs of custom backwards that wrote to a memory, where no call in them was seen to do it."""
    return [Change(scene.tape.event(seq), "") for seq in scene.tape.touched(suspect.storage, node.event, scene.seq)]


def _unknown(scene: Scene) -> str:
    depth = scene.tape.latest("depth", scene.seq)
    if depth is not None:
        return "which one and by what is not known: this part of the run was only watched"
    return "which one and by what is not known: no node of a recorded backward was running"


def _suspects(scene: Scene, node: Node, shape: tuple[int, ...] | None) -> list[_Saved]:
    """Return what the node saved that has the shape which torch names."""
    record = scene.tape.saved_record(node.id)
    maker = scene.tape.detail(node.event)
    shown = {one.id: one for one in (*maker.inputs, *maker.outputs)} if isinstance(maker, OpDetail) else {}
    entries = [one for one in record.tensors if one.form == "tensor" and one.tensor + one.base]
    if entries:
        fitting = [one for one in entries if shape is None or one.value is None or one.value.shape == shape]
        return [
            _Saved(
                frozenset({one.tensor, one.base} - {0}),
                _name(scene, shown, one.tensor or one.base, node.event),
                one.storage,
                True,
            )
            for one in fitting
        ]
    alike = [one for one in shown.values() if shape is None or sorted(one.value.shape) == sorted(shape)]
    return [_Saved(frozenset({one.id}), one.name, 0, False) for one in alike]


def _name(scene: Scene, shown: dict[int, Tensor], tensor: int, event: int) -> str | None:
    name = shown[tensor].name if tensor in shown else None
    return name or scene.tape.label(tensor, event) or scene.tape.label(tensor, scene.seq)


def _culprit(scene: Scene, run: FailedRun, node: Node, suspect: _Saved, found: list[Change]) -> Finding:
    saver, change = scene.tape.event(node.event), found[0]
    what = suspect.name or "what it worked with"
    versions = _VERSIONS.search(scene.message)
    by = f"{change.event.name}.step()" if change.is_step else ""
    did = f"{by} {scene.place(change.event)}" if by else scene.at(change.event)
    if change.event.kind == "node":
        did = f"the backward of {change.event.name} (made {scene.place(change.event)})"
    sure = "changed" if change.is_sure else "probably changed"
    count = f", and {len(found) - 1} more changed it after that" if len(found) > 1 else ""
    saved = "saved" if suspect.is_certain else "most likely saved (what it saved was not read)"
    message = f"{scene.at(saver)} {saved} {what} for its backward, and {did} {sure} it in place{count}"
    if versions:
        message += f" (saved at version {versions['expected']}, found at version {versions['found']})"
    steps = [Step(saver.seq, f"{node.name} saves {what}")]
    steps += [
        Step(one.event.seq, f"changes it in place{f' by way of {one.by}' if one.by and one.by != suspect.name else ''}")
        for one in found[:_MOST]
    ]
    steps += [Step(run.event, f"{node.name} needs it as it was")]
    advice = _STEP_ADVICE if change.is_step else ""
    return scene.finding(
        _CODE, message, culprit=change.event, steps=tuple(steps), tensors=(suspect.name, change.by), advice=advice
    )


def _no_culprit(scene: Scene, run: FailedRun, node: Node, suspects: list[_Saved]) -> Finding:
    saver: Event = scene.tape.event(node.event)
    names = [one.name for one in suspects if one.name]
    what = names[0] if len(suspects) == 1 and names else "a tensor that it needs"
    message = (
        f"{scene.at(saver)} saved {what} for its backward, and it was changed in place since; by what is not known: "
        "no recorded call wrote to it"
    )
    steps = (Step(saver.seq, f"{node.name} saves {what}"), Step(run.event, f"{node.name} needs it as it was"))
    return scene.finding(_CODE, message, culprit=saver, steps=steps, tensors=tuple(names))


ROWS = (
    row(
        _CODE,
        "a value that backward needs was changed in place",
        meaning="A call saved a tensor to compute its gradient later. Something wrote into that tensor (or into a view "
        "of it) before backward came to it: the gradient would be computed from other numbers than the forward used, "
        "so torch refuses. It counts a version for each change in place, and compares.",
        advice="Use the form that makes a new tensor (`y = y + 1` in place of `y += 1`, no `inplace=True`), or change "
        "a clone.",
        explain=_explain,
    ),
)
