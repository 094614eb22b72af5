"""Rules of patches (unfold and fold) and of upsampling.

Both make each output element of few input elements at places that the sizes give: one, or several with weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

from gradb.rules.arguments import Given, indices
from gradb.rules.kernels import Entries, Entry
from gradb.rules.model import Part, Rule
from gradb.rules.pooling import outer_places
from gradb.tape.indices import Index, ravel

# --- unfold and fold --------------------------------------------------------------------------------------------------


def _patches(given: Given, image: Index, columns: Index) -> Iterator[tuple[int, int]]:
    """Return (position in the image, position in the columns) of every element of every patch."""
    kernel, dilation = given.integers("kernel_size", 2), given.integers("dilation", 2)
    padding, stride = given.integers("padding", 2), given.integers("stride", 2)
    n, channels, *size = image if len(image) == 4 else (1, *image)
    counts = [
        (h + 2 * p - d * (k - 1) - 1) // s + 1
        for h, p, d, k, s in zip(size, padding, dilation, kernel, stride, strict=True)
    ]
    for b, c, ky, kx, y, x in indices((n, channels, *kernel, *counts)):
        at = (y * stride[0] - padding[0] + ky * dilation[0], x * stride[1] - padding[1] + kx * dilation[1])
        if 0 <= at[0] < size[0] and 0 <= at[1] < size[1]:
            row, place = (c * kernel[0] + ky) * kernel[1] + kx, y * counts[1] + x
            yield ravel((b, c, *at), (n, channels, *size)), ravel((b, row, place), (n, *columns[-2:]))


def _unfolded(given: Given) -> Iterator[Entry]:
    return ((i, j, 1.0) for j, i in _patches(given, given.input.shape, given.out.shape))


def _folded(given: Given) -> Iterator[Entry]:
    return ((i, j, 1.0) for i, j in _patches(given, given.out.shape, given.input.shape))


_PATCH = {"dilation": "1", "padding": "0", "stride": "1"}

PATCHES = (
    Rule(
        "Im2Col",
        (
            Part(
                "self",
                "1 where an element went, else 0",
                "an element that is in several patches gets the sum of their gradients",
                product="upstream, folded back (fold)",
                entries=_unfolded,
            ),
        ),
        ("self", "kernel_size", "dilation", "padding", "stride"),
        ("unfold", "im2col"),
        defaults=_PATCH,
    ),
    Rule(
        "Col2Im",
        (
            Part(
                "self",
                "1 where an element was added, else 0",
                "each element of a patch gets the gradient of the place it was added to",
                product="upstream, unfolded again (unfold)",
                entries=_folded,
            ),
        ),
        ("self", "output_size", "kernel_size", "dilation", "padding", "stride"),
        ("fold", "col2im"),
        defaults=_PATCH,
    ),
)

# --- upsampling -------------------------------------------------------------------------------------------------------

Weights = list[tuple[int, float]]


def _scale(given: Given, axis: int, size: int, target: int) -> float:
    """Return how many input elements one step of the output is."""
    factor = given.get("scale_factor")
    if isinstance(factor, tuple):
        factor = factor[axis]
    if isinstance(factor, int | float) and factor and given.get("recompute_scale_factor") is not True:
        return 1 / factor
    return size / target


def _nearest(place: int, size: int, scale: float) -> Weights:
    return [(min(int(place * scale), size - 1), 1.0)]


def _nearest_exact(place: int, size: int, scale: float) -> Weights:
    return [(min(int((place + 0.5) * scale), size - 1), 1.0)]


def _linear(place: int, size: int, scale: float, is_aligned: bool) -> Weights:
    at = place * scale if is_aligned else max((place + 0.5) * scale - 0.5, 0.0)
    low = min(int(at), size - 1)
    return [(low, 1 - (at - low)), (min(low + 1, size - 1), at - low)]


def _cubic(place: int, size: int, scale: float, is_aligned: bool) -> Weights:
    at = place * scale if is_aligned else (place + 0.5) * scale - 0.5
    low, a = math.floor(at), -0.75
    t = at - low

    def near(x: float) -> float:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: float) -> float:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    weights = (far(t + 1), near(t), near(1 - t), far(2 - t))
    return [(min(max(low - 1 + k, 0), size - 1), weight) for k, weight in enumerate(weights)]


def _upsampled(rank: int, kind: str) -> Entries:
    """Each output element is a weighted mean of input elements near it, dimension by dimension."""

    def weights(given: Given, axis: int, place: int, size: int, target: int) -> Weights:
        is_aligned = given.get("align_corners") is True
        if kind.startswith("nearest"):
            scale = _scale(given, axis, size, target)
            return (_nearest if kind == "nearest" else _nearest_exact)(place, size, scale)
        scale = (size - 1) / (target - 1) if is_aligned and target > 1 else _scale(given, axis, size, target)
        scale = 0.0 if is_aligned and target == 1 else scale
        return (_linear if kind == "linear" else _cubic)(place, size, scale, is_aligned)

    def entries(given: Given) -> Iterator[Entry]:
        shape, sizes = given.input.shape[-rank:], given.out.shape[-rank:]
        for i, first, place in outer_places(given, rank):
            axes = [weights(given, d, place[d], shape[d], sizes[d]) for d in range(rank)]
            for chosen in product(*axes):
                yield i, first + ravel([at for at, _ in chosen], shape), math.prod(w for _, w in chosen)

    return entries


_NEAR = "each input element gets the sum of upstream at its copies"
_MIXED = "each output is a weighted mean of the input elements near it: they share its gradient"
_SIZES = ("self", "size", "scale_factor", "mode", "align_corners", "recompute_scale_factor")


def _upsample(node: str, rank: int, kind: str) -> Rule:
    local = (
        "1 where an element was copied to, else 0" if kind.startswith("nearest") else "the weight it was mixed in with"
    )
    product = (
        "upstream, summed over the copies" if kind.startswith("nearest") else "upstream, shared out by the weights"
    )
    condition = "" if kind.startswith("nearest") else "the weights of one output add up to 1"
    sentence = _NEAR if kind.startswith("nearest") else _MIXED
    part = Part("self", local, sentence, condition, product=product, entries=_upsampled(rank, kind))
    return Rule(node, (part,), _SIZES, ("interpolate", "upsample"))


UPSAMPLING = (
    *(_upsample(f"UpsampleNearest{d}D", d, "nearest") for d in (1, 2, 3)),
    *(_upsample(f"UpsampleNearestExact{d}D", d, "nearest-exact") for d in (1, 2, 3)),
    _upsample("UpsampleLinear1D", 1, "linear"),
    _upsample("UpsampleBilinear2D", 2, "linear"),
    _upsample("UpsampleTrilinear3D", 3, "linear"),
    _upsample("UpsampleBicubic2D", 2, "cubic"),
)

SAMPLING = (*PATCHES, *UPSAMPLING)
