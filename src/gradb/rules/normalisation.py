"""Rules of layer, batch, group and instance norm, and of weight norm.

x̂ is the normalised input, (x - mean)/σ with σ = √(var + eps). Source: the definitions, differentiated by hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from gradb.rules.arguments import Array, Given, indices
from gradb.rules.kernels import Entries, Entry
from gradb.rules.model import Names, Part, Rule

Group = tuple[list[int], list[int]]
"""Positions of the elements normalised together, and for each the position of its weight."""
Groups = Callable[[Given], Iterator[Group]]


def _layer_groups(given: Given) -> Iterator[Group]:
    shape = given.out.shape
    count = math.prod(shape[len(shape) - len(given.sequence("normalized_shape")) :])
    for first in range(0, given.out.size, count):
        yield list(range(first, first + count)), list(range(count))


def _batch_groups(given: Given) -> Iterator[Group]:
    shape = given.out.shape
    inner = math.prod(shape[2:])
    for channel in range(shape[1]):
        starts = [(sample * shape[1] + channel) * inner for sample in range(shape[0])]
        members = [start + k for start in starts for k in range(inner)]
        yield members, [channel] * len(members)


def _channel_groups(count: Callable[[Given], int]) -> Groups:
    """Each sample's channels in ``count`` groups."""

    def groups(given: Given) -> Iterator[Group]:
        samples, channels = given.array("input").shape[:2]
        inner = math.prod(given.array("input").shape[2:])
        per_group = channels // count(given)
        for sample in range(samples):
            for first in range(0, channels, per_group):
                start = (sample * channels + first) * inner
                members = list(range(start, start + per_group * inner))
                yield members, [first + k // inner for k in range(per_group * inner)]

    return groups


def _weights(given: Given) -> Array | None:
    return given.array("weight") if given.has("weight") else None


def _spread(values: list[float], eps: float) -> tuple[float, float]:
    """Return mean and √(var + eps)."""
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((x - mean) ** 2 for x in values) / len(values) + eps)


def _is_running(given: Given) -> bool:
    """Tell whether the running statistics are used (``eval()``): they are constants."""
    return given.get("training") is False


def _statistics(given: Given, values: list[float], channel: int) -> tuple[float, float]:
    if _is_running(given):
        mean, var = given.array("running_mean").numbers[channel], given.array("running_var").numbers[channel]
        return mean, math.sqrt(var + given.number("eps"))
    return _spread(values, given.number("eps"))


def _by_input(groups: Groups) -> Entries:
    def entries(given: Given) -> Iterator[Entry]:
        weights, numbers = _weights(given), given.array("input").numbers
        for members, places in groups(given):
            mean, spread = _statistics(given, [numbers[k] for k in members], places[0])
            hat = [(numbers[k] - mean) / spread for k in members]
            for a, i in enumerate(members):
                scale = (weights.numbers[places[a]] if weights else 1.0) / spread
                if _is_running(given):
                    yield i, i, scale
                    continue
                yield i, i, scale  # apart from the rest: what nearly cancels is as exact as its terms
                for b, j in enumerate(members):
                    yield i, j, -scale * (1 + hat[a] * hat[b]) / len(members)

    return entries


def _by_weight(groups: Groups) -> Entries:
    def entries(given: Given) -> Iterator[Entry]:
        numbers = given.array("input").numbers
        for members, places in groups(given):
            mean, spread = _statistics(given, [numbers[k] for k in members], places[0])
            for i, place in zip(members, places, strict=True):
                yield i, _repeated(given, i, place), numbers[i] / spread
                yield i, _repeated(given, i, place), -mean / spread

    return entries


def _repeated(given: Given, i: int, place: int) -> int:
    """Return the place in the edge's tensor: instance norm repeats scale and shift for each sample."""
    shape = given.array("input").shape
    if len(shape) < 2 or given.input.shape != (shape[0] * shape[1],):
        return place
    return i // math.prod(shape[1:]) * shape[1] + place


def _by_bias(groups: Groups) -> Entries:
    return lambda given: (
        (i, _repeated(given, i, place), 1.0)
        for members, places in groups(given)
        for i, place in zip(members, places, strict=True)
    )


