"""G116 and G117: what a call was given does not fit together: shapes, dtypes. Which inputs, and who made them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gradb.diagnosis.errors.deciding import dtype_of
from gradb.diagnosis.errors.row import row
from gradb.diagnosis.errors.scene import Scene, shape_text
from gradb.diagnosis.finding import Finding, Step
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.tensor import Tensor

_SHAPE, _DTYPE = "G116", "G117"
_SHAPES = re.compile(
    r"mat1 and mat2 shapes cannot be multiplied|The size of tensor a \(\d+\) must match the size of tensor b"
    r"|shape '\[.*\]' is invalid for input of size|Given (?:groups|transposed)=\d+, weight of size"
    r"|Sizes of tensors must match except in dimension|Expected input batch_size \(\d+\) to match target batch_size"
    r"|inconsistent tensor size, expected tensor|running_mean should contain \d+ elements"
    r"|Given normalized_shape=|Using a target size \(.*\) that is different to the input size"
    r"|Mismatch in shape: grad_output|Expected (?:size for first two|batch1|tensor to have size)|size mismatch, got"
    r"|stack expects each tensor to be equal size|output with shape \[.*\] doesn't match the broadcast shape"
)
_DTYPES = re.compile(
    r"expected m1 and m2 to have the same dtype|mat1 and mat2 must have the same dtype"
    r"|expected scalar type \w+ but found|expected target dtype to be|Found dtype \w+ but expected"
    r"|Input type \([\w:]+\) and (?:bias|weight) type"
    r"|Expected tensor for argument #\d+ '\w+' to have one of the following scalar types"
    r"|mean\(\): could not infer output dtype|.* not implemented for '\w+'|expected .* to have the same dtype"
    r"|result type \w+ can't be cast to the desired output type"
)
_MOST = 4


def _shapes(scene: Scene) -> Finding | None:
    return _misfit(scene, _SHAPE) if _is(scene, _SHAPES) else None


def _dtypes(scene: Scene) -> Finding | None:
    return _misfit(scene, _DTYPE) if _is(scene, _DTYPES) else None


def _is(scene: Scene, pattern: re.Pattern[str]) -> bool:
    types = {"RuntimeError", "ValueError", "NotImplementedError"}
    return scene.detail.type in types and bool(scene.detail.inputs) and pattern.match(scene.message) is not None


def _misfit(scene: Scene, code: str) -> Finding:
    """Say what the call was given, and who made it."""
    short = scene.detail.function.rpartition(".")[2].strip("_")
    inputs = scene.detail.inputs[:_MOST]
    names = [one.name or f"input {index}" for index, one in enumerate(inputs)]
    facts = [f"{name} {_fact(one, code)}" for name, one in zip(names, inputs, strict=True)]
    where = f" in module {scene.event.scope}" if scene.event.scope else ""
    message = f"{short}{where}, called by {scene.at(scene.event)}, was given {', '.join(facts)}"
    makers = [(name, one, scene.maker(one)) for name, one in zip(names, inputs, strict=True)]
    steps = _decisions(scene, makers) if code == _DTYPE else []
    steps += [Step(made.seq, f"makes {name} {_fact(one, code)}") for name, one, made in makers if made is not None]
    steps = [*sorted(steps, key=lambda step: step.event), Step(scene.seq, "cannot put these together")]
    return scene.finding(
        code, message, culprit=_odd(scene, inputs) if code == _DTYPE else None, steps=tuple(steps),
        tensors=tuple(one.name for one in inputs), advice=_advice(short, inputs) if code == _SHAPE else "",
    )  # fmt: skip


def _decisions(scene: Scene, makers: Sequence[tuple[str, Tensor, Event | None]]) -> list[Step]:
    """Return what first was of the dtype that an input has, where what made that only kept it."""
    found = []
    for name, one, made in makers:
        decision = None if made is None else dtype_of(scene, one)
        if made is not None and decision is not None and decision.event.seq != made.seq:
            found.append(Step(decision.event.seq, f"is {decision.what}, of which {name} is computed"))
    return found


def _advice(short: str, inputs: tuple[Tensor, ...]) -> str:
    """Return which features a linear layer gets and which it takes; of others it depends on what was meant."""
    if short != "linear" or len(inputs) < 2 or not inputs[0].value.shape or len(inputs[1].value.shape) != 2:
        return ""
    given, taken = inputs[0].value.shape[-1], inputs[1].value.shape[1]
    return f"The layer takes {taken} features (in_features={taken}) and is given {given}: make the two the same"


def _fact(one: Tensor, code: str) -> str:
    return shape_text(one) if code == _SHAPE else one.value.dtype


def _odd(scene: Scene, inputs: tuple[Tensor, ...]) -> Event | None:
    """Return the event that made the only input that is of another dtype than all others, where there are three."""
    dtypes = [one.value.dtype for one in inputs]
    alone = [one for one in inputs if dtypes.count(one.value.dtype) == 1]
    return scene.maker(alone[0]) if len(alone) == 1 and len(inputs) > 2 else None


ROWS = (
    row(
        _SHAPE,
        "shapes that do not fit together",
        meaning="A call was given tensors whose shapes it cannot put together. torch says the shapes that it came to "
        "in the end (a weight transposed, an input flattened); here are those that it was given, and what made them.",
        advice="Follow the steps to the call that made the shape that was not meant, or change the layer to fit it.",
        explain=_shapes,
    ),
    row(
        _DTYPE,
        "dtypes that do not fit together",
        meaning="A call was given tensors of dtypes that it does not take, or not together. Arrays of NumPy are "
        "float64 where torch's tensors are float32; class numbers have to be int64.",
        advice="Convert what does not fit where it is made: .float(), .long(), or dtype=.",
        explain=_dtypes,
    ),
)
