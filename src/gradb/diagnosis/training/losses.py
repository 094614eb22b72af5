"""Rules about what is computed as the loss: shapes that broadcast, and what is applied twice."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding, Step
from gradb.diagnosis.rule import DiagnosisRule
from gradb.diagnosis.training.wording import place
from gradb.frame.reader import Tape
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.graph import Node
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor

_LOOKS = 16
"""So often one of the rules looks at an op of one place: what it computes, it computes each time."""
_MOST_PLACES = 20_000
_MOST_FINDINGS = 20
_CANDIDATES = 16
_DEPTH = 12

_COMPARING = frozenset({
    "torch.nn.functional.mse_loss", "torch.nn.functional.l1_loss", "torch.nn.functional.smooth_l1_loss",
    "torch.nn.functional.huber_loss",
})  # fmt: skip
_OF_COMPARING = frozenset({
    "MseLossBackward0", "SmoothL1LossBackward0", "HuberLossBackward0", "MeanBackward0", "SumBackward0", "AbsBackward0",
})  # fmt: skip
_DISTANCES = frozenset({"PowBackward0", "AbsBackward0", "MulBackward0"})
_REDUCTIONS = frozenset({
    "MeanBackward0", "SumBackward0", "DivBackward0", "MulBackward0", "AddBackward0", "SqrtBackward0", "NegBackward0",
})  # fmt: skip
"""What may lie between a distance and the loss: all that keeps it a mean or a sum of distances."""


class Places:
    """Reads the first ops of each place, and not those that are more of the same; an account."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._seen: dict[tuple[str, str | None, int | None, int | None], int] = {}

    def see(self, event: Event) -> None:
        """Take in an event: nothing is to be done before a judge asks."""

    def detail(self, event: Event) -> OpDetail | None:
        """Return what an op has computed, if it is one of the first of its name at its place."""
        key = (event.name, event.file, event.line, event.column)
        seen = self._seen.get(key, 0)
        if seen >= _LOOKS or len(self._seen) > _MOST_PLACES:
            return None
        self._seen[key] = seen + 1
        detail = self._evidence.detail(event.seq)
        return detail if isinstance(detail, OpDetail) else None


def _grown(first: Tensor, second: Tensor) -> tuple[int, ...] | None:
    """Return the shape that two tensors are broadcast to, where it has more elements than either; else None."""
    one, two = first.value.shape, second.value.shape
    rank = max(len(one), len(two))
    pairs = zip((1,) * (rank - len(one)) + one, (1,) * (rank - len(two)) + two, strict=True)
    shape = tuple(b if a == 1 else a for a, b in pairs)
    return shape if math.prod(shape) > max(math.prod(one), math.prod(two)) else None


def _shape(shape: Iterable[int]) -> str:
    sizes = [str(size) for size in shape]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"


