"""Rules of ops that only put elements elsewhere: shapes, transposes, selections, copies, padding.

Every entry of such a Jacobian is 1 or 0: a rule is the map from an output's index to that of the input element which
stands there. Backward follows the map in reverse; an element used several times gets the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gradb.rules.arguments import Given, indices
from gradb.rules.kernels import Entries, Entry, broadcast, moved, one_to_one, placed
from gradb.rules.model import Part, Rule
from gradb.tape.indices import Index, ravel, unravel

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
    dims, shape = {d % len(index) for d in given.sequence("dims")}, given.input.shape
    return tuple(shape[d] - 1 - i if d in dims else i for d, i in enumerate(index))


def _rolled(given: Given, index: Index) -> Index:
    shape, shifts = given.input.shape, given.sequence("shifts")
    if not given.has("dims") or given.values["dims"] == ():
        flat = (ravel(index, shape) - shifts[0]) % given.input.size
        return unravel(flat, shape)
    found = list(index)
    for shift, dim in zip(shifts, given.sequence("dims"), strict=True):
        found[dim] = (found[dim] - shift) % shape[dim]
    return tuple(found)


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

MOVES = (*RESHAPED, *REORDERED, *COPIED, *JOINED)
