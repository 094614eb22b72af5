"""Rules of convolution and transposed convolution, of any number of dimensions.

Each product in a convolution is named by three places: one of the output, one of the input, one of the weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from gradb.rules.arguments import Given, NotKnown, indices
from gradb.rules.kernels import Entries, Entry
from gradb.rules.model import Part, Rule
from gradb.tape.indices import Index, ravel

Touch = tuple[Index, Index, Index]
"""One product in a convolution: (index in the output, in the input, in the weight)."""


def _settings(given: Given, rank: int) -> tuple[list[int], list[int], list[int], int]:
    """Return stride, padding, dilation and groups; ``'same'`` and ``'valid'`` are resolved."""
    stride, dilation = given.integers("stride", rank), given.integers("dilation", rank)
    mode = given.get("padding")
    if mode == "same":
        kernel = given.array("weight").shape[2:]
        if any(d * (k - 1) % 2 for d, k in zip(dilation, kernel, strict=True)):
            raise NotKnown("padding")  # uneven: PyTorch pads in a node of its own
        padding = [d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True)]
    else:
        padding = [0] * rank if mode == "valid" else given.integers("padding", rank)
    return stride, padding, dilation, given.integer("groups")


def _shapes(given: Given) -> tuple[Index, Index, Index]:
    """Return the shapes of output, input and weight, with a batch dimension."""
    weight = given.array("weight").shape
    out, source = (
        shape if len(shape) == len(weight) else (1, *shape) for shape in (given.out.shape, given.array("input").shape)
    )
    return out, source, weight


def _touches(given: Given) -> Iterator[Touch]:
    out, source, weight = _shapes(given)
    stride, padding, dilation, groups = _settings(given, len(weight) - 2)
    for n, o, *place in indices(out):
        first = o // (out[1] // groups) * weight[1]
        for c, *inside in indices(weight[1:]):
            at = [p * s - b + k * d for p, s, b, k, d in zip(place, stride, padding, inside, dilation, strict=True)]
            if all(0 <= i < size for i, size in zip(at, source[2:], strict=True)):
                yield (n, o, *place), (n, first + c, *at), (o, c, *inside)


def _transposed_touches(given: Given) -> Iterator[Touch]:
    out, source, weight = _shapes(given)
    stride, padding, dilation, groups = _settings(given, len(weight) - 2)
    per_group = source[1] // groups
    for n, c, *place in indices(source):
        first = c // per_group * weight[1]
        for o, *inside in indices(weight[1:]):
            at = [p * s - b + k * d for p, s, b, k, d in zip(place, stride, padding, inside, dilation, strict=True)]
            if all(0 <= i < size for i, size in zip(at, out[2:], strict=True)):
                yield (n, first + o, *at), (n, c, *place), (c, o, *inside)


def _convolved(role: str, touches: Callable[[Given], Iterator[Touch]]) -> Entries:
    def entries(given: Given) -> Iterator[Entry]:
        out, source, weight = _shapes(given)
        numbers = given.array("weight" if role == "input" else "input").numbers
        for i, j, k in touches(given):
            at_input, at_weight = ravel(j, source), ravel(k, weight)
            mine, other = (at_input, at_weight) if role == "input" else (at_weight, at_input)
            yield ravel(i, out), mine, numbers[other]

    return entries


def _channel(given: Given) -> Iterator[Entry]:
    out, _, _ = _shapes(given)
    return ((i, index[1], 1.0) for i, index in enumerate(indices(out)))


_CONV = {"bias": "None", "stride": "1", "padding": "0", "dilation": "1", "groups": "1"}
_PLAIN = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_TURNED = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")

_convolution = Rule(
    "Convolution",
    (
        Part(
            "input",
            "{weight} at the element's offset in the window",
            "each input element met every weight once",
            product="transposed convolution of upstream with {weight}",
            entries=_convolved("input", _touches),
        ),
        Part(
            "weight",
            "{input} at the places the window stood",
            "each weight met many input elements",
            product="convolution of {input} with upstream",
            entries=_convolved("weight", _touches),
        ),
        Part(
            "bias",
            "1",
            "the bias was added everywhere in its channel",
            product="upstream summed for each channel",
            entries=_channel,
        ),
    ),
    _PLAIN,
    ("conv1d", "conv2d", "conv3d"),
    defaults=_CONV,
    is_composite=True,
)

_BACK = (
    replace(
        _convolution.parts[0],
        local="{weight} at the offset it was spread to",
        sentence="each input element was spread over a window of the output",
        product="convolution of upstream with {weight}",
        entries=_convolved("input", _transposed_touches),
    ),
    replace(
        _convolution.parts[1],
        local="{input} at the places it was spread from",
        product="convolution of upstream with {input}",
        entries=_convolved("weight", _transposed_touches),
    ),
    _convolution.parts[2],
)

CONVOLUTION = (
    _convolution,
    *(
        replace(
            _convolution,
            node=f"Convolution@conv_transpose{d}d",
            parts=_BACK,
            signature=_TURNED,
            functions=(f"conv_transpose{d}d",),
        )
        for d in (1, 2, 3)
    ),
)
