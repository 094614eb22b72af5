"""Rules of ops that pick elements out, cut a tensor to a form, or pad it.

As with all moves every entry of the Jacobian is 1 or 0; what was not picked gets no gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gradb.rules.arguments import Array, Given, Listed, NotKnown, indices
from gradb.rules.kernels import Entries, broadcast_index, moved
from gradb.rules.model import Rule
from gradb.rules.moves import Source, move
from gradb.tape.indices import Index, ravel, unravel

# --- selections -------------------------------------------------------------------------------------------------------

_CUT = "what was picked out gets the gradient, the rest gets 0"
_PLACE = "zeros with upstream in the places picked"
_AGAIN = "an element picked several times gets the sum"


def _selected(given: Given, index: Index) -> Index:
    dim = given.dim()
    return (*index[:dim], given.integer("index") % given.input.shape[dim], *index[dim:])


def _narrowed(given: Given, index: Index) -> Index:
    dim = given.dim()
    start = given.integer("start")
    start += given.input.shape[dim] if start < 0 else 0
    return (*index[:dim], index[dim] + start, *index[dim + 1 :])


def _by_key(given: Given, index: Index) -> Index:
    """Follow the key of ``x[1:3, 0]``: whole numbers, slices, None and ``...``, or one tensor of indices."""
    key = given.get("key")
    items = list(key) if isinstance(key, tuple) and not isinstance(key, Listed) else [key]
    items = [part for item in items for part in as_indices(item)]
    tensors = [item for item in items if isinstance(item, Array)]
    if len(tensors) == len(items) > 1:
        return _jointly(tensors, given.input.shape, index)
    rank = len(given.input.shape)
    spare = rank - sum(1 for item in items if item is not None and item is not ...)
    if ... not in [item for item in items if not isinstance(item, Array)]:
        items.append(...)
    left, found = list(index), list[int]()
    for item in items:
        found += _followed(item, given.input.shape, len(found), spare, left)
    return tuple(found)


def as_indices(item: object) -> list[object]:
    """Return a list of numbers as a tensor of indices, and a mask as the tensors of the places where it is true."""
    if isinstance(item, Listed):
        numbers = [part for part in item if isinstance(part, int | float) and not isinstance(part, bool)]
        if len(numbers) != len(item):
            raise NotKnown("key")
        return [Array((len(numbers),), [float(number) for number in numbers])]
    if isinstance(item, Array) and item.is_bool:
        places = [index for index, number in zip(indices(item.shape), item.numbers, strict=True) if number]
        return [Array((len(places),), [float(place[d]) for place in places]) for d in range(len(item.shape))]
    return [item]


def _jointly(tensors: list[Array], shape: Index, index: Index) -> Index:
    """Follow several tensors of indices, which go together place by place: ``x[rows, columns]``."""
    count = max(len(tensor.shape) for tensor in tensors)
    at = [int(t.at(broadcast_index(index[:count], t.shape))) % size for t, size in zip(tensors, shape, strict=False)]
    return (*at, *index[count:])


def _followed(item: object, shape: Index, dim: int, spare: int, left: list[int]) -> list[int]:
    """Return the input's index along the dimensions that one item of a key is about; takes what it uses of ``left``."""
    if item is ...:
        return [left.pop(0) for _ in range(spare)]
    if item is None:
        left.pop(0)
        return []
    if isinstance(item, slice):
        start, _, step = item.indices(shape[dim])
        return [start + step * left.pop(0)]
    if isinstance(item, Array):
        at = [left.pop(0) for _ in item.shape]
        return [int(item.at(at)) % shape[dim]]
    if isinstance(item, int) and not isinstance(item, bool):
        return [item % shape[dim]]
    raise NotKnown("key")


def _index_selected(given: Given, index: Index) -> Index:
    dim, picked = given.dim(), given.array("index").numbers
    return (*index[:dim], int(picked[index[dim]]), *index[dim + 1 :])


def _gathered(given: Given, index: Index) -> Index:
    dim = given.dim()
    return (*index[:dim], int(given.array("index").at(index)), *index[dim + 1 :])


