"""A rule about checkpoints: what they compute again for their backward is what they had computed in the forward."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding, Step
from gradb.diagnosis.passes import Call, first_pass, second_pass
from gradb.diagnosis.rule import DiagnosisRule
from gradb.diagnosis.training.wording import place
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.values import Number, TensorValue

_MOST_CALLS = 400
_MOST_FINDINGS = 20
_ALWAYS = 3
"""So many passes of each checkpoint are looked at; after that the 4th, the 8th, the 16th ..."""
_TOLERANCE = {"float64": 1e-9, "float32": 1e-4, "complex128": 1e-9, "complex64": 1e-4}
"""Difference between two passes, by the largest element, that may be one of rounding; of the narrow types:"""
_NARROW = 0.05


class _Difference(NamedTuple):
    """How far a value of one pass is from that of the other."""

    before: Number
    after: Number
    """Two elements that differ, or what is kept of all: in the first pass, and in the second."""
    of: str
    """What they are: ``3 of 8 values differ``, ``the mean``."""


class Recomputed:
    """G018: the second pass of a checkpoint went through without an error, and computed other values."""

    def __init__(self, evidence: Evidence) -> None:
        self._tape = evidence.tape
        self._calls: list[Event] = []
        """What was called since a node began to run."""
        self._node: int | None = None
        self._began = 0
        self._seen: dict[tuple[str | None, int | None], int] = {}
        self._waiting: list[Finding] = []
        """Of a backward that is not over: it may still raise an error, which then says what there is to say."""
        self._found: dict[tuple[str | None, int | None], Finding] = {}

    def see(self, event: Event) -> None:
        """Take in a call that is made within a backward, or what ends the pass that it is part of."""
        if event.kind == "op":
            if event.phase == "backward" and len(self._calls) < _MOST_CALLS:
                self._calls.append(event)
            return
        if self._calls:
            calls, self._calls = self._calls, []
            self._look(calls)
        if event.kind == "node_start":
            self._node, self._began = event.node, event.seq
        elif event.kind == "backward_end" and self._waiting:
            waiting, self._waiting = self._waiting, []
            detail = self._tape.detail(event.seq)
            if isinstance(detail, BackwardEndDetail) and not detail.error:
                for finding in waiting:
                    self._found.setdefault((finding.file, finding.line), finding)

    def findings(self) -> Iterable[Finding]:
        """Return one finding for each line whose call is another in the second pass."""
        return self._found.values()

    def _look(self, events: Sequence[Event]) -> None:
        if len(self._found) >= _MOST_FINDINGS or not second_pass(self._tape, events[:1]):
            return
        key = (events[0].file, events[0].line)
        count = self._seen[key] = self._seen.get(key, 0) + 1
        if count > _ALWAYS and count & (count - 1):
            return
        again = second_pass(self._tape, events)
        for one, other in zip(first_pass(self._tape, self._node, self._began, again), again, strict=False):
            if not one.is_like(other) or _shapes(one) != _shapes(other):
                return  # which calls belong together is not known from here on
            if other.detail.nodes and (made := _first(one.detail.outputs, other.detail.outputs)):
                self._tell(one, other, *made)
                return

    def _tell(self, one: Call, other: Call, number: int, made: _Difference) -> None:
        """Keep what is found: a call whose result is another though, or because, it was given what it was given."""
        at = one.event
        call = f"{one.detail.function.rpartition('.')[2]} in {place(at)}"
        given = _first(one.detail.inputs, other.detail.inputs)
        said = [pair for pair in zip(_plain(one), _plain(other), strict=False) if pair[0] != pair[1]]
        if said:
            why = f"{call} was called with {said[0][0]} first and with {said[0][1]} then"
        elif given is None:
            why = f"{call} made {_told(made)}, of the same inputs"
        else:
            name = one.detail.inputs[given[0]].name or "input"
            why = f"{call} was given another {name}: {_told(given[1])}"
        message = (
            f"a checkpoint computed something else for its backward than in the forward, and nothing was raised: {why}"
        )
        steps = (Step(at.seq, "is computed in the forward"), Step(other.event.seq, "is computed again, and is another"))
        tensor = one.detail.outputs[number] if given is None else one.detail.inputs[given[0]]
        names = (tensor.name,) if tensor.name else ()
        self._waiting.append(Finding("G018", other.event.seq, message, at.file, at.line, steps, names))


def _plain(call: Call) -> list[str]:
    """Return the arguments that are no tensors."""
    return [f"{keyword and f'{keyword}='}{text}" for keyword, text in call.detail.arguments if text[:1] != "%"]


def _shapes(call: Call) -> list[tuple[tuple[int, ...], str]]:
    return [(one.value.shape, one.value.dtype) for one in (*call.detail.inputs, *call.detail.outputs)]


def _first(before: Sequence[Tensor], after: Sequence[Tensor]) -> tuple[int, _Difference] | None:
    """Return which tensor is the first that differs, and how."""
    for index, (one, other) in enumerate(zip(before, after, strict=False)):
        if (found := _difference(one.value, other.value)) is not None:
            return index, found
    return None


def _difference(one: TensorValue, other: TensorValue) -> _Difference | None:
    """Return how two values of one shape and dtype differ; None where they do not, or that is not known."""
    is_exact = not one.dtype.startswith(("float", "bfloat", "complex"))
    tolerance = 0.0 if is_exact else _TOLERANCE.get(one.dtype, _NARROW)
    before, after = one.numbers(), other.numbers()
    if before is not None and after is not None:
        scale = max((size for number in before if math.isfinite(size := abs(number))), default=0.0)
        apart = [pair for pair in zip(before, after, strict=True) if _are_apart(*pair, tolerance * scale)]
        return _Difference(*apart[0], f"{len(apart)} of {len(before)} values differ") if apart else None
    if one.stats is None or other.stats is None:
        return None
    kept = [(each.minimum, each.maximum, each.mean, *each.corner) for each in (one.stats, other.stats)]
    sizes = [abs(number) for number in kept[0][:2] if number is not None]
    words = ("the smallest value", "the largest value", "the mean", *["a value"] * len(one.stats.corner))
    for what, first, second in zip(words, *kept, strict=False):
        if first is not None and second is not None and _are_apart(first, second, tolerance * max(sizes, default=0.0)):
            return _Difference(first, second, what)
    return None


def _are_apart(one: Number, other: Number, most: float) -> bool:
    are_both_nan = one != one and other != other
    return not (one == other or are_both_nan or abs(other - one) <= most)


def _told(found: _Difference) -> str:
    return f"{found.before:.6g} first and {found.after:.6g} then ({found.of})"


RULES = (
    DiagnosisRule(
        "G018",
        "a checkpoint computes other values for its backward",
        "warning",
        "A checkpoint keeps its input alone, and computes its forward again when backward needs what it would have"
        " saved. torch compares no values of the two passes: where they differ, by a random number, a mode or a"
        " parameter changed meanwhile, the gradient is that of a loss which nobody has computed. Differences of"
        " rounding are passed over.",
        "Leave preserve_rng_state on, decide before the checkpoint what is to be decided and give it as an argument,"
        " and change parameters, inputs and modes only after the backward.",
        frozenset({"op", "node_start", "node", "accumulate", "backward_start", "backward_end"}),
        Recomputed,
    ),
)
