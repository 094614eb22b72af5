"""Rules of the remaining building blocks of networks: embedding, attention, dropout; and the end of the chain.

Sources: the definitions in PyTorch's documentation of each op, differentiated by hand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from gradb.rules.arguments import Array, Given, NotKnown, indices
from gradb.rules.kernels import Entries, Entry
from gradb.rules.model import Part, Rule
from gradb.rules.reductions import softmax
from gradb.tape.indices import ravel

# --- embedding --------------------------------------------------------------------------------------------------------


def _looked_up(given: Given) -> Iterator[Entry]:
    rows, width = given.input.shape
    padding = given.integer("padding_idx") % rows if given.has("padding_idx") else -1
    picked = [int(n) for n in given.array("input").numbers]
    counts = {row: picked.count(row) for row in set(picked)}
    by_count = given.get("scale_grad_by_freq") is True
    for place, row in enumerate(picked):
        if row != padding:
            for k in range(width):
                yield place * width + k, row * width + k, 1 / counts[row] if by_count else 1.0


def _bags(given: Given) -> list[list[int]]:
    """Return the places in ``input`` that go into each bag."""
    picked = given.array("input")
    if len(picked.shape) == 2:
        length = picked.shape[1]
        return [list(range(row * length, (row + 1) * length)) for row in range(picked.shape[0])]
    starts = [int(n) for n in given.array("offsets").numbers]
    return [list(range(a, b)) for a, b in zip(starts, [*starts[1:], picked.size], strict=True)]


def _bagged(given: Given) -> Iterator[Entry]:
    width, mode, picked = given.input.shape[1], given.word("mode"), given.array("input").numbers
    weights = given.array("per_sample_weights").numbers if given.has("per_sample_weights") else None
    for bag, places in enumerate(_bags(given)):
        for k in range(width):
            columns = [int(picked[place]) * width + k for place in places]
            if mode == "max":
                columns = [max(columns, key=lambda j: given.input.numbers[j])]
            for place, j in zip(places, columns, strict=False):
                share = 1 / len(places) if mode == "mean" else weights[place] if weights else 1.0
                yield bag * width + k, j, share


EMBEDDING = (
    Rule(
        "Embedding",
        (
            Part(
                "weight",
                "1 for the rows looked up, else 0",
                "a row looked up several times gets the sum",
                "the row padding_idx gets 0",
                product="upstream added into the rows looked up",
                entries=_looked_up,
            ),
        ),
        ("input", "weight", "padding_idx", "max_norm", "norm_type", "scale_grad_by_freq"),
        ("embedding",),
    ),
    Rule(
        "EmbeddingBag",
        (
            Part(
                "weight",
                "1 for the rows in the bag, else 0",
                "every row in a bag gets the bag's gradient",
                "for mode='sum'; 'mean' divides by the size of the bag, 'max' sends it to the largest only",
                product="upstream added into the rows of each bag",
                entries=_bagged,
            ),
        ),
        (
            "input",
            "weight",
            "offsets",
            "max_norm",
            "norm_type",
            "scale_grad_by_freq",
            "mode",
            "sparse",
            "per_sample_weights",
        ),
        ("embedding_bag",),
        defaults={"mode": "'mean'"},
    ),
)

# --- attention --------------------------------------------------------------------------------------------------------


def _scale(given: Given) -> float:
    return given.number("scale") if given.has("scale") else 1 / math.sqrt(given.array("query").shape[-1])


def _allowed(given: Given, batch: tuple[int, ...], i: int, j: int) -> float:
    """Return what the mask adds to the score of query i and key j: 0, a number, or -inf."""
    if given.get("is_causal") is True and j > i:
        return -math.inf
    mask = given.get("attn_mask")
    if not isinstance(mask, Array):
        return 0.0
    index = (*batch, i, j)[-len(mask.shape) :]
    return mask.at([k if size > 1 else 0 for k, size in zip(index, mask.shape, strict=True)])


def _shares(given: Given) -> Iterator[tuple[tuple[int, ...], int, list[float]]]:
    """Return for each batch index and query the attention it pays to each key."""
    query, key, scale = given.array("query"), given.array("key"), _scale(given)
    for *batch, i in indices(query.shape[:-1]):
        mine = query.row(ravel((*batch, i), query.shape[:-1]), query.shape[-1])
        scores = []
        for j in range(key.shape[-2]):
            yours = key.row(ravel((*batch, j), key.shape[:-1]), key.shape[-1])
            dot = math.fsum(a * b for a, b in zip(mine, yours, strict=True))
            scores.append(scale * dot + _allowed(given, tuple(batch), i, j))
        yield tuple(batch), i, softmax(scores)


def _by_query(given: Given) -> Iterator[Entry]:
    key, value, scale = given.array("key"), given.array("value"), _scale(given)
    for batch, i, shares in _shares(given):
        for e in range(key.shape[-1]):
            column = [key.at((*batch, j, e)) for j in range(len(shares))]
            mean = math.fsum(p * k for p, k in zip(shares, column, strict=True))
            place = ravel((*batch, i, e), given.input.shape)
            for d in range(value.shape[-1]):
                slope = math.fsum(
                    p * (k - mean) * value.at((*batch, j, d))
                    for j, (p, k) in enumerate(zip(shares, column, strict=True))
                )
                yield ravel((*batch, i, d), given.out.shape), place, scale * slope


def _by_key(given: Given) -> Iterator[Entry]:
    query, value, scale = given.array("query"), given.array("value"), _scale(given)
    for batch, i, shares in _shares(given):
        for d in range(value.shape[-1]):
            column = [value.at((*batch, j, d)) for j in range(len(shares))]
            mean = math.fsum(p * v for p, v in zip(shares, column, strict=True))
            row = ravel((*batch, i, d), given.out.shape)
            for j, (p, v) in enumerate(zip(shares, column, strict=True)):
                for e in range(query.shape[-1]):
                    slope = scale * p * query.at((*batch, i, e)) * (v - mean)
                    yield row, ravel((*batch, j, e), given.input.shape), slope


def _by_value(given: Given) -> Iterator[Entry]:
    width = given.input.shape[-1]
    for batch, i, shares in _shares(given):
        for j, p in enumerate(shares):
            for d in range(width):
                yield ravel((*batch, i, d), given.out.shape), ravel((*batch, j, d), given.input.shape), p


_P = "P = softmax({query} @ {key}.mT·scale): the share of attention that query i pays to key j; scale is 1/√d"


def _attention(node: str) -> Rule:
    return Rule(
        node,
        (
            Part(
                "query",
                "scale·Σj P[i,j]·({key}[j,e] - mean)·{value}[j,d]",
                "a query turns to the keys whose values the loss wants",
                f"{_P}; mean is Σj P[i,j]·{{key}}[j,e]",
                "∂{out}[i,d]/∂{query}[i,e]",
                "scale·(P·(G - rowsum(P·G))) @ {key}, G = upstream @ {value}.mT",
                entries=_by_query,
            ),
            Part(
                "key",
                "scale·P[i,j]·{query}[i,e]·({value}[j,d] - {out}[i,d])",
                "a key turns to the queries that want its value",
                _P,
                "∂{out}[i,d]/∂{key}[j,e]",
                "scale·(P·(G - rowsum(P·G))).mT @ {query}, G = upstream @ {value}.mT",
                entries=_by_key,
            ),
            Part(
                "value",
                "P[i,j]",
                "a value gets the gradient of each result by the share of attention it had",
                _P,
                "∂{out}[i,d]/∂{value}[j,d]",
                "P.mT @ upstream",
                entries=_by_value,
            ),
        ),
        ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale"),
        ("scaled_dot_product_attention",),
    )


ATTENTION = (_attention("ScaledDotProductFlashAttentionForCpu"),)

# --- dropout ----------------------------------------------------------------------------------------------------------


def _dropped(mask: Entries) -> Part:
    return Part(
        "input",
        "1/(1 - {p}) where kept, 0 where dropped",
        "what was dropped gets no gradient",
        "which elements are kept is drawn anew in each call",
        entries=mask,
    )


def _where_kept(given: Given) -> Iterator[Entry]:
    """An element was kept where its result is not 0 (the mask itself is not on the tape; of a 0 it cannot be told)."""
    keep = 1 - given.number("p")
    if not all(given.array("input").numbers):
        raise NotKnown("mask")
    return ((i, i, 1 / keep) for i, x in enumerate(given.out.numbers) if x != 0)


def _by_mask(given: Given) -> Iterator[Entry]:
    keep = 1 - given.number("p")
    return ((i, i, 1 / keep) for i, is_kept in enumerate(given.results[1].numbers) if is_kept)


DROPOUT = (
    Rule("Mul@dropout", (_dropped(_where_kept),), ("input", "p"), ("dropout",), defaults={"p": "0.5"}),
    Rule(
        "NativeDropout",
        (_dropped(_by_mask),),
        ("input", "p", "train"),
        ("native_dropout",),
        defaults={"p": "0.5"},
    ),
)

LEAVES = (
    Rule(
        "AccumulateGrad",
        (Part("variable", "1", "the end of the chain: the gradient is added to the leaf's .grad"),),
        (),
    ),
)

NETWORK = (*EMBEDDING, *ATTENTION, *DROPOUT, *LEAVES)