def _taken(given: Given, index: Index) -> Index:
    return unravel(int(given.array("index").at(index)) % given.input.size, given.input.shape)


def _masked(given: Given, index: Index) -> Index:
    mask, shape = given.array("mask"), given.input.shape
    kept = [flat for flat, keep in enumerate(mask.numbers) if keep]
    if mask.shape != shape:
        raise NotKnown("mask")
    return unravel(kept[index[0]], shape)


def by_returned_index(given: Given, index: Index) -> Index:
    """Follow the indices that the op returned beside its values (``max``, ``sort``, ``topk`` ...)."""
    if len(given.results) < 2 or given.results[1].size != given.out.size:
        raise NotKnown("indices")
    rank, at = len(given.input.shape), int(given.results[1].numbers[ravel(index, given.out.shape)])
    if not rank:
        return ()
    dim = given.dim()
    is_kept = len(index) == rank
    return (*index[:dim], at, *index[dim + is_kept :])


def _unbound(given: Given, index: Index) -> Index:
    dim = given.dim()
    return (*index[:dim], given.slot, *index[dim:])


def _split(given: Given, index: Index) -> Index:
    dim = given.dim()
    before = sum(piece.shape[dim] for piece in given.results[: given.slot])
    return (*index[:dim], index[dim] + before, *index[dim + 1 :])


def diagonal_index(given: Given, index: Index, shape: Index) -> Index:
    """Return where element ``index`` of a diagonal stands in the tensor of ``shape`` that it is the diagonal of."""
    rank, offset = len(shape), given.integer("offset")
    a, b = given.integer("dim1") % rank, given.integer("dim2") % rank
    *others, k = index
    at = {a: k - min(offset, 0), b: k + max(offset, 0)}
    rest = iter(others)
    return tuple(at[d] if d in at else next(rest) for d in range(rank))


def _diagonal(given: Given, index: Index) -> Index:
    return diagonal_index(given, index, given.input.shape)


def _strided(given: Given, index: Index) -> Index:
    strides = given.integers("stride", len(index))
    offset = given.integer("storage_offset") if given.has("storage_offset") else 0
    return unravel(offset + sum(i * s for i, s in zip(index, strides, strict=True)), given.input.shape)


def _windowed(given: Given, index: Index) -> Index:
    dim = given.dim("dimension")
    *rest, inside = index
    rest[dim] = rest[dim] * given.integer("step") + inside
    return tuple(rest)


def _picked(node: str, source: Source, functions: str = "", signature: str = "self", **more: str) -> Rule:
    return move(node, _CUT, _PLACE, moved(source), functions, signature, **more)


def _twice(node: str, source: Source, functions: str = "", signature: str = "self", **more: str) -> Rule:
    return move(node, _CUT, _PLACE, moved(source), functions, signature, condition=_AGAIN, **more)


_RETURNED = "each value returned came from one place: its gradient goes back there"

SELECTED = (
    _picked("Select", _selected, "select", "self dim index"),
    _picked("Select@getitem", _by_key, "getitem", "self key"),
    _picked("Slice", _narrowed, "narrow", "self dim start length"),
    _picked("Slice@getitem", _by_key, "getitem", "self key"),
    _twice("Index", _by_key, "getitem index", "self key"),
    _twice("IndexSelect", _index_selected, "index_select", "self dim index"),
    _twice("Gather", _gathered, "gather take_along_dim", "self dim index"),
    _twice("Take", _taken, "take", "self index"),
    _picked("MaskedSelect", _masked, "masked_select", "self mask"),
    move("Unbind", _CUT, "the upstream gradients of all pieces, stacked", moved(_unbound), "", "self dim", dim="0"),
    *(
        move(node, _CUT, "the upstream gradients of all pieces, joined", moved(_split), calls, signature, dim="0")
        for node, calls, signature in (
            ("Split", "split chunk", "self split_size dim"),
            ("SplitWithSizes", "split split_with_sizes chunk tensor_split", "self split_sizes dim"),
            ("UnsafeSplit", "unsafe_split unsafe_chunk", "self split_size dim"),
            ("UnsafeSplitWithSizes", "unsafe_split_with_sizes", "self split_sizes dim"),
        )
    ),
    _picked("Diagonal", _diagonal, "diagonal diag", "self offset dim1 dim2", offset="0", dim1="0", dim2="1"),
    replace(
        _twice("AsStrided", _strided, "as_strided", "self size stride storage_offset", storage_offset="None"),
        is_conditional=True,
    ),
    _twice("Unfold", _windowed, "unfold", "self dimension size step"),
    *(
        move(node, _RETURNED, _PLACE, moved(by_returned_index), functions, signature, **defaults)
        for node, functions, signature, defaults in (
            ("Sort", "sort msort", "self dim descending", {"dim": "-1"}),
            ("Sort1", "sort", "self stable dim descending", {"dim": "-1"}),
            ("Topk", "topk", "self k dim", {"dim": "-1"}),
            ("Kthvalue", "kthvalue", "self k dim", {"dim": "-1"}),
            ("Mode", "mode", "self dim", {"dim": "-1"}),
        )
    ),
)


