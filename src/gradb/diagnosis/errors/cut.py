"""G103: what backward was called on does not require grad: the call or the context that cut the way to the leaves."""

from __future__ import annotations

import re
from dataclasses import replace

from gradb.diagnosis.errors.ancestry import Ancestry, Cut, ancestry
from gradb.diagnosis.errors.modes import Change, change_before
from gradb.diagnosis.errors.row import row
from gradb.diagnosis.errors.scene import Scene
from gradb.diagnosis.errors.source import function_at, switch
from gradb.diagnosis.finding import Finding, Step
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.tensor import Tensor

_CODE = "G103"
_MESSAGE = re.compile(r"element (\d+) of (?:tensors|variables) does not require grad and does not have a grad_fn")
_MOST = 3
_DETACHING = frozenset({"detach", "detach_"})
_WHOLE = re.compile(r"u?int\d+|bool|long|short|byte")
_CHOOSING = frozenset({"argmax", "argmin", "argsort", "nonzero", "topk", "searchsorted", "bucketize"})
_COMPARING = frozenset({"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "eq", "ne", "lt", "le", "gt", "ge"})


def _explain(scene: Scene) -> Finding | None:
    told = _MESSAGE.search(scene.message) if scene.detail.type == "RuntimeError" else None
    if told is None:
        return None
    root = _root(scene, int(told[1]))
    if root is None:
        why = "this part of the run was only watched"
        message = f"what backward was called on leads to nothing that requires grad; why is not known: {why}"
        return scene.finding(_CODE, message)
    name = root.name or "what backward was called on"
    found = ancestry(scene.tape, root, scene.seq)
    if found.cuts:
        return _cut(scene, name, root, found)
    return _without(scene, name, root, found)


def _root(scene: Scene, index: int) -> Tensor | None:
    """Return the tensor that torch means."""
    run = scene.failed_run()
    detail = None if run is None else scene.tape.detail(run.start)
    if not isinstance(detail, BackwardStartDetail) or index >= len(detail.roots):
        return None
    return detail.roots[index]


def _cut(scene: Scene, name: str, root: Tensor, found: Ancestry) -> Finding:
    cuts = found.cuts[:_MOST]
    reasons = [_reason(scene, cut) for cut in cuts]
    message = f"{name} does not lead back to anything that requires grad: {'; '.join(reasons)}"
    steps = [Step(cut.event.seq, _step(cut)) for cut in sorted(cuts, key=lambda cut: cut.event.seq)]
    steps.append(Step(scene.seq, f"backward from {name} has no graph to go through"))
    names = (root.name, *(cut.source for cut in cuts))
    advice = _advice(scene, cuts[0])
    found_here = scene.finding(_CODE, message, culprit=cuts[0].event, steps=tuple(steps), tensors=names, advice=advice)
    return found_here if cuts[0].line is None else replace(found_here, line=cuts[0].line)


def _step(cut: Cut) -> str:
    what = cut.source or "what requires grad"
    if cut.how == "numbers":
        return f"{'makes' if cut.line is None else 'uses'} a new tensor of the numbers of {what}"
    return f"takes {what}.data, which has no graph" if cut.how == "data" else f"is given {what}, and returns no graph"


def _reason(scene: Scene, cut: Cut) -> str:
    """Say what cut the way, with the line."""
    code = scene.at(cut.event)
    if cut.how == "numbers":
        made = code if cut.line is None else f"`{cut.code}` on line {cut.line}"
        return f"{made} makes a new tensor of the numbers of {cut.source}"
    if cut.how == "data":
        return f"{code} uses {cut.source}.data, which is {cut.source} without its graph"
    short = cut.function.rpartition(".")[2]
    if short in _DETACHING:
        return f"{code} detaches {cut.source or 'it'} from its graph"
    if _is_off(cut):
        return f"{code} ran while gradients were off{_context(scene, cut.event)}"
    if _WHOLE.fullmatch(cut.dtype):
        return f"{code} returns {cut.dtype}{_why(short)}, and through {_kind(cut.dtype)} no gradient flows"
    if cut.function == "torch.tensor":
        return f"{code} makes a new tensor, a copy without the graph"
    return (
        f"{code} returned something without a graph, though it was given {cut.source or 'a tensor'} that requires grad"
    )


def _why(short: str) -> str:
    return " (a choice)" if short in _CHOOSING else " (a comparison)" if short in _COMPARING else ""


def _kind(dtype: str) -> str:
    return "truth values" if dtype == "bool" else "integers"


def _is_off(cut: Cut) -> bool:
    return cut.how == "call" and cut.event.grad_mode != "on"


def _context(scene: Scene, event: Event) -> str:
    """Say what switched gradients off: what stands around the call, or between which calls it happened."""
    found = switch(scene.tape, event)
    if found is not None:
        line, text = found
        return f" (`{text}` on line {line})"
    change = change_before(scene.tape, event)
    if change.likely is None:
        by = "what switched them off is not known"
    else:
        by = f"likely by `{change.likely[1]}` on line {change.likely[0]}"
    return f" ({_between(scene, change, event)}; {by})"


def _between(scene: Scene, change: Change, event: Event) -> str:
    """Say between which calls gradients went off."""
    off = _point(scene, change.off, event)
    if change.on is not None:
        return f"they went off between {_point(scene, change.on, event)} and {off}"
    return f"no call recorded before {off} ran with them on" if change.is_whole else f"they were off at {off} already"


def _point(scene: Scene, one: Event, event: Event) -> str:
    """Return the place of a call, with its function, and its iteration where that is another than the call's."""
    function = function_at(scene.tape, one)
    inside = "" if function is None else f" in {function.name}"
    return f"{scene.place(one).removeprefix('on ').removeprefix('at ')}{inside}" + (
        f" in iteration {one.iteration}" if one.iteration != event.iteration else ""
    )


def _advice(scene: Scene, cut: Cut) -> str:
    short, name = cut.function.rpartition(".")[2], cut.source or "it"
    if cut.how == "numbers":
        return f"Compute with {name} itself: numbers that left torch by item(), tolist() or numpy() have no graph"
    if cut.how == "data":
        return f"Use {name} in place of {name}.data"
    if short in _DETACHING:
        return f"Leave out the {short}() of {name}, if gradients are to flow through it"
    if _is_off(cut):
        return "Compute what the loss depends on outside of no_grad, inference_mode and set_grad_enabled(False)"
    if _WHOLE.fullmatch(cut.dtype):
        return (
            "Compute the loss from the scores before the choice or comparison (cross_entropy, or a soft version of it)"
        )
    return ""


def _without(scene: Scene, name: str, root: Tensor, found: Ancestry) -> Finding:
    """Say that nothing on the way requires grad."""
    ceased = [(name, event) for name, event in found.frozen.items() if event is not None]
    steps = [Step(event.seq, f"from here on {name} does not require grad") for name, event in ceased[:_MOST]]
    if not found.frozen:
        steps += [Step(event.seq, "makes a tensor that does not require grad") for event in found.made[:_MOST]]
    steps.append(Step(scene.seq, f"backward from {name} has no graph to go through"))
    message = f"{name} does not lead back to anything that requires grad"
    if found.frozen:
        names = ", ".join(list(found.frozen)[:_MOST]) + (" …" if len(found.frozen) > _MOST else "")
        message += (
            f": of what it was computed from, {names} {'do' if len(found.frozen) > 1 else 'does'} not require grad"
        )
    elif found.made:
        message += f": it begins at {', '.join(scene.at(event) for event in found.made[:_MOST])}"
    maker = None if found.frozen or found.made else scene.maker(root)
    if maker is not None:
        steps.insert(0, Step(maker.seq, f"makes {name}"))
        message += f": it was made by {scene.at(maker)}, and of what is not known"
    elif not (found.frozen or found.made):
        message += "; what it was computed from is not known"
    culprit = found.made[0] if found.made and not found.frozen else maker
    return scene.finding(
        _CODE, message, culprit=culprit, steps=tuple(steps), tensors=(root.name, *found.frozen),
        advice="Set requires_grad_(True) on what is to be trained, before the forward",
    )  # fmt: skip


ROWS = (
    row(
        _CODE,
        "backward from what has no graph",
        meaning="Backward goes from a loss back through the calls that computed it, as far as something required grad. "
        "Here nothing does: either the parameters do not, or a call on the way returned a tensor without a graph. "
        "detach(), .data, item(), numpy(), argmax, comparisons and casts to integers do that, and everything under "
        "no_grad or inference_mode.",
        advice="Compute the loss from what requires grad, without leaving the graph on the way.",
        explain=_explain,
    ),
)