class Broadcast:
    """G010: prediction and target of a loss are broadcast against each other."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._places = evidence.account(Places)
        self._found: dict[tuple[str | None, int | None], Finding] = {}
        self._differences: deque[tuple[int, Event, OpDetail]] = deque(maxlen=_CANDIDATES)
        """Differences that were broadcast, by their node: are they in a loss?"""

    def see(self, event: Event) -> None:
        """Look at an op, or whether a backward begins from a difference."""
        if event.kind == "backward_start":
            if self._differences:
                self._look_below(event)
        elif event.name in _OF_COMPARING:
            detail = self._places.detail(event)
            if detail is not None and detail.function in _COMPARING:
                self._compare(event, detail, detail.function.rpartition(".")[2])
        elif event.name == "SubBackward0" and event.node is not None:
            detail = self._places.detail(event)
            if detail is not None and self._is_of_prediction_and_target(detail):
                self._differences.append((event.node, event, detail))

    def findings(self) -> Iterable[Finding]:
        """Return one finding a line."""
        return self._found.values()

    def _is_of_prediction_and_target(self, detail: OpDetail) -> bool:
        """Tell whether one of two is computed of parameters, the other has as many elements, and another rank."""
        if len(detail.inputs) != 2 or sum(one.requires_grad for one in detail.inputs) != 1:
            return False
        one, two = (tensor.value.shape for tensor in detail.inputs)
        return len(one) != len(two) and math.prod(one) == math.prod(two) and _grown(*detail.inputs) is not None

    def _look_below(self, event: Event) -> None:
        detail = self._evidence.detail(event.seq)
        if not isinstance(detail, BackwardStartDetail):
            return
        waiting = {node: (seen, op) for node, seen, op in self._differences}
        for root in detail.roots:
            if root.node is not None and not root.value.shape:
                for node in _compared(self._evidence.tape, root.node):
                    if node in waiting:
                        self._compare(*waiting[node], "the difference")
        self._differences.clear()

    def _compare(self, event: Event, detail: OpDetail, what: str) -> None:
        place_of = event.file, event.line
        shape = _grown(*detail.inputs[:2]) if len(detail.inputs) >= 2 else None
        if shape is None or place_of in self._found or len(self._found) >= _MOST_FINDINGS:
            return
        names = [
            tensor.name or ("the prediction" if tensor.requires_grad else "the target") for tensor in detail.inputs
        ]
        one, two = (_shape(tensor.value.shape) for tensor in detail.inputs[:2])
        count = math.prod(shape)
        message = (
            f"{what} of {names[0]}, shape {one}, and {names[1]}, shape {two}, is broadcast to {_shape(shape)}: the loss"
            f" compares {count} pairs, each prediction with each target"
        )
        steps = (Step(event.seq, f"{one} against {two} gives {_shape(shape)}"),)
        tensors = tuple(tensor.name for tensor in detail.inputs[:2] if tensor.name)
        self._found[place_of] = Finding("G010", event.seq, message, event.file, event.line, steps, tensors)


def _compared(tape: Tape, root: int) -> Iterator[int]:
    """Yield the nodes whose results a loss is the mean or sum of, squared or without their sign."""
    reached = {root}
    level = [root]
    for _ in range(_DEPTH):
        following: list[int] = []
        for id_ in level:
            node = tape.node(id_)
            below = [] if node is None else [edge.to for edge in node.edges if edge.to is not None]
            if node is not None and node.name in _DISTANCES:
                yield from below
            if node is not None and node.name in _REDUCTIONS:
                following += [one for one in below if one not in reached]
        reached.update(following)
        level = following[:64]


_VIEWS = (
    "View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Permute", "Transpose", "TBackward", "Clone",
    "ToCopy", "Expand", "Select", "Slice", "Alias", "Contiguous",
)  # fmt: skip
"""How the names of nodes begin that hand values on as they are."""
_OF_CLASSES = frozenset({
    "NllLossBackward0", "NllLoss2DBackward0", "NegBackward0", "DivBackward0", "DivBackward1", "AddBackward0",
    "MeanBackward0", "SumBackward0", "BinaryCrossEntropyWithLogitsBackward0",
})  # fmt: skip
_TWICE = {
    "torch.nn.functional.cross_entropy": {"SoftmaxBackward0": "softmax"},  # log_softmax twice is log_softmax
    "torch.nn.functional.binary_cross_entropy_with_logits": {"SigmoidBackward0": "sigmoid"},
    "torch.nn.functional.nll_loss": {"SoftmaxBackward0": "softmax"},
}
_EXPECTS = {
    "torch.nn.functional.cross_entropy": "which applies log_softmax itself and expects scores as the model gives them",
    "torch.nn.functional.binary_cross_entropy_with_logits": "which applies sigmoid itself and expects scores as the"
    " model gives them",
    "torch.nn.functional.nll_loss": "which expects log-probabilities, those of log_softmax",
}


class Twice:
    """G011: probabilities are given to a loss that makes them of scores."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._places = evidence.account(Places)
        self._found: dict[tuple[str | None, int | None], Finding] = {}

    def see(self, event: Event) -> None:
        """Look at an op that may be a loss."""
        if event.name not in _OF_CLASSES or (event.file, event.line) in self._found:
            return
        detail = self._places.detail(event)
        if detail is None or detail.function not in _TWICE or not detail.inputs or len(self._found) >= _MOST_FINDINGS:
            return
        maker = self._maker(detail.inputs[0])
        name = None if maker is None else _TWICE[detail.function].get(maker.name)
        if maker is not None and name is not None:
            self._found[event.file, event.line] = self._finding(event, detail, maker, name)

    def findings(self) -> Iterable[Finding]:
        """Return one finding a line."""
        return self._found.values()

    def _maker(self, tensor: Tensor) -> Node | None:
        """Return the node that computed a tensor's values, past those that hand them on."""
        tape = self._evidence.tape
        node = None if tensor.node is None else tape.node(tensor.node)
        for _ in range(_DEPTH):
            if node is None or not node.name.startswith(_VIEWS) or not node.edges or node.edges[0].to is None:
                break
            node = tape.node(node.edges[0].to)
        return node

    def _finding(self, event: Event, detail: OpDetail, maker: Node, name: str) -> Finding:
        made = self._evidence.tape.event(maker.event)
        loss, given = detail.function.rpartition(".")[2], detail.inputs[0]
        called = f" ({given.name})" if given.name else ""
        message = f"{loss} is given the {name} of {place(made, event.file)}{called}, {_EXPECTS[detail.function]}"
        steps = (Step(made.seq, f"{name} is computed"), Step(event.seq, f"{loss} of it"))
        tensors = (given.name,) if given.name else ()
        return Finding("G011", event.seq, message, event.file, event.line, steps, tensors)


RULES = (
    DiagnosisRule(
        "G010",
        "prediction and target are broadcast in the loss",
        "warning",
        "A prediction of shape (N, 1) and a target of shape (N,) are no pairs: broadcasting compares each with each, N"
        " times N differences. Such a loss is least where every prediction is the mean of all targets.",
        "Give both the same shape: prediction.squeeze(1), or target.unsqueeze(1).",
        frozenset({"op", "backward_start"}),
        Broadcast,
    ),
    DiagnosisRule(
        "G011",
        "softmax before cross_entropy",
        "warning",
        "cross_entropy applies log_softmax to what it is given, and binary_cross_entropy_with_logits sigmoid. Given"
        " probabilities, they apply it a second time: all classes come out nearly alike, gradients are small, and the"
        " loss cannot come near 0. nll_loss takes logarithms as they are.",
        "Leave softmax (or sigmoid) out before the loss, and apply it where probabilities are to be shown.",
        frozenset({"op"}),
        Twice,
    ),
)