# --- cut to a form, padded --------------------------------------------------------------------------------------------


def _tril(given: Given, index: Index) -> Index | None:
    return index if index[-1] - index[-2] <= given.integer("diagonal") else None


def _triu(given: Given, index: Index) -> Index | None:
    return index if index[-1] - index[-2] >= given.integer("diagonal") else None


def _embedded(given: Given, index: Index) -> Index | None:
    rank = len(index)
    a, b, offset = given.integer("dim1") % rank, given.integer("dim2") % rank, given.integer("offset")
    if index[b] - index[a] != offset:
        return None
    return (*(i for d, i in enumerate(index) if d not in {a, b}), min(index[a], index[b]))


def _unpadded(clip: Callable[[int, int], int | None]) -> Entries:
    """Return the entries of padding: ``clip(i, size)`` is where a place outside of the input takes its value from."""

    def source(given: Given, index: Index) -> Index | None:
        pad = given.sequence("pad")
        found = list(index)
        for k in range(len(pad) // 2):
            dim = len(index) - 1 - k
            place = clip(index[dim] - pad[2 * k], given.input.shape[dim])
            if place is None:
                return None
            found[dim] = place
        return tuple(found)

    return moved(source)


def _reflect(i: int, size: int) -> int:
    return -i if i < 0 else 2 * (size - 1) - i if i >= size else i


_ZEROED = "what was set to 0 gets no gradient"
_PAD = "pad constant_pad_nd"
_MIRROR = "a mirrored element gets the gradients of all its images"
_EDGE = "an element at the edge gets the gradients of all its copies"

CUT = (
    move("Tril", _ZEROED, "the lower triangle of upstream", moved(_tril), "", "self diagonal", diagonal="0"),
    move("Triu", _ZEROED, "the upper triangle of upstream", moved(_triu), "", "self diagonal", diagonal="0"),
    move(
        "DiagEmbed",
        "the zeros beside the diagonal came from nowhere",
        "the diagonal of upstream",
        moved(_embedded),
        "diag_embed diag diagflat",
        "self offset dim1 dim2",
        offset="0",
        dim1="-2",
        dim2="-1",
    ),
    move(
        "ConstantPadNd",
        "the padding came from nowhere and its gradient goes nowhere",
        "upstream without the padding",
        _unpadded(lambda i, size: i if 0 <= i < size else None),
        _PAD,
        "self pad mode value",
    ),
    *(
        move(f"ReflectionPad{d}D", _MIRROR, "upstream folded back at the edges", _unpadded(_reflect), _PAD, "self pad")
        for d in (1, 2, 3)
    ),
    *(
        move(
            f"ReplicationPad{d}D",
            _EDGE,
            "upstream with the padding added to the edges",
            _unpadded(lambda i, size: min(max(i, 0), size - 1)),
            _PAD,
            "self pad",
        )
        for d in (1, 2, 3)
    ),
)

SELECTIONS = (*SELECTED, *CUT)
