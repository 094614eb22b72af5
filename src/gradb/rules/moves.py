"""Rules of ops that only put elements elsewhere: shapes, transposes, selections, copies, padding.

Every entry of such a Jacobian is 1 or 0: a rule is the map from an output's index to that of the input element which
stands there. Backward follows the map in reverse; an element used several times gets the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gradb.rules.given import Array, Given, Index, NotKnown, indices, ravel
from gradb.rules.kernels import Entries, Entry, broadcast, broadcast_index, moved, one_to_one, placed
from gradb.rules.model import Part, Rule

Source = Callable[[Given, Index], Index | None]
_WENT = "1 where an element went, else 0"


def move(
    node: str,
    sentence: str,
    product: str,
    entries: Entries,
    functions: str = "",
    signature: str = "self",
    *,
    condition: str = "",
    result: str = "",
    **defaults: str,
) -> Rule:
    """Return the rule of an op that only puts elements elsewhere; a star marks an argument given as several."""
    roles, is_variadic = tuple(signature.replace("*", "").split()), "*" in signature
    part = Part("self", _WENT, sentence, condition, product=product, entries=entries)
    calls = tuple(functions.split()) or (node.lower(),)
    return Rule(node, (part,), roles, calls, defaults=defaults, result=result, is_variadic=is_variadic)


# --- the same order ---------------------------------------------------------------------------------------------------

_SHAPE = "the elements stay and only the shape changes: upstream takes the input's shape"
_BACK = "upstream in the input's shape"

RESHAPED = (
    *(
        move(node, _SHAPE, _BACK, one_to_one, functions)
        for node, functions in (
            ("View", "view reshape flatten unflatten"),
            ("ReshapeAlias", "reshape flatten"),
            ("UnsafeView", ""),
            ("Squeeze", ""),
            ("Unsqueeze", ""),
        )
    ),
)


# --- another order ----------------------------------------------------------------------------------------------------


def _swapped(index: Index, a: int, b: int) -> Index:
    found = list(index)
    found[a], found[b] = found[b], found[a]
    return tuple(found)


def _permuted(given: Given, index: Index) -> Index:
    order = [d % len(index) for d in given.sequence("dims")]
    return tuple(index[order.index(d)] for d in range(len(index)))


def _flipped(given: Given, index: Index) -> Index:
    dims, shape = given.dims("dims"), given.input.shape
    return tuple(shape[d] - 1 - i if d in dims else i for d, i in enumerate(index))


def _rolled(given: Given, index: Index) -> Index:
    shape, shifts = given.input.shape, given.sequence("shifts")
    if not given.has("dims") or given.values["dims"] == ():
        flat = (ravel(index, shape) - shifts[0]) % given.input.size
        return _unravel(flat, shape)
    found = list(index)
    for shift, dim in zip(shifts, given.sequence("dims"), strict=True):
        found[dim] = (found[dim] - shift) % shape[dim]
    return tuple(found)


def _unravel(flat: int, shape: Index) -> Index:
    found = []
    for length in reversed(shape):
        flat, i = divmod(flat, length)
        found.append(i)
    return tuple(reversed(found))


def _rotated(given: Given, index: Index) -> Index:
    a, b = given.integers("dims", 2)
    shape, found, turns = given.input.shape, list(index), given.integer("k") % 4
    if turns == 2:
        found[a], found[b] = shape[a] - 1 - index[a], shape[b] - 1 - index[b]
    elif turns == 1:
        found[a], found[b] = index[b], shape[b] - 1 - index[a]
    elif turns == 3:
        found[a], found[b] = shape[a] - 1 - index[b], index[a]
    return tuple(found)


def _shuffled(given: Given, index: Index) -> Index:
    per_group = given.input.shape[1] // given.integer("groups")
    return (index[0], index[1] % given.integer("groups") * per_group + index[1] // given.integer("groups"), *index[2:])


def _pixel(given: Given, index: Index) -> Index:
    r = given.integer("upscale_factor")
    *batch, c, h, w = index
    return (*batch, c * r * r + h % r * r + w % r, h // r, w // r)


def _unpixel(given: Given, index: Index) -> Index:
    r = given.integer("downscale_factor")
    *batch, c, h, w = index
    return (*batch, c // (r * r), h * r + c // r % r, w * r + c % r)


_TRANSPOSED = "a transpose is undone by a transpose"
_SWAPPED = "upstream with the two dimensions swapped back"
_ORDER = "the order of the dimensions is undone"
_PUT_BACK = "upstream with the dimensions put back"


def _transposed(given: Given, index: Index) -> Index:
    return _swapped(index, given.dim("dim0"), given.dim("dim1"))


REORDERED = (
    move("T", _TRANSPOSED, "upstream.T", moved(lambda g, i: i[::-1]), "t", result="{self}.T"),
    move(
        "Transpose",
        _TRANSPOSED,
        _SWAPPED,
        moved(_transposed),
        "transpose swapaxes swapdims",
        "self dim0 dim1",
    ),
    move("Transpose@mT", _TRANSPOSED, "upstream.mT", moved(lambda g, i: _swapped(i, -1, -2)), "mT", result="{self}.mT"),
    move("Permute", _ORDER, _PUT_BACK, moved(_permuted), "permute", "self *dims"),
    move("Permute@T", _TRANSPOSED, "upstream.T", moved(lambda g, i: i[::-1]), "T", result="{self}.T"),
    move("Flip", "the order is undone", "upstream, flipped back", moved(_flipped), "", "self *dims"),
    move("Roll", "the order is undone", "upstream, rolled back", moved(_rolled), "", "self shifts dims", dims="None"),
    move(
        "Rot90",
        "the turn is undone",
        "upstream, turned back by {k}·90°",
        moved(_rotated),
        "",
        "self k dims",
        k="1",
        dims="(0, 1)",
    ),
    move(
        "ChannelShuffle",
        "the order of the channels is undone",
        "upstream with the channels put back",
        moved(_shuffled),
        "channel_shuffle native_channel_shuffle",
        "self groups",
    ),
    move(
        "PixelShuffle",
        "the pixels go back into the channels they came from",
        "upstream with its pixels put back into channels",
        moved(_pixel),
        "pixel_shuffle",
        "self upscale_factor",
    ),
    move(
        "PixelUnshuffle",
        "the channels go back to the pixels they came from",
        "upstream with its channels put back as pixels",
        moved(_unpixel),
        "pixel_unshuffle",
        "self downscale_factor",
    ),
)


# --- copies -----------------------------------------------------------------------------------------------------------


def _repeated(given: Given, index: Index) -> Index:
    shape = given.input.shape
    inner = index[len(index) - len(shape) :]
    return tuple(i % size for i, size in zip(inner, shape, strict=True))


_COPIES = "a copied element gets the sum of its copies' gradients"
_SUMMED = "upstream, summed over the copies"

COPIED = (
    move("Expand", _COPIES, _SUMMED, broadcast(), "expand expand_as broadcast_to"),
    move("Repeat", _COPIES, _SUMMED, moved(_repeated), "repeat tile"),
)


# --- selections -------------------------------------------------------------------------------------------------------

_CUT = "what was picked out gets the gradient, the rest gets 0"
_PLACE = "zeros with upstream in the places picked"
_AGAIN = "an element picked several times gets the sum"


def _selected(given: Given, index: Index) -> Index:
    dim = given.dim()
    return (*index[:dim], given.integer("index") % given.input.shape[dim], *index[dim:])


def _narrowed(given: Given, index: Index) -> Index:
    dim = given.dim()
    start = given.integer("start") % (given.input.shape[dim] + 1)
    return (*index[:dim], index[dim] + start, *index[dim + 1 :])


def _by_key(given: Given, index: Index) -> Index:
    """Follow the key of ``x[1:3, 0]``: whole numbers, slices, None and ``...``, or one tensor of indices."""
    key = given.values.get("key")
    items = list(key) if isinstance(key, tuple) else [key]
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
    return _unravel(int(given.array("index").at(index)) % given.input.size, given.input.shape)


def _masked(given: Given, index: Index) -> Index:
    mask, shape = given.array("mask"), given.input.shape
    kept = [flat for flat, keep in enumerate(mask.numbers) if keep]
    if mask.shape != shape:
        raise NotKnown("mask")
    return _unravel(kept[index[0]], shape)


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
    return _unravel(offset + sum(i * s for i, s in zip(index, strides, strict=True)), given.input.shape)


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
    _twice("AsStrided", _strided, "as_strided", "self size stride storage_offset", storage_offset="None"),
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


# --- joined -----------------------------------------------------------------------------------------------------------


def _concatenated(given: Given) -> Iterator[Entry]:
    dim = given.dim()
    before = sum(piece.shape[dim] for piece in given.inputs[: given.edge])
    return placed(lambda g, i: (*i[:dim], i[dim] + before, *i[dim + 1 :]))(given)


def _stacked(given: Given) -> Iterator[Entry]:
    dim = given.integer("dim") % len(given.out.shape)
    return placed(lambda g, i: (*i[:dim], given.edge, *i[dim:]))(given)


def _on_diagonal(given: Given) -> Iterator[Entry]:
    blocks = [(1,) * (2 - len(piece.shape)) + piece.shape for piece in given.inputs]
    row, column = (sum(block[d] for block in blocks[: given.edge]) for d in (0, 1))
    for j, (a, b) in enumerate(indices(blocks[given.edge])):
        yield ravel((row + a, column + b), given.out.shape), j, 1.0


def _joined(node: str, entries: Entries, functions: str) -> Rule:
    """Return the rule of an op that puts a list of tensors together."""
    sentence, product = "each piece gets its own part of upstream", "the part of upstream that is this piece"
    part = Part("tensors", _WENT, sentence, product=product, entries=entries)
    calls = tuple(functions.split())
    return Rule(node, (part,), ("tensors", "dim"), calls, defaults={"dim": "0"}, is_repeated=True)


JOINED = (
    _joined("Cat", _concatenated, "cat concat concatenate"),
    _joined("Stack", _stacked, "stack"),
    _joined("BlockDiag", _on_diagonal, "block_diag"),
)

MOVES = (*RESHAPED, *REORDERED, *COPIED, *SELECTED, *CUT, *JOINED)
