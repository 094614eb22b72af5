"""G115: what a checkpoint computed again for its backward was not what it had computed first. Where the two part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gradb.diagnosis.errors.row import row
from gradb.diagnosis.errors.scene import FailedRun, Scene, shape_text
from gradb.diagnosis.finding import Finding, Step
from gradb.diagnosis.passes import Call, first_pass, second_pass
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.tensor import Tensor

_CODE = "G115"
_DIFFERS = re.compile(
    r"(?:torch\.utils\.checkpoint: )?(?:Recomputed values for the following tensors have different metadata"
    r"|A different number of tensors was saved during the original forward and recomputation"
    r"|trying to save more tensors during recomputation)"
)
_MOST_APART = 100
"""Calls of one pass that may be missing in the other, before both are taken for different ones."""


@dataclass(frozen=True, slots=True)
class _Parting:
    """The first call of both passes that is not the same."""

    first: Call | None
    """In the forward; None where the second pass has a call more."""
    second: Call | None
    """In the second pass; None where a call is left out."""
    beside: Call | None
    """Where one is None: the call at which both passes meet again."""

    @property
    def culprit(self) -> Event | None:
        """Where a reader is to look: at the call that changed or was left out, else at the one that came instead."""
        one, other = self.first, self.second
        is_first = one is not None and (other is None or one.is_like(other))
        found = one if is_first else other
        return None if found is None else found.event


def _explain(scene: Scene) -> Finding | None:
    if scene.detail.type != "CheckpointError" or not _DIFFERS.match(scene.message):
        return None
    run = scene.failed_run()
    again = [] if run is None else second_pass(scene.tape, scene.tape.events(run.event + 1, scene.seq - 1))
    first = [] if run is None or not again else first_pass(scene.tape, run.node, run.start, again)
    part = _parting(first, again)
    if run is None or part is None:
        return scene.finding(
            _CODE,
            "a checkpoint computed its forward again, and what it computed is not what it was the first time; "
            "which call differs is not known: " + _why_not(again, first),
        )
    message, advice = _told(scene, part)
    steps = [Step(run.event, f"{_node(scene, run)} needs what it saved: the checkpoint computes its forward again")]
    steps += [Step(part.first.event.seq, "is computed in the first pass")] if part.first is not None else []
    steps += [Step(part.second.event.seq, "is computed in the second pass")] if part.second is not None else []
    ordered = tuple(sorted(steps, key=lambda step: step.event))
    return scene.finding(_CODE, message, culprit=part.culprit, steps=ordered, advice=advice)


def _why_not(again: Sequence[Call], first: Sequence[Call]) -> str:
    if not again:
        return "the second pass was not recorded"
    return "all calls that were recorded are alike" if first else "the first pass was not recorded"


# --- where they part --------------------------------------------------------------------------------------------------


def _parting(first: Sequence[Call], again: Sequence[Call]) -> _Parting | None:
    for index, (one, other) in enumerate(zip(first, again, strict=False)):
        if not one.is_like(other):
            return _apart(first[index:], again[index:])
        if _facts(one) != _facts(other):
            return _Parting(one, other, None)
    if first and len(again) < len(first) and _is_inside(first[len(again)]):
        return _Parting(first[len(again)], None, None)
    return None


def _apart(first: Sequence[Call], again: Sequence[Call]) -> _Parting:
    """Tell whether calls were left out, or are more, or are others."""
    left_out, more = _meeting(first, again[0]), _meeting(again, first[0])
    if left_out is not None and (more is None or left_out <= more):
        return _Parting(first[0], None, again[0])
    if more is not None:
        return _Parting(None, again[0], first[0])
    return _Parting(first[0], again[0], None)


def _meeting(calls: Sequence[Call], other: Call) -> int | None:
    """Return how many calls there are before one that is like another pass's; further on it must be on its line too."""
    for index, call in enumerate(calls[1:_MOST_APART], 1):
        if call.is_like(other) and (index == 1 or call.event.line == other.event.line):
            return index
    return None


def _is_inside(call: Call) -> bool:
    return bool(call.nodes)


def _facts(call: Call) -> tuple[object, ...]:
    """Return what of a call has to be the same in both passes."""
    made = [(one.value.shape, one.value.dtype) for one in call.detail.outputs]
    plain = [text for _, text in call.detail.arguments if not text.startswith("%")]
    return tuple(made), call.nodes, tuple(plain)


# --- words ------------------------------------------------------------------------------------------------------------


def _node(scene: Scene, run: FailedRun) -> str:
    node = None if run.node is None else scene.tape.node(run.node)
    return "a node" if node is None else node.name


def _told(scene: Scene, part: _Parting) -> tuple[str, str]:
    """Return the sentence, and what to do where that is known."""
    one, other = part.first, part.second
    meets = "" if part.beside is None else f"; both go on with {scene.at(part.beside.event)}"
    if one is None and other is not None:
        return f"the second pass of a checkpoint computes {scene.at(other.event)}, and the first did not{meets}", ""
    if other is None and one is not None:
        return f"the second pass of a checkpoint leaves out {scene.at(one.event)}{meets}", ""
    assert one is not None
    assert other is not None
    if not one.is_like(other):
        first = f"where the first pass of a checkpoint computed {scene.at(one.event)}"
        return f"{first}, the second computes {scene.at(other.event)}", ""
    return _changed(scene, one, other)


def _changed(scene: Scene, one: Call, other: Call) -> tuple[str, str]:
    """Tell what of the same call is another in the second pass."""
    what = f"{scene.at(one.event)} is not the same in both passes of a checkpoint: "
    short = one.detail.function.rpartition(".")[2]
    for (keyword, before), (_, after) in zip(one.detail.arguments, other.detail.arguments, strict=False):
        if before != after and not before.startswith("%"):
            advice = _MODE if keyword == "training" else ""
            return f"{what}{short} was called with {keyword and f'{keyword}='}{before}, and then with {after}", advice
    given = _difference(one.detail.inputs, other.detail.inputs)
    if given:
        return f"{what}it was given {given}", ""
    made = _difference(one.detail.outputs, other.detail.outputs)
    if made:
        return f"{what}it made {made}", _AUTOCAST if "float" in made else ""
    names = [" and ".join(call.nodes) or "no node" for call in (one, other)]
    return f"{what}it made {names[0]}, and then {names[1]}", ""


def _difference(before: Sequence[Tensor], after: Sequence[Tensor]) -> str:
    """Return the first tensor whose shape or dtype is another."""
    for one, other in zip(before, after, strict=False):
        shapes = shape_text(one), shape_text(other)
        dtypes = one.value.dtype, other.value.dtype
        of = f" for {one.name}" if one.name else ""
        if dtypes[0] != dtypes[1]:
            return f"{dtypes[0]}{of}, and then {dtypes[1]}"
        if shapes[0] != shapes[1]:
            return f"shape {shapes[0]}{of}, and then {shapes[1]}"
    return ""


_MODE = "Switch between train() and eval() after the backward, not between the forward and it"
_AUTOCAST = "Let both passes run under the same autocast; a context of its own in the second pass comes by context_fn"

ROWS = (
    row(
        _CODE,
        "a checkpoint computes something else the second time",
        meaning="A checkpoint keeps its input alone, and computes its forward again when backward needs what it would "
        "have saved. Both passes have to do the same. What depends on a counter, on a random number of Python's or "
        "NumPy's, on train() or eval() in between, or on a tensor changed meanwhile, is another the second time.",
        advice="Decide before the checkpoint and give it what was decided as an argument, leave preserve_rng_state "
        "on, and change modes and inputs only after the backward.",
        explain=_explain,
    ),
)
