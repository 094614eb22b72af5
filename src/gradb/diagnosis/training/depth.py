"""A hint about how large gradients are along the depth: they vanish or explode over many layers, or at one of many."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding, Step
from gradb.diagnosis.rule import DiagnosisRule
from gradb.diagnosis.training.magnitudes import largest
from gradb.diagnosis.training.wording import place
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.node_start import NodeStartDetail

_LOOKS, _ENOUGH_LAYERS, _MOST_BACKWARDS = 3, 6, 10
_FAR_APART = 1e6
_SUDDEN, _ALONE, _ENOUGH_BLOCKS = 20.0, 5.0, 4
_LAYERS = ("AddmmBackward", "MmBackward", "ConvolutionBackward", "BmmBackward", "MvBackward")
"""How the names of nodes begin at which layers have their weights."""
_NUMBER = re.compile(r"\d+")

Size = tuple[float, Event]
"""The largest absolute value of what came to a layer, and the event of it."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two layers whose gradients are far apart, the one nearer to the loss first."""

    before: Size
    after: Size
    is_sudden: bool = False
    """They are neighbours among blocks of one kind, and between the others next to nothing changes."""

    @property
    def factor(self) -> float:
        """How much they are apart, at least 1."""
        return max(self.before[0] / self.after[0], self.after[0] / self.before[0])


class FarApart:
    """G052: gradients become smaller, or larger, by a large factor from layer to layer, or at one of equal blocks."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._sizes: list[Size] = []
        """Of the layers of the backward that runs, from the loss on."""
        self._backwards = 0
        self._seen: list[_Pair | None] = []

    def see(self, event: Event) -> None:
        """Look at the layers of the first few backwards."""
        if self._backwards >= _MOST_BACKWARDS or len(self._seen) >= _LOOKS:
            return
        if event.kind == "backward_end":
            self._backwards += 1
            if len(self._sizes) >= _ENOUGH_LAYERS:
                self._seen.append(_farthest(self._sizes) or _sudden(self._sizes))
            self._sizes = []
        elif event.name.startswith(_LAYERS):
            detail = self._evidence.detail(event.seq)
            given = detail.upstream if isinstance(detail, NodeStartDetail) else ()
            size = largest(given[0].value) if given and given[0] is not None else None
            if size:
                self._sizes.append((size, event))

    def findings(self) -> Iterable[Finding]:
        """Return a finding where each of these backwards shows it."""
        pairs = [pair for pair in self._seen if pair is not None]
        if not pairs or len(pairs) < len(self._seen):
            return []
        pair = pairs[0]
        (before, above), (after, below) = pair.before, pair.after
        way = "grow" if after > before else "vanish"
        where = "between two blocks of a kind" if pair.is_sudden else "along the depth"
        ends = f"at most {before:.3g} at {_named(above)} and {after:.3g} at {_named(below)}"
        message = f"gradients {way} {where}: {ends}, a factor of {after / before:.1g}"
        steps = (Step(above.seq, f"at most {before:.3g}"), Step(below.seq, f"at most {after:.3g}"))
        return [Finding("G052", below.seq, message, below.file, below.line, steps)]


def _named(event: Event) -> str:
    return f"{event.scope or event.name} ({place(event)})"


def _farthest(sizes: Sequence[Size]) -> _Pair | None:
    """Return the pair of layers between which the factor is the largest, if it is large."""
    first, second = sorted((max(sizes, key=_number), min(sizes, key=_number)), key=sizes.index)
    pair = _Pair(first, second)
    return pair if pair.factor >= _FAR_APART else None


def _number(size: Size) -> float:
    return size[0]


def _sudden(sizes: Sequence[Size]) -> _Pair | None:
    """Return the first pair of neighbouring blocks of a kind between which alone the gradient changes by much."""
    alike: dict[tuple[str, str, str], list[Size]] = {}
    for size in sizes:
        for number in _NUMBER.finditer(scope := size[1].scope):
            alike.setdefault((scope[: number.start()], scope[number.end() :], size[1].name), []).append(size)
    for blocks in alike.values():
        pairs = [_Pair(*pair, is_sudden=True) for pair in pairwise(blocks)]
        if len(blocks) >= _ENOUGH_BLOCKS:
            *_, next_to, first = sorted(pairs, key=lambda pair: pair.factor)
            if first.factor >= max(_SUDDEN, _ALONE * next_to.factor):
                return first
    return None


RULES = (
    DiagnosisRule(
        "G052",
        "gradients vanish or explode along the depth",
        "hint",
        "From layer to layer the gradient is multiplied by about the same factor. Over many layers that makes it so"
        " small that the first layers do not learn, or so large that no learning rate fits all. Or one of many equal"
        " blocks multiplies it by a factor that none of the others has.",
        "Another initialisation, normalisation layers or residual connections keep the factor near 1; at a single"
        " block look for what scales its input or its result.",
        frozenset({"node_start", "backward_end"}),
        FarApart,
        f"a factor of {_FAR_APART:g} between two layers, or of {_SUDDEN:g} between two of at least {_ENOUGH_BLOCKS}"
        f" blocks of a kind and {_ALONE:g} times that between any others; in the first {_LOOKS} backwards",
    ),
)
