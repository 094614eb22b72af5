"""G110: a tensor of inference mode is used where autograd has to take note of it."""

from __future__ import annotations

from gradb.diagnosis.errors.row import row
from gradb.diagnosis.errors.scene import Scene
from gradb.diagnosis.errors.source import switch
from gradb.diagnosis.finding import Finding, Step

_CODE = "G110"
_MESSAGES = (
    "Inference tensors cannot be saved for backward",
    "Inplace update to inference tensor outside InferenceMode is not allowed",
    "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed",
)


def _explain(scene: Scene) -> Finding | None:
    if scene.detail.type != "RuntimeError" or not scene.message.startswith(_MESSAGES):
        return None
    for tensor in scene.detail.inputs:
        made = scene.maker(tensor)
        if made is None or made.grad_mode != "inference":
            continue
        found = switch(scene.tape, made)
        where = f" (`{found[1]}` on line {found[0]})" if found is not None else ""
        name = tensor.name or f"a result of {scene.code(made)}"
        origin = f"which {scene.at(made)} made in inference mode{where}"
        message = f"{scene.at(scene.event)} uses {name} with gradients on, {origin}"
        steps = (
            Step(made.seq, f"makes {tensor.name or 'it'} in inference mode"),
            Step(scene.seq, "uses it outside of that"),
        )
        return scene.finding(_CODE, message, culprit=made, steps=steps, tensors=(tensor.name,))
    message = f"{scene.at(scene.event)} uses a tensor that was made in inference mode; which call made it is not known"
    return scene.finding(_CODE, message)


ROWS = (
    row(
        _CODE,
        "a tensor of inference mode is used for training",
        meaning="What inference_mode makes has none of what autograd needs, and never will: it cannot be saved for a "
        "backward, nor be changed in place outside of inference mode.",
        advice="Use torch.no_grad() in place of torch.inference_mode(), or clone() the tensor outside of it.",
        explain=_explain,
    ),
)
