"""G105, G106, G111: what cannot be done to a tensor: integers that require grad, leaves and views changed in place."""

from __future__ import annotations

import re

from gradb.diagnosis.errors.row import row
from gradb.diagnosis.errors.scene import Scene
from gradb.diagnosis.finding import Finding, Step
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor

_INTEGER, _LEAF, _VIEW = "G105", "G106", "G111"
_FLOATING = re.compile(r"[Oo]nly Tensors of floating point (?:and complex )?dtype can require gradients")
_OF_LEAF = re.compile(
    r"a (view of a )?leaf Variable that requires grad (?:is being|has been) used in an in-place operation"
)
_OF_VIEW = re.compile(
    r"(?:Output \d+ of \w+ is a view and|A view was created in (?:no_grad|inference) mode and)"
    r" is being modified inplace"
)
_MAX_VIEWS = 16


# --- G105 -------------------------------------------------------------------------------------------------------------


def _integer(scene: Scene) -> Finding | None:
    if scene.detail.type != "RuntimeError" or not _FLOATING.match(scene.message):
        return None
    given = scene.detail.inputs[:1]
    code = scene.code(scene.event)
    if not given:
        return scene.finding(_INTEGER, f"{code} {scene.place(scene.event)} asks for gradients of whole numbers")
    tensor, maker = given[0], scene.maker(given[0])
    name = tensor.name or "what it was given"
    made = f", made by {scene.at(maker)}" if maker is not None else ""
    steps: tuple[Step, ...] = (
        (Step(maker.seq, f"makes {name}, of dtype {tensor.value.dtype}"),) if maker is not None else ()
    )
    message = f"{code} {scene.place(scene.event)} asks for gradients of {name}, which is {tensor.value.dtype}{made}"
    steps += (Step(scene.seq, "asks for gradients of it"),)
    return scene.finding(_INTEGER, message, steps=steps, tensors=(tensor.name,))


# --- G106 -------------------------------------------------------------------------------------------------------------


def _leaf(scene: Scene) -> Finding | None:
    told = _OF_LEAF.search(scene.message) if scene.detail.type == "RuntimeError" else None
    if told is None:
        return None
    written = _written(scene)
    if written is None:
        return scene.finding(_LEAF, "a leaf that requires grad is changed in place; which is not known")
    leaf = _base(scene, written)
    name, made = (leaf or written).name or "a leaf", None if leaf is None else scene.maker(leaf)
    through = (
        f" by way of its view {written.name}" if leaf is not None and leaf.id != written.id and written.name else ""
    )
    message = f"{scene.at(scene.event)} changes {name}{through} in place, which is a leaf that requires grad"
    steps: tuple[Step, ...] = (Step(made.seq, f"{name} requires grad from here on"),) if made is not None else ()
    steps += (Step(scene.seq, f"changes {name} in place, with gradients on"),)
    return scene.finding(_LEAF, message, steps=steps, tensors=(name if leaf or written.name else None, written.name))


def _written(scene: Scene) -> Tensor | None:
    """Return the tensor that the call was to write to."""
    inputs, out = scene.detail.inputs, dict(scene.detail.arguments).get("out", "")
    if out.startswith("%") and out[1:].isdecimal() and int(out[1:]) < len(inputs):
        return inputs[int(out[1:])]
    return inputs[0] if inputs else None


def _base(scene: Scene, tensor: Tensor) -> Tensor | None:
    """Return the leaf that a tensor is, or is a view of."""
    for _ in range(_MAX_VIEWS):
        node = None if tensor.node is None else scene.tape.node(tensor.node)
        if node is not None and node.kind == "accumulate":
            return tensor
        made = scene.tape.defined_at(tensor.id, scene.seq)
        detail = None if made is None else scene.tape.detail(made)
        if not isinstance(detail, OpDetail) or not detail.inputs or detail.inputs[0].id == tensor.id:
            return None
        tensor = detail.inputs[0]
    return None


# --- G111 -------------------------------------------------------------------------------------------------------------


def _view(scene: Scene) -> Finding | None:
    told = _OF_VIEW.match(scene.message) if scene.detail.type == "RuntimeError" else None
    if told is None:
        return None
    view = _written(scene)
    if view is None:
        return scene.finding(_VIEW, "a view is changed in place that torch does not let be changed; which is not known")
    made, name = scene.maker(view), view.name or "what it was given"
    base, code = "a tensor", ""
    if made is not None:
        detail = scene.tape.detail(made.seq)
        base = (detail.inputs[0].name if isinstance(detail, OpDetail) and detail.inputs else None) or base
        code = f", made by {scene.at(made)}"
    message = f"{scene.at(scene.event)} changes {name} in place, and {name} is a view of {base}{code}"
    advice = (
        f"Make a tensor of its own before it is changed ({name} = {name}.clone()), or use the form that makes a new one"
    )
    if scene.message.startswith("A view was created in"):
        message += ", while gradients were off"
        advice = "Make the view and change it both under no_grad, or both outside of it"
    steps: tuple[Step, ...] = (Step(made.seq, f"makes {name}, a view of {base}"),) if made is not None else ()
    steps += (Step(scene.seq, f"changes {name} in place"),)
    return scene.finding(_VIEW, message, steps=steps, tensors=(view.name,), advice=advice)


ROWS = (
    row(
        _INTEGER,
        "gradients of whole numbers",
        meaning="A gradient says what a small change does. Integers and truth values have none, so only tensors of "
        "floating point (or complex) numbers can require grad. torch.tensor([1, 2]) is of int64.",
        advice="Make it of floating point numbers: 1.0 in place of 1, dtype=torch.float32, or .float() before.",
        explain=_integer,
    ),
    row(
        _LEAF,
        "a leaf that requires grad is changed in place",
        meaning="A leaf is where gradients end. Changed in place with gradients on, it would be a result of its own "
        "old value, and no leaf any more.",
        advice="Change it under torch.no_grad(), as optimizers do; or compute a new tensor out of it.",
        explain=_leaf,
    ),
    row(
        _VIEW,
        "a view is changed in place that must not be",
        meaning="A view shares its memory with another tensor, and a change in place has to be told to the graph of "
        "both. For views that one call made several of (unbind, split, chunk), and for those made under no_grad, "
        "torch does not.",
        advice="Clone the view before it is changed, or use the form of the call that makes a new tensor.",
        explain=_view,
    ),
)
