"""G104 and G108: what a backward is called on, or is asked for, is of a kind that there is no gradient of."""

from __future__ import annotations

import re

from gradb.diagnosis.errors.row import row
from gradb.diagnosis.errors.scene import Scene, shape_text
from gradb.diagnosis.finding import Finding, Step
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor

_SCALAR, _UNUSED = "G104", "G108"
_IMPLICIT = "grad can be implicitly created only for"
_NOT_USED = re.compile(r"differentiated Tensors? (?:at index (\d+) )?appears? to not have been used in the graph")
_NOT_REQUIRED = "One of the differentiated Tensors does not require grad"


# --- G104 -------------------------------------------------------------------------------------------------------------


def _implicit(scene: Scene) -> Finding | None:
    if scene.detail.type != "RuntimeError" or not scene.message.startswith(_IMPLICIT):
        return None
    is_complex = scene.message.startswith(f"{_IMPLICIT} real")
    unfit = [one for one in scene.detail.inputs if one.value.numel != 1 or (is_complex and _is_complex(one))]
    if not unfit:
        return scene.finding(_SCALAR, "backward was called on what is not one real number; which tensor is not known")
    root = unfit[0]
    maker, name = scene.maker(root), root.name or "what backward was called on"
    what = f"of dtype {root.value.dtype}" if is_complex else f"of shape {shape_text(root)}, not one number"
    message = f"{name} is {what}{_made(scene, maker)}"
    steps: tuple[Step, ...] = (Step(maker.seq, f"makes {root.name or 'it'}"),) if maker is not None else ()
    steps += (Step(scene.seq, f"a backward from {shape_text(root)} values needs a weight for each"),)
    return scene.finding(
        _SCALAR, message, culprit=maker, steps=steps, tensors=(root.name,), advice=_scalar_advice(scene, root, maker)
    )


def _is_complex(one: Tensor) -> bool:
    return one.value.dtype.startswith("complex")


def _made(scene: Scene, maker: Event | None) -> str:
    if maker is None:
        return ""
    unreduced = "; reduction='none' leaves one loss for each element" if _is_unreduced(scene, maker) else ""
    return f", made by {scene.at(maker)}{unreduced}"


def _is_unreduced(scene: Scene, maker: Event) -> bool:
    detail = scene.tape.detail(maker.seq)
    return isinstance(detail, OpDetail) and dict(detail.arguments).get("reduction", "").strip("'\"") == "none"


def _scalar_advice(scene: Scene, root: Tensor, maker: Event | None) -> str:
    name = root.name or "it"
    if maker is not None and _is_unreduced(scene, maker):
        return f"Use reduction='mean' or 'sum', or call backward on {name}.mean()"
    return (
        f"Call backward on {name}.sum() or {name}.mean(), or give gradient= with the shape of {name}"
        if not _is_complex(root)
        else ""
    )


# --- G108 -------------------------------------------------------------------------------------------------------------


def _unused(scene: Scene) -> Finding | None:
    told = _NOT_USED.search(scene.message)
    if scene.detail.type != "RuntimeError" or (told is None and scene.message != _NOT_REQUIRED):
        return None
    run = scene.failed_run()
    start = None if run is None else scene.tape.detail(run.start)
    if not isinstance(start, BackwardStartDetail) or not start.inputs:
        return scene.finding(
            _UNUSED, "one of the tensors that autograd.grad was asked for is not in the graph; which is not known"
        )
    if told is None:
        return _without_grad(scene, start.inputs)
    chosen = _chosen(start, told[1])
    if chosen is None:
        return scene.finding(
            _UNUSED, "one of the tensors that autograd.grad was asked for is not in the graph; which is not known"
        )
    index, tensor = chosen
    return _not_in_graph(scene, start, index, tensor)


def _chosen(start: BackwardStartDetail, index: str | None) -> tuple[int, Tensor] | None:
    """Return the tensor that torch means; an older one does not say which."""
    inputs = start.inputs or ()
    if index is not None:
        return (int(index), inputs[int(index)]) if int(index) < len(inputs) else None
    apart = [(number, one) for number, one in enumerate(inputs) if one.node not in start.nodes]
    return apart[0] if len(apart) == 1 else None


def _without_grad(scene: Scene, inputs: tuple[Tensor, ...]) -> Finding:
    found = next(((number, one) for number, one in enumerate(inputs) if not one.requires_grad), None)
    if found is None:
        return scene.finding(_UNUSED, "one of the tensors that autograd.grad was asked for does not require grad")
    index, tensor = found
    maker, name = scene.maker(tensor), tensor.name or f"input {index}"
    message = f"autograd.grad was asked for the gradient of {name} (input {index}), which does not require grad"
    if maker is not None:
        message += f"; it was made by {scene.at(maker)}"
    steps: tuple[Step, ...] = (
        (Step(maker.seq, f"makes {name}, which does not require grad"),) if maker is not None else ()
    )
    advice = f"Call {name}.requires_grad_() before the forward that is to be differentiated"
    return scene.finding(_UNUSED, message, culprit=maker, steps=steps, tensors=(tensor.name,), advice=advice)


def _not_in_graph(scene: Scene, start: BackwardStartDetail, index: int, tensor: Tensor) -> Finding:
    roots = ", ".join(root.name for root in start.roots if root.name) or "the root"
    name = tensor.name or f"input {index}"
    made, root_made = scene.maker(tensor), scene.maker(start.roots[0]) if start.roots else None
    message = f"{name} (input {index} of autograd.grad) is not among what {roots} was computed from"
    steps = [Step(one.seq, words) for one, words in ((made, f"makes {name}"), (root_made, f"makes {roots}")) if one]
    if made is not None and root_made is not None and made.seq > root_made.seq:
        message += f": {name} was made {scene.place(made)}, after {roots} {scene.place(root_made)}"
    steps.append(Step(scene.seq, f"asks for the gradient of {roots} by {name}"))
    return scene.finding(_UNUSED, message, culprit=scene.event, steps=tuple(steps), tensors=(tensor.name,))


ROWS = (
    row(
        _SCALAR,
        "backward from what is not a single number",
        meaning="Backward begins with the derivative of a loss by itself, which is 1 for one number. For a tensor of "
        "many it has to be told how much each counts.",
        advice="Reduce the loss to one number, by mean() or sum(), or give gradient= with its shape.",
        explain=_implicit,
    ),
    row(
        _UNUSED,
        "autograd.grad of a tensor that is not in the graph",
        meaning="autograd.grad goes from its outputs back to its inputs. One of the inputs is not on any way back: it "
        "does not require grad, was not used, or is another tensor than the one that was (a copy, a view made later).",
        advice="Ask for the very tensor that the forward used; allow_unused=True gives None for one that was not.",
        explain=_unused,
    ),
)
