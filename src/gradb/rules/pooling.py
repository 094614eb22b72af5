"""Rules of pooling and unpooling, of one to three dimensions.

The kernels are written once for any number of dimensions: for each place of the output, the window of the input that
it was made of.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from gradb.rules.arguments import Array, Given, NotKnown, indices
from gradb.rules.kernels import Entries, Entry
from gradb.rules.model import Part, Rule
from gradb.tape.indices import Index, ravel


def _pool_settings(given: Given, rank: int) -> tuple[list[int], list[int], list[int]]:
    """Return kernel size, stride (the kernel size where none was given) and padding."""
    kernel = given.integers("kernel_size", rank)
    has_stride = given.has("stride") and given.values["stride"] != ()
    return kernel, given.integers("stride", rank) if has_stride else kernel, given.integers("padding", rank)


def _span(first: int, kernel: int, size: int, dilation: int = 1) -> list[int]:
    """Return the places of a window that lie in the input."""
    skipped = -(first // dilation) if first < 0 else 0  # places before the input, in steps of the window
    return list(range(first + skipped * dilation, min(first + kernel * dilation, size), dilation))


def _window(starts: Sequence[Sequence[int]]) -> list[Index]:
    return list(product(*starts))


def outer_places(given: Given, rank: int) -> Iterator[tuple[int, int, Index]]:
    """Return (position in the output, first position of its channel in the input, place) for every output."""
    inner, volume = given.out.shape[-rank:], math.prod(given.input.shape[-rank:])
    for i, index in enumerate(indices(given.out.shape)):
        yield i, ravel(index[:-rank], given.out.shape[:-rank]) * volume, index[len(index) - len(inner) :]


def _largest(given: Given, first: int, places: list[Index], shape: Index) -> int:
    """Return the position of the first of the largest elements of a window."""
    found = [first + ravel(place, shape) for place in places]
    return max(found, key=lambda j: (given.input.numbers[j], -j))


def _max_pool(rank: int) -> Entries:
    def entries(given: Given) -> Iterator[Entry]:
        kernel, stride, padding = _pool_settings(given, rank)
        dilation, shape = given.integers("dilation", rank), given.input.shape[-rank:]
        for i, first, place in outer_places(given, rank):
            spans = [
                _span(p * s - b, k, size, d)
                for p, s, b, k, size, d in zip(place, stride, padding, kernel, shape, dilation, strict=True)
            ]
            yield i, _largest(given, first, _window(spans), shape), 1.0

    return entries


def _avg_pool(rank: int) -> Entries:
    def entries(given: Given) -> Iterator[Entry]:
        kernel, stride, padding = _pool_settings(given, rank)
        shape = given.input.shape[-rank:]
        for i, first, place in outer_places(given, rank):
            starts = [p * s - b for p, s, b in zip(place, stride, padding, strict=True)]
            places = _window([_span(a, k, n) for a, k, n in zip(starts, kernel, shape, strict=True)])
            ends = [min(a + k, n + b) for a, k, n, b in zip(starts, kernel, shape, padding, strict=True)]
            count = math.prod(e - a for e, a in zip(ends, starts, strict=True))
            if given.get("count_include_pad") is False:
                count = len(places)
            if given.has("divisor_override"):
                count = given.integer("divisor_override")
            for one in places:
                yield i, first + ravel(one, shape), 1 / count

    return entries


def _adaptive(rank: int, is_max: bool) -> Entries:
    """Windows as even as the sizes allow: from ⌊i·in/out⌋ to ⌈(i+1)·in/out⌉."""

    def entries(given: Given) -> Iterator[Entry]:
        shape, sizes = given.input.shape[-rank:], given.out.shape[-rank:]
        for i, first, place in outer_places(given, rank):
            spans = [range(p * n // m, -(-(p + 1) * n // m)) for p, n, m in zip(place, shape, sizes, strict=True)]
            places = _window(spans)
            if is_max:
                yield i, _largest(given, first, places, shape), 1.0
                continue
            for one in places:
                yield i, first + ravel(one, shape), 1 / len(places)

    return entries


def _by_flat_index(rank: int) -> Entries:
    """Follow the indices that the pooling returned: positions in the channel."""

    def entries(given: Given) -> Iterator[Entry]:
        if len(given.results) < 2:
            raise NotKnown("indices")
        return ((i, first + int(given.results[1].numbers[i]), 1.0) for i, first, _ in outer_places(given, rank))

    return entries


def _unpooled(rank: int) -> Entries:
    def entries(given: Given) -> Iterator[Entry]:
        volume = math.prod(given.out.shape[-rank:])
        inner = math.prod(given.input.shape[-rank:])
        places = given.array("indices").numbers
        return ((j // inner * volume + int(places[j]), j, 1.0) for j in range(given.input.size))

    return entries


_WINNER = "only the winner of each window gets a gradient"
_LARGEST = "1 at the largest of the window, else 0"
_FIRST = "of a tie PyTorch takes the first; windows that overlap add up"
_MAX = ("self", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_AVG = ("self", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
_EVEN = "each element of a window counts the same"


def _pool(
    node: str, local: str, sentence: str, condition: str, entries: Entries, signature: tuple[str, ...], functions: str,
    **defaults: str,
) -> Rule:  # fmt: skip
    product = "upstream at the winners, 0 elsewhere" if local == _LARGEST else "upstream, shared out over each window"
    part = Part("self", local, sentence, condition, product=product, entries=entries)
    return Rule(node, (part,), signature, tuple(functions.split()), defaults=defaults)


_NO_PAD = {"stride": "None", "padding": "0", "dilation": "1"}


def _line(rule: Rule, function: str) -> Rule:
    """Return the rule for one dimension, which PyTorch computes as two with a height of 1."""
    part = rule.parts[0]
    assert part.entries is not None
    inner = part.entries

    def entries(given: Given) -> Iterator[Entry]:
        flat = {d: Array(a.shape[:-2] + a.shape[-1:], a.numbers) for d, a in (("in", given.input), ("out", given.out))}
        source = given.get("self")
        numbers = source.numbers if isinstance(source, Array) else ()
        return inner(replace(given, input=replace(flat["in"], numbers=numbers), out=flat["out"]))

    line = replace(part, entries=entries)
    return replace(rule, node=f"{rule.node}@{function}", parts=(line,), functions=(function,), is_composite=True)


_max1d = _pool("MaxPool2DWithIndices", _LARGEST, _WINNER, _FIRST, _max_pool(1), _MAX, "", **_NO_PAD)
_avg1d = _pool("AvgPool2D", "1/(size of the window)", _EVEN, "", _avg_pool(1), _AVG, "", **_NO_PAD)
_mean1d = _pool(
    "AdaptiveAvgPool2D", "1/(size of the window)", _EVEN, "", _adaptive(1, False), ("self", "output_size"), ""
)
_top1d = _pool("AdaptiveMaxPool2D", _LARGEST, _WINNER, _FIRST, _adaptive(1, True), ("self", "output_size"), "")

POOLING = (
    *(
        _pool(f"MaxPool{d}DWithIndices", _LARGEST, _WINNER, _FIRST, _max_pool(d), _MAX, f"max_pool{d}d", **_NO_PAD)
        for d in (2, 3)
    ),
    *(
        _pool(
            f"AvgPool{d}D",
            "1/(size of the window)",
            _EVEN,
            "padding counts too unless count_include_pad=False",
            _avg_pool(d),
            _AVG,
            f"avg_pool{d}d",
            **_NO_PAD,
        )
        for d in (2, 3)
    ),
    *(
        _pool(
            f"AdaptiveAvgPool{d}D",
            "1/(size of the window)",
            _EVEN,
            "windows are as even as the sizes allow and may overlap",
            _adaptive(d, False),
            ("self", "output_size"),
            f"adaptive_avg_pool{d}d",
        )
        for d in (2, 3)
    ),
    *(
        _pool(
            f"AdaptiveMaxPool{d}D",
            _LARGEST,
            _WINNER,
            _FIRST,
            _adaptive(d, True),
            ("self", "output_size"),
            f"adaptive_max_pool{d}d",
        )
        for d in (2, 3)
    ),
    _line(_max1d, "max_pool1d"),
    _line(_avg1d, "avg_pool1d"),
    _line(_mean1d, "adaptive_avg_pool1d"),
    _line(_top1d, "adaptive_max_pool1d"),
    *(
        _pool(
            f"FractionalMaxPool{d}D",
            _LARGEST,
            _WINNER,
            "where the windows stand was drawn at random",
            _by_flat_index(d),
            ("self", "kernel_size"),
            f"fractional_max_pool{d}d_with_indices fractional_max_pool{d}d",
        )
        for d in (2, 3)
    ),
    *(
        Rule(
            f"MaxUnpool{d}D",
            (
                Part(
                    "self",
                    "1 at the place it was put, else 0",
                    "each value was put where its index says, so it gets the gradient from there",
                    "the zeros between came from nowhere",
                    product="upstream at the places {indices}",
                    entries=_unpooled(d),
                ),
            ),
            ("self", "indices", "kernel_size"),
            (f"max_unpool{d}d",),
        )
        for d in (2, 3)
    ),
)
