"""Rules of losses over classes: negative log-likelihood and margins.

Sources: the definitions in PyTorch's documentation, differentiated by hand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from gradb.rules.arguments import Given, NotKnown, indices
from gradb.rules.kernels import Entry
from gradb.rules.model import Part, Rule
from gradb.tape.indices import ravel

_MEAN = {"reduction": "'mean'"}

_NLL = "only the score of the right class gets a gradient"
_CUT = "w is 1/n with n the number of samples (or the sum of their weights) for a mean, 1 for a sum"
_PICK = "-w at the target class, else 0"


def _target_class(given: Given) -> Iterator[Entry]:
    """Each sample's own class gets minus its weight; classes run along dimension 1, or 0 for a single sample."""
    target, shape = given.array("target"), given.input.shape
    weight = given.array("weight").numbers if given.has("weight") else None
    ignored = given.integer("ignore_index") if given.has("ignore_index") else -100
    if len(target.shape) != len(shape) - 1 or given.get("label_smoothing"):
        raise NotKnown("target")
    axis = 1 if len(shape) > 1 else 0
    picked: list[Entry] = []
    for i, index in enumerate(indices(target.shape)):
        one = int(target.numbers[i])
        if one != ignored:
            place = (*index[:axis], one, *index[axis:])
            picked.append((i, ravel(place, shape), weight[one] if weight else 1.0))
    return _reduced(given, picked)


def _reduced(given: Given, picked: list[Entry]) -> Iterator[Entry]:
    kind = given.word("reduction")
    total = math.fsum(w for _, _, w in picked) if kind == "mean" else 1.0
    return ((i if kind == "none" else 0, j, -w / total) for i, j, w in picked)


_CLASSES = ("self", "target", "weight", "size_average", "ignore_index", "reduce", "reduction")
_CROSS = ("input", "target", "weight", "size_average", "ignore_index", "reduce", "reduction", "label_smoothing")


def _nll(node: str) -> Rule:
    part = Part("self", _PICK, _NLL, _CUT, entries=_target_class)
    return Rule(node, (part,), _CLASSES, ("nll_loss",), defaults=_MEAN)


def _nll_inside(node: str) -> Rule:
    part = Part("scores", _PICK, _NLL, _CUT, torch_name="self", name="log_softmax({input})", entries=_target_class)
    return Rule(f"{node}@cross_entropy", (part,), _CROSS, ("cross_entropy",), defaults=_MEAN, is_composite=True)


def _rows(given: Given) -> range:
    return range(given.input.shape[0] if len(given.input.shape) > 1 else 1)


def _margins(given: Given) -> Iterator[Entry]:
    """Each wrong class closer than the margin is pushed down, and the right one up by all of them."""
    width, power, margin = given.input.shape[-1], given.number("p"), given.number("margin")
    weight = given.array("weight").numbers if given.has("weight") else [1.0] * width
    rows, targets = _rows(given), given.array("target").numbers
    share = 1 / len(rows) if given.word("reduction") == "mean" else 1.0
    for row in rows:
        line, own = given.input.row(row, width), int(targets[row])
        for j, x in enumerate(line):
            gap = margin - line[own] + x
            if j == own or gap <= 0:
                continue
            slope = weight[own] * power * gap ** (power - 1) / width * share
            i = row if given.out.size > 1 else 0
            yield i, row * width + j, slope
            yield i, row * width + own, -slope


def _label_margins(given: Given) -> Iterator[Entry]:
    """Each pair of a label and a class that is none, closer than 1, is pushed apart."""
    width, targets = given.input.shape[-1], given.array("target")
    rows = _rows(given)
    share = 1 / len(rows) if given.word("reduction") == "mean" else 1.0
    for row in rows:
        line, labels = given.input.row(row, width), []
        for target in targets.row(row, width):
            if target < 0:
                break
            labels.append(int(target))
        for own in labels:
            for j in range(width):
                if j not in labels and 1 - line[own] + line[j] > 0:
                    i = row if given.out.size > 1 else 0
                    yield i, row * width + j, share / width
                    yield i, row * width + own, -share / width


_PUSHED = "each wrong class that comes too close is pushed down, and the right one up by all of them"

CLASS_LOSSES = (
    _nll("NllLoss"),
    _nll("NllLoss2D"),
    _nll_inside("NllLoss"),
    _nll_inside("NllLoss2D"),
    Rule(
        "MultiMarginLoss",
        (
            Part(
                "self",
                "{p}·max(0, {margin} - {self}[y] + {self}[j])^({p} - 1)/C",
                _PUSHED,
                "for a wrong class j of C classes, y the right one; for a mean also divided by the number of samples",
                "∂{out}/∂{self}[j]",
                entries=_margins,
            ),
        ),
        ("self", "target", "p", "margin", "weight", "size_average", "reduce", "reduction"),
        ("multi_margin_loss",),
        defaults={**_MEAN, "p": "1", "margin": "1.0"},
    ),
    Rule(
        "MultilabelMarginLoss",
        (
            Part(
                "self",
                "1/C for each label y with 1 - {self}[y] + {self}[j] > 0",
                _PUSHED,
                "for a class j of C that is no label; for a mean also divided by the number of samples",
                "∂{out}/∂{self}[j]",
                entries=_label_margins,
            ),
        ),
        ("self", "target", "size_average", "reduce", "reduction"),
        ("multilabel_margin_loss",),
        defaults=_MEAN,
    ),
)
