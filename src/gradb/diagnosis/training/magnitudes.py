"""Hints about how large gradients and updates are: always zero, larger than the weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding, Step
from gradb.diagnosis.rule import DiagnosisRule
from gradb.diagnosis.training.ledger import Ledger
from gradb.diagnosis.training.wording import listed
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.values import TensorValue

_ENOUGH_ZEROS = 3
_MOST_LEAVES = 20_000
_MOST_OPTIMIZERS = 30
_LARGE = 2.0
_ROUNDING = 1.01
_MOST_BEFORE = 1000


def largest(value: TensorValue | None) -> float | None:
    """Return the largest absolute value of a tensor; None where it is not known or not finite."""
    if value is None or value.is_finite is not True:
        return None
    if value.stats is not None:
        bounds = [abs(bound) for bound in (value.stats.minimum, value.stats.maximum) if bound is not None]
        return max(bounds, default=None)
    return max((abs(number) for number in value.numbers() or ()), default=None)


def is_zero(value: TensorValue | None) -> bool:
    """Tell whether a value is known to be 0 everywhere."""
    if value is not None and value.data is not None and not value.data.strip(b"\0"):
        return bool(value.data)
    return largest(value) == 0


@dataclass(slots=True)
class _Zeros:
    """A leaf whose gradients were all 0 so far."""

    name: str
    first: Event
    count: int = 0


class AlwaysZero:
    """G051: a gradient is exactly 0, in every element, at each backward."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._ledger = evidence.account(Ledger)
        self._alive: set[int | None] = set()
        """Leaves, by their nodes, that have had another gradient."""
        self._zeros: dict[int | None, _Zeros] = {}

    def see(self, event: Event) -> None:
        """Look at what is added to a gradient that was 0 so far."""
        if event.node in self._alive or len(self._zeros) > _MOST_LEAVES:
            return
        detail = self._evidence.detail(event.seq)
        if isinstance(detail, AccumulateDetail) and is_zero(detail.added):
            zeros = self._zeros.setdefault(event.node, _Zeros(event.name, event))
            zeros.name, zeros.count = event.name, zeros.count + 1
        else:
            self._alive.add(event.node)
            self._zeros.pop(event.node, None)

    def findings(self) -> Iterable[Finding]:
        """Return one finding for all such leaves."""
        self._ledger.demand(_ENOUGH_ZEROS)
        enough = [zeros for zeros in self._zeros.values() if zeros.count >= _ENOUGH_ZEROS]
        found = [zeros for zeros in enough if not self._cancels(zeros.first)]
        if not found:
            return []
        first, names = found[0].first, tuple(dict.fromkeys(zeros.name for zeros in found))
        what = "gradient" if len(names) == 1 else "gradients"
        verb = "is" if len(names) == 1 else "are"
        message = f"the {what} of {listed(names)} {verb} exactly 0 at every backward so far, {found[0].count} of them"
        return [
            Finding("G051", first.seq, message, first.file, first.line, (Step(first.seq, "a gradient of 0"),), names)
        ]

    def _cancels(self, event: Event) -> bool:
        """Tell whether the gradient of a vector is a sum, over calls or rows, of what is not 0: that is no silence."""
        detail, origins = self._evidence.detail(event.seq), self._evidence.tape.origins
        if not isinstance(detail, AccumulateDetail) or detail.added is None or len(detail.added.shape) > 1:
            return False
        for seq, edge in [] if event.node is None else origins.senders(detail.backward, event.node, 0, event.seq):
            sender = self._evidence.detail(seq)
            start = self._evidence.detail(sender.start) if isinstance(sender, NodeDetail) else None
            sent = sender.downstream[edge : edge + 1] if isinstance(sender, NodeDetail) else ()
            given = start.upstream if isinstance(start, NodeStartDetail) else ()
            if any(one is not None and largest(one.value) for one in (*sent, *given)):
                return True
        return False


class LargeUpdate:
    """G053: the first step of an optimizer changes weights by more than they are.

    Where a step is longer than the gradient makes it (it is divided by its size), the first one may be by far the
    longest, so there the learning rate itself has to be larger than the weights.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._seen: set[object] = set()
        self._found: list[Finding] = []

    def see(self, event: Event) -> None:
        """Look at the first step of each optimizer that changes anything."""
        detail = self._evidence.detail(event.seq)
        if not isinstance(detail, StepDetail) or detail.skipped or len(self._seen) > _MOST_OPTIMIZERS:
            return
        key = detail.optimizer if detail.maker is None else detail.maker.number
        if key not in self._seen and any(gradient is not None for gradient in detail.gradients):
            self._seen.add(key)
            self._look(event, detail)

    def findings(self) -> Iterable[Finding]:
        """Return one finding for each such optimizer."""
        return self._found

    def _read(self, tensor: Tensor, step: Event) -> float | None:
        """Return the largest absolute value of a parameter as an op before a step read it last."""
        for event in reversed(list(self._evidence.tape.events(max(1, step.seq - _MOST_BEFORE), step.seq - 1))):
            detail = self._evidence.tape.detail(event.seq) if event.kind == "op" else None
            for one in detail.inputs if isinstance(detail, OpDetail) else ():
                if one.id == tensor.id:
                    return largest(one.value)
        return None

    def _look(self, event: Event, detail: StepDetail) -> None:
        large: list[tuple[float, float, str]] = []
        rows = zip(detail.parameters, detail.before, detail.gradients, strict=False)
        for index, (tensor, before, gradient) in enumerate(rows):
            old, new, rate = largest(before), largest(tensor.value), detail.rate(index)
            if rate is None or not old or new is None or len(tensor.value.shape) < 2 or new <= _LARGE * old:
                continue
            if self._read(tensor, event) not in (None, old):
                continue  # a closure has read it moved already: the step is many
            if rate > old or new - old <= rate * (largest(gradient) or 0) * _ROUNDING:
                large.append((old, new, tensor.name or "a parameter"))
        if large:
            old, new, name = max(large, key=lambda one: one[1] / one[0])
            rates = ", ".join(f"{rate:g}" for rate in dict.fromkeys(detail.learning_rates))
            message = (
                f"the first step of {detail.optimizer} (learning rate {rates}) changes {name} by more than it is: the"
                f" largest element was {old:.3g} and is {new:.3g} after it"
            )
            names = tuple(one[2] for one in large)
            step = Step(event.seq, "the first step")
            self._found.append(Finding("G053", event.seq, message, event.file, event.line, (step,), names))


RULES = (
    DiagnosisRule(
        "G051",
        "a gradient that is always zero",
        "hint",
        "What has a gradient of exactly 0 at each backward does not learn: units behind a ReLU that are never active,"
        " values outside of a clamp, an op like round() whose derivative is 0 everywhere.",
        "Look at the chain from the loss to the parameter for the node that sends on zeros.",
        frozenset({"accumulate"}),
        AlwaysZero,
        f"exactly 0 at {_ENOUGH_ZEROS} or more backwards",
    ),
    DiagnosisRule(
        "G053",
        "the first update is larger than the weights",
        "hint",
        "The first step throws weights far from where they were initialised, which makes the initialisation worth"
        " nothing: the learning rate is large for gradients of this size.",
        "Make the learning rate smaller, or take the mean of the loss in place of the sum.",
        frozenset({"step"}),
        LargeUpdate,
        f"the largest element grows to more than {_LARGE:g} times what it was, by the gradient times the learning rate"
        " or by a learning rate larger than the element",
    ),
)
