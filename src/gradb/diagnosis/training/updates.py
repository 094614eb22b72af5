"""Hints about what a step does beside following the gradient: it moves what has none, or its rate is below 0."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding, Step
from gradb.diagnosis.rule import DiagnosisRule
from gradb.diagnosis.training.magnitudes import is_zero, largest
from gradb.diagnosis.training.wording import listed
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.step import StepDetail
from gradb.tape.values import TensorValue

_MOST_OPTIMIZERS = 30
_MOST_FILLS = 20_000
_DECAY = 2.0
"""No weight decay is larger; a decay that goes through Adam's division moves by the rate alone."""
_SHARE = 0.1


class UntouchedMoves:
    """G056: the first step of an optimizer moves weights whose gradient is 0.

    In the first step there is no momentum yet. What is 0 has to be a whole parameter or a whole row of one, as of an
    embedding: an optimizer that turns the matrix of gradients mixes within the rows. And backward has to have sent the
    0 itself: what a closure computes within the step is not what the step found.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._seen: set[object] = set()
        self._fills: dict[int | None, int] = {}
        """The newest events since the last step that filled a gradient, by the leaf's node."""
        self._found: list[Finding] = []

    def see(self, event: Event) -> None:
        """Look at the first step of each optimizer that finds a gradient."""
        if event.kind == "accumulate":
            if len(self._fills) < _MOST_FILLS:
                self._fills[event.node] = event.seq
            return
        detail = self._evidence.detail(event.seq)
        if isinstance(detail, StepDetail) and not detail.skipped and len(self._seen) < _MOST_OPTIMIZERS:
            key = detail.optimizer if detail.maker is None else detail.maker.number
            if key not in self._seen and any(gradient is not None for gradient in detail.gradients):
                self._look(event, detail)
                self._seen.add(key)
            elif not detail.parameters:
                self._seen.add(key)  # only watched: the first step that is recorded is not the first
        self._fills.clear()

    def findings(self) -> Iterable[Finding]:
        """Return one finding for each such optimizer."""
        return self._found

    def _look(self, event: Event, detail: StepDetail) -> None:
        filled = {}
        for seq in self._fills.values():
            fill = self._evidence.detail(seq)
            if isinstance(fill, AccumulateDetail):
                filled[fill.tensor] = fill.after
        moved: list[tuple[float, float, str]] = []
        rows = zip(detail.parameters, detail.before, detail.gradients, strict=False)
        for index, (tensor, before, gradient) in enumerate(rows):
            rate = detail.rate(index)
            pair = _furthest(before, tensor.value, gradient, filled.get(tensor.id))
            if rate is None or pair is None:
                continue  # without a rate it is not known how far a decay may go
            old, new = pair
            if abs(new - old) > max(_SHARE * abs(old), _DECAY * abs(rate) * max(1.0, abs(old))):
                moved.append((*pair, tensor.name or "a parameter"))
        if moved:
            old, new, _ = max(moved, key=lambda one: abs(one[1] - one[0]))
            new += 0.0  # no sign before a zero
            names = tuple(one[2] for one in moved)
            message = (
                f"the first step of {detail.optimizer} moves what has a gradient of exactly 0 in {listed(names)}: what"
                f" was {old:.3g} is {new:.3g} after it"
            )
            step = Step(event.seq, "the first step")
            self._found.append(Finding("G056", event.seq, message, event.file, event.line, (step,), names))


def _furthest(
    before: TensorValue | None, after: TensorValue, gradient: TensorValue | None, sent: TensorValue | None
) -> tuple[float, float] | None:
    """Return the old and the new value of the element without a gradient that moves most; None where there is none."""
    if before is None or gradient is None or sent is None or not (before.is_finite and after.is_finite):
        return None
    known = [value.numbers() for value in (before, after, gradient, sent)]
    if not all(known) or len({value.shape for value in (before, after, gradient, sent)}) > 1:
        if not (is_zero(gradient) and is_zero(sent)):
            return None
        old, new = largest(before), largest(after)
        return None if old is None or new is None else (old, new)
    olds, news, grads, sents = (numbers or [] for numbers in known)
    width = prod(before.shape[1:])
    starts = range(0, len(olds), max(1, width))
    silent = [at for at in starts if not any(grads[at : at + width]) and not any(sents[at : at + width])]
    pairs = [
        (old, new)
        for at in silent
        for old, new in zip(olds[at : at + width], news[at : at + width], strict=True)
        if not isinstance(old, complex) and not isinstance(new, complex)
    ]
    return max(pairs, key=lambda pair: abs(pair[1] - pair[0]), default=None)


class BelowZero:
    """G057: the rate of a step is below 0."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._found: dict[object, Finding] = {}

    def see(self, event: Event) -> None:
        """Look at the rates of a step."""
        detail = self._evidence.detail(event.seq)
        if not isinstance(detail, StepDetail) or detail.skipped or len(self._found) >= _MOST_OPTIMIZERS:
            return
        key = detail.optimizer if detail.maker is None else detail.maker.number
        rate = min(detail.learning_rates, default=0.0)
        if rate < 0 and key not in self._found:
            message = f"the learning rate of {detail.optimizer} is {rate:g} in iteration {event.iteration}"
            step = Step(event.seq, "the first step at a rate below 0")
            self._found[key] = Finding("G057", event.seq, message, event.file, event.line, (step,))

    def findings(self) -> Iterable[Finding]:
        """Return the first such step of each optimizer."""
        return self._found.values()


RULES = (
    DiagnosisRule(
        "G056",
        "a step moves weights that have no gradient",
        "hint",
        "In its first step, where there is no momentum yet unless a state was loaded, the optimizer moves weights whose"
        " gradient is exactly 0 by more than weight decay can: rows of an embedding that the batch does not name, or"
        " all weights at a batch that is masked wholly. What they held before, as of a pretraining, is lost.",
        "Use another optimizer for weights that are to be kept, or begin its state at their values where it can.",
        frozenset({"accumulate", "step"}),
        UntouchedMoves,
        f"by more than {_SHARE:g} of the weight and more than {_DECAY:g} times the learning rate",
    ),
    DiagnosisRule(
        "G057",
        "a learning rate below 0",
        "hint",
        "A step at a rate below 0 goes up where it went down before (and down with maximize=True). Optimizers refuse"
        " such a rate when they are made; a schedule that goes on past its end, or one that was made for fewer steps,"
        " sets it all the same.",
        "Plan the schedule for as many steps as there are, or stop stepping it at its end.",
        frozenset({"step"}),
        BelowZero,
        "below 0 in one step",
    ),
)