def _scale_text(names: Names) -> str:
    scale = "1" if names["weight"] == "None" else "{weight}"
    return f"({scale}/σ)·(δ - 1/N - x̂[i]·x̂[j]/N)"


_ABOUT = "mean and spread depend on every element too, so what would shift or stretch them all is taken out"


def _norm(node: str, groups: Groups, over: str, signature: str, function: str, **defaults: str) -> Rule:
    over = f"x̂ = ({{input}} - mean)/σ; {over}"
    return Rule(
        node,
        (
            Part(
                "input",
                _scale_text,
                _ABOUT,
                over,
                "∂{out}[i]/∂{input}[j]",
                entries=_by_input(groups),
            ),
            Part(
                "weight",
                "x̂",
                "the scale gets upstream times the normalised input, summed",
                over,
                product="sum(upstream·x̂)",
                entries=_by_weight(groups),
            ),
            Part(
                "bias",
                "1",
                "the shift gets the sum of upstream",
                over,
                product="upstream, summed over all places with this shift",
                entries=_by_bias(groups),
            ),
        ),
        tuple(signature.split()),
        (function,),
        defaults={"weight": "None", "bias": "None", "eps": "1e-05", **defaults},
    )


_TOGETHER = "N elements are normalised together; σ = √(var + eps)"
_BATCH = "N elements share a channel's mean; σ = √(var + eps); in eval() mode only weight/σ remains"
_INSTANCE = "input running_mean running_var weight bias use_input_stats momentum eps"
_instance = _norm(
    "NativeBatchNorm@instance_norm",
    _channel_groups(lambda g: g.array("input").shape[1]),
    _TOGETHER,
    _INSTANCE,
    "instance_norm",
)

# --- weight norm ------------------------------------------------------------------------------------------------------


def _weight_norm_dim(given: Given) -> int:
    return given.dim_of(given.out.shape)


def _weight_norm_lines(given: Given) -> Iterator[tuple[int, list[int], float]]:
    """Return for each slice along the dimension its place in g, its elements, and its norm."""
    v, dim = given.array("v"), _weight_norm_dim(given)
    slices: dict[int, list[int]] = {}
    for k, index in enumerate(indices(v.shape)):
        slices.setdefault(index[dim], []).append(k)
    for place, members in slices.items():
        yield place, members, math.sqrt(math.fsum(v.numbers[k] ** 2 for k in members))


def _by_direction(given: Given) -> Iterator[Entry]:
    v, g = given.array("v").numbers, given.array("g").numbers
    for place, members, norm in _weight_norm_lines(given):
        for i in members:
            for j in members:
                yield i, j, g[place] / norm * ((i == j) - v[i] * v[j] / norm**2)


def _by_length(given: Given) -> Iterator[Entry]:
    v = given.array("v").numbers
    return ((i, place, v[i] / norm) for place, members, norm in _weight_norm_lines(given) for i in members)


NORMALISATION = (
    _norm("NativeLayerNorm", _layer_groups, _TOGETHER, "input normalized_shape weight bias eps", "layer_norm"),
    _norm(
        "NativeBatchNorm",
        _batch_groups,
        _BATCH,
        "input running_mean running_var weight bias training momentum eps",
        "batch_norm",
        training="False",
    ),
    _norm(
        "NativeGroupNorm",
        _channel_groups(lambda g: g.integer("num_groups")),
        _TOGETHER,
        "input num_groups weight bias eps",
        "group_norm",
    ),
    replace(_instance, is_composite=True),
    Rule(
        "WeightNormInterface",
        (
            Part(
                "v",
                "({g}/‖v‖)·(δ - {v}[i]·{v}[j]/‖v‖²)",
                "only the direction of v counts, so what would change its length is taken out",
                "‖v‖ is the norm of the slice that has one {g}",
                "∂{out}[i]/∂{v}[j]",
                entries=_by_direction,
            ),
            Part(
                "g",
                "{v}[i]/‖v‖",
                "the length gets upstream along the direction of v",
                "‖v‖ is the norm of the slice that has one {g}",
                "∂{out}[i]/∂{g}",
                entries=_by_length,
            ),
        ),
        ("v", "g", "dim"),
        ("weight_norm_interface", "weight_norm"),
        defaults={"dim": "0"},
    ),
)
