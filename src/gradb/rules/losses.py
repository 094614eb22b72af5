"""Rules of losses.

A loss is taken element by element and then averaged, summed or left as it is: ``{n}`` is the number of elements that a
mean divides by. Sources: the definitions in PyTorch's documentation, differentiated by hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from gradb.rules.arguments import Array, Given, indices
from gradb.rules.elementwise import sign
from gradb.rules.kernels import Entries, Entry, broadcast_index
from gradb.rules.model import Names, Part, Rule, Template
from gradb.rules.numeric import sigmoid

# --- losses of one element each ---------------------------------------------------------------------------------------

_MEAN = {"reduction": "'mean'"}
Row = Mapping[str, float]


def _text(local: Template) -> Template:
    """Return the derivative divided by n where the loss is a mean."""

    def template(names: Names) -> str:
        return _divided(local if isinstance(local, str) else local(names), names)

    return template


def _divided(local: str, names: Names) -> str:
    if "mean" in names["reduction"]:
        return f"{local}/{{n}}"
    return local if names["reduction"] in {"'sum'", "'none'"} else f"{local}/{{n}} (mean; without /{{n}} for a sum)"


def _share(given: Given, count: int) -> float:
    return 1 / count if given.word("reduction") == "mean" else 1.0


def _each(derivative: Callable[[Row], float]) -> Entries:
    """A loss taken element by element; it is one number, or one for each element without a reduction."""

    def entries(given: Given) -> Iterator[Entry]:
        shape = given.array("self").shape
        for role in ("weight", "pos_weight"):
            given.get(role)  # not known is not left out
        arrays = {role: value for role, value in given.values.items() if isinstance(value, Array)}
        numbers = {role: float(value) for role, value in given.values.items() if isinstance(value, int | float)}
        share, is_one = _share(given, math.prod(shape)), given.out.size == 1
        for i, index in enumerate(indices(shape)):
            row = {role: array.at(broadcast_index(index, array.shape)) for role, array in arrays.items()}
            weight = row.get("weight", 1.0)
            yield 0 if is_one else i, i, derivative({**numbers, **row}) * share * weight

    return entries


def _loss(
    node: str,
    signature: str,
    function: str,
    *parts: tuple[str, Template, str, Callable[[Row], float]],
    condition: str = "",
    **defaults: str,
) -> Rule:
    """Return the rule of a loss; each part is (role, local, sentence, derivative)."""
    made = tuple(
        Part(role, _text(local), sentence, condition, entries=_each(derivative))
        for role, local, sentence, derivative in parts
    )
    return Rule(node, made, tuple(signature.split()), (function,), defaults={**_MEAN, **defaults})


def _gap(row: Row) -> float:
    return row["self"] - row["target"]


def _near(width: str, row: Row) -> float:
    """Return the gap, cut off at ``width``."""
    return max(-row[width], min(row[width], _gap(row)))


def _smooth(row: Row) -> float:
    return _near("beta", row) / row["beta"] if row["beta"] else sign(_gap(row))


def _cross_entropy(row: Row) -> float:
    p = row["self"]
    return (p - row["target"]) / max(p * (1 - p), 1e-12)


def _logit_entropy(row: Row) -> float:
    t, p = row["target"], sigmoid(row["self"])
    positive = row.get("pos_weight", 1.0)
    return (1 - t) * p - positive * t * (1 - p)


def _logit_text(names: Names) -> str:
    if names["pos_weight"] == "None":
        return "(σ({self}) - {target})"
    return "((1 - {target})·σ({self}) - {pos_weight}·{target}·σ(-{self}))"


def _logit_target(row: Row) -> float:
    x, positive = row["self"], row.get("pos_weight", 1.0)
    return positive * _softplus(-x) - _softplus(x)


def _softplus(x: float) -> float:
    """Return ln(1 + e^x) without overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _logit_target_text(names: Names) -> str:
    if names["pos_weight"] == "None":
        return "-{self}"
    return "({pos_weight}·ln(1 + e^-{self}) - ln(1 + e^{self}))"


def _mirrored(derivative: Callable[[Row], float]) -> Callable[[Row], float]:
    return lambda row: -derivative(row)


_OLD = "size_average reduce reduction"
_PULLED = "the target gets the same with the sign turned"

ELEMENT_LOSSES = (
    _loss(
        "MseLoss",
        f"self target {_OLD} weight",
        "mse_loss",
        (
            "self",
            "2·({self} - {target})",
            "twice the distance to the target, shared among the n elements",
            lambda row: 2 * _gap(row),
        ),
        ("target", "-2·({self} - {target})", _PULLED, lambda row: -2 * _gap(row)),
    ),
    _loss(
        "SmoothL1Loss",
        f"self target {_OLD} beta",
        "smooth_l1_loss",
        (
            "self",
            "clip(({self} - {target})/{beta}, -1, 1)",
            "the distance near the target, only the side farther off",
            _smooth,
        ),
        ("target", "-clip(({self} - {target})/{beta}, -1, 1)", _PULLED, _mirrored(_smooth)),
        condition="clip cuts off at its two bounds: beyond {beta} only the side counts",
        beta="1.0",
    ),
    _loss(
        "HuberLoss",
        "self target reduction delta weight",
        "huber_loss",
        (
            "self",
            "clip({self} - {target}, -{delta}, {delta})",
            "the distance near the target, no more than {delta} farther off",
            lambda row: _near("delta", row),
        ),
        ("target", "-clip({self} - {target}, -{delta}, {delta})", _PULLED, lambda row: -_near("delta", row)),
        condition="clip cuts off at its two bounds",
        delta="1.0",
    ),
    _loss(
        "BinaryCrossEntropy",
        f"self target weight {_OLD}",
        "binary_cross_entropy",
        (
            "self",
            "({self} - {target})/({self}·(1 - {self}))",
            "the farther the probability is from the target, the steeper, without limit at 0 and 1",
            _cross_entropy,
        ),
        (
            "target",
            "ln((1 - {self})/{self})",
            "a target is drawn to what the prediction already says",
            lambda row: math.log1p(-row["self"]) - math.log(row["self"]),
        ),
        condition="times the weight where one is given; PyTorch keeps the denominator above 1e-12",
    ),
    _loss(
        "BinaryCrossEntropyWithLogits",
        f"self target weight {_OLD} pos_weight",
        "binary_cross_entropy_with_logits",
        ("self", _logit_text, "the predicted probability minus the target", _logit_entropy),
        ("target", _logit_target_text, "a target is drawn to what the score already says", _logit_target),
        condition="times the weight where one is given",
        pos_weight="None",
    ),
    _loss(
        "SoftMarginLoss",
        f"self target {_OLD}",
        "soft_margin_loss",
        (
            "self",
            "-{target}·σ(-{target}·{self})",
            "the less sure and right the score is, the more it is pushed to the target's side",
            lambda row: -row["target"] * sigmoid(-row["target"] * row["self"]),
        ),
    ),
)
