"""G107: a backward returned gradients of the wrong number, shape or kind."""

from __future__ import annotations

import re

from gradb.algebra.figures import counted
from gradb.diagnosis.errors.row import row
from gradb.diagnosis.errors.scene import FailedRun, Scene, shape_text
from gradb.diagnosis.finding import Finding, Step
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.graph import Node
from gradb.tape.kinds.op import OpDetail

_CODE = "G107"
_INVALID = re.compile(
    r"Function (?P<name>\w+) returned an invalid gradient at index (?P<index>\d+) - (?P<what>.*)", re.DOTALL
)
_SHAPES = re.compile(r"got (?P<got>\[[^\]]*\]) but expected shape compatible with (?P<expected>\[[^\]]*\])")
_NUMBER = re.compile(r"function (?P<name>\w+) returned an incorrect number of gradients \(expected (\d+), got (\d+)\)")
_KIND = re.compile(r"expected Variable or None \(got (.+)\)")


def _explain(scene: Scene) -> Finding | None:
    if scene.detail.type not in {"RuntimeError", "TypeError"}:
        return None
    invalid, number, kind = (pattern.match(scene.message) for pattern in (_INVALID, _NUMBER, _KIND))
    if not (invalid or number or kind):
        return None
    run = scene.failed_run()
    node = None if run is None or run.node is None else scene.tape.node(run.node)
    if run is None or node is None:
        return scene.finding(
            _CODE, "a backward returned what cannot be a gradient; whose is not known: no node was recorded"
        )
    if number:
        return _wrong_number(scene, run, node, int(number[2]), int(number[3]))
    if invalid:
        return _wrong_gradient(scene, run, node, int(invalid["index"]), invalid["what"])
    return _finding(scene, run, node, f"returned a {kind[1] if kind else '?'} where a tensor or None was expected", ())


def _whose(scene: Scene, node: Node) -> str:
    """Return whose backward it is, and where that is defined: ``the backward of Exp (defined at train.py:12)``."""
    told = next((text for kind, text in scene.tape.remarks(node.id, scene.seq) if kind == "custom"), "")
    name, _, place = told.rpartition(", ")
    where = f" (defined at {place})" if place else ""
    return f"the backward of {name or node.name}{where}"


def _finding(scene: Scene, run: FailedRun, node: Node, what: str, names: tuple[str | None, ...]) -> Finding:
    made = scene.tape.event(node.event)
    message = f"{_whose(scene, node)}, called by {scene.at(made)}, {what}"
    steps = (Step(made.seq, f"makes {node.name}"), Step(run.event, "its backward runs"))
    return scene.finding(_CODE, message, culprit=_culprit(scene, run, made), steps=steps, tensors=names)


def _culprit(scene: Scene, run: FailedRun, made: Event) -> Event:
    """Return the last call that the backward made itself: what it returned was computed there."""
    inside = [event for event in scene.tape.events(run.event + 1, scene.seq) if event.kind == "op"]
    return inside[-1] if inside else made


def _wrong_number(scene: Scene, run: FailedRun, node: Node, expected: int, got: int) -> Finding:
    detail = scene.tape.detail(node.event)
    given = f": its forward was given {_arguments(detail)}" if isinstance(detail, OpDetail) else ""
    what = f"returned {counted(got, 'gradient')} for {counted(expected, 'argument')}{given}"
    return _finding(scene, run, node, what, ())


def _arguments(detail: OpDetail) -> str:
    """Return what a call was given, in order: ``w, 3``."""
    words = []
    for _, text in detail.arguments:
        is_tensor = text.startswith("%") and text[1:].isdecimal() and int(text[1:]) < len(detail.inputs)
        words.append((detail.inputs[int(text[1:])].name or "a tensor") if is_tensor else text)
    return ", ".join(words)


def _wrong_gradient(scene: Scene, run: FailedRun, node: Node, index: int, said: str) -> Finding:
    detail = scene.tape.detail(node.event)
    inputs = detail.inputs if isinstance(detail, OpDetail) else ()
    given = inputs[index] if index < len(inputs) and node.kind == "custom" else None
    name = given.name if given is not None else None
    shapes = _SHAPES.match(said)
    whom = f"input {index}" + (f" ({name}, of shape {shape_text(given)})" if given is not None and name else "")
    if shapes:
        what = f"returned a gradient of shape {shapes['got']} for {whom}, whose own shape is {shapes['expected']}"
    else:
        what = f"returned what cannot be the gradient of {whom}: {said}"
    return _finding(scene, run, node, what, (name,))


ROWS = (
    row(
        _CODE,
        "a backward returns what cannot be the gradient",
        meaning="The backward of a custom Function returns one gradient for each argument of its forward, None for "
        "those that are no tensors or need none, each of the shape and dtype of its argument.",
        advice="Return as many values as forward has arguments (without ctx), each of its argument's shape: sum over "
        "what was broadcast, and None for what needs no gradient.",
        explain=_explain,
    ),
)
