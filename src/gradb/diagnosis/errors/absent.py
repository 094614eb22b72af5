"""G109: the script uses a ``.grad`` that is None: why nothing has filled it."""

from __future__ import annotations

import ast
import re

from gradb.diagnosis.errors.ancestry import ancestry
from gradb.diagnosis.errors.row import row
from gradb.diagnosis.errors.scene import Scene
from gradb.diagnosis.errors.source import expression, line_of, whole_segment
from gradb.diagnosis.finding import Finding, Step
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.kinds.zero_grad import ZeroGradDetail

_CODE = "G109"
_MESSAGE = re.compile(
    r"'NoneType' object (?:has no attribute|does not support|is not)|unsupported operand type.*'NoneType'"
)


def _explain(scene: Scene) -> Finding | None:
    if scene.detail.type not in {"AttributeError", "TypeError"} or not _MESSAGE.search(scene.message):
        return None
    for name in _gradients(scene):
        tensor = scene.tape.tensor(name, scene.seq)
        known = None if tensor is None else scene.tape.appearance(tensor, scene.seq)
        if known is not None and scene.tape.grad(name, scene.seq) is None:
            return _why(scene, name, known)
    return None


def _gradients(scene: Scene) -> list[str]:
    """Return the names of the variables whose ``.grad`` stands where the error was raised."""
    tree = expression(whole_segment(scene.tape, scene.event)) or expression(line_of(scene.tape, scene.event))
    nodes = ast.walk(tree) if tree is not None else ()
    found = [node for node in nodes if isinstance(node, ast.Attribute) and node.attr == "grad"]
    return [ast.unparse(node.value) for node in found]


def _why(scene: Scene, name: str, tensor: Tensor) -> Finding | None:
    made = scene.maker(tensor)
    node = None if tensor.node is None else scene.tape.node(tensor.node)
    if not tensor.requires_grad:
        return _not_required(scene, name, tensor)
    if node is not None and node.kind != "accumulate":
        code = f"{scene.at(made)} computed it" if made is not None else "a call computed it"
        steps = (Step(made.seq, f"computes {name}: no leaf any more"),) if made is not None else ()
        advice = f"Call requires_grad_() on the result in place of its input, or {name}.retain_grad()"
        message = f"{name}.grad is None: {name} is no leaf, for {code}, and backward fills .grad of leaves only"
        return scene.finding(_CODE, message, culprit=made, steps=steps, tensors=(name,), advice=advice)
    return _unfilled(scene, name, tensor)


def _not_required(scene: Scene, name: str, tensor: Tensor) -> Finding:
    found = ancestry(scene.tape, tensor, scene.seq)
    cut = found.cuts[0].event if found.cuts else None
    message = f"{name}.grad is None: {name} does not require grad"
    steps: tuple[Step, ...] = ()
    advice = f"Make {name} with requires_grad=True, before the forward"
    if cut is not None:
        off = " while gradients were off" if cut.grad_mode != "on" else ""
        message += f"; {scene.at(cut)} made a new tensor{off}"
        steps = (Step(cut.seq, f"makes a new {name}, which does not require grad"),)
        advice = f"Change {name} in place under no_grad ({name} -= ...), and do not assign a new tensor to it"
    return scene.finding(_CODE, message, culprit=cut, steps=steps, tensors=(name,), advice=advice)


def _unfilled(scene: Scene, name: str, tensor: Tensor) -> Finding | None:
    backward = scene.tape.latest("backward_start", scene.seq)
    if scene.tape.latest("depth", scene.seq) is not None:
        return None
    touched = scene.tape.touched_grad(tensor.id, scene.seq)
    if touched is not None:
        event, detail = scene.tape.event(touched[0]), scene.tape.detail(touched[0])
        if not isinstance(detail, ZeroGradDetail):
            return None
        message = f"{name}.grad is None: {scene.at(event)} has cleared it, and no backward has filled it since"
        steps = (Step(event.seq, f"sets {name}.grad to None"),)
        return scene.finding(_CODE, message, culprit=event, steps=steps, tensors=(name,))
    if backward is None:
        return scene.finding(_CODE, f"{name}.grad is None: no backward was called before", tensors=(name,))
    begun = scene.tape.event(backward)
    away = f"the backward {scene.place(begun)} did not come to it: its loss does not depend on {name}"
    message = f"{name}.grad is None, and {away}"
    steps = (Step(backward, f"fills other gradients, and not that of {name}"),)
    return scene.finding(_CODE, message, culprit=begun, steps=steps, tensors=(name,))


ROWS = (
    row(
        _CODE,
        "a .grad is None",
        meaning="The .grad of a tensor is None until a backward fills it. Backward fills only leaves that require grad "
        "and that the loss depends on; zero_grad() sets them to None again.",
        advice="Call backward first, on a loss that was computed from the tensor itself.",
        explain=_explain,
    ),
)
