"""Rules of ops that write into a tensor: scatter, index_put, index_add, fills and the like.

What was written gets the gradient of the places it went to; what was written over gets none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gradb.rules.arguments import Array, Given, NotKnown, indices
from gradb.rules.kernels import Entries, Entry, broadcast_index, broadcast_shape, one_to_one
from gradb.rules.model import Names, Part, Rule, Template
from gradb.rules.selections import as_indices, diagonal_index
from gradb.tape.indices import Index, ravel

Target = Callable[[Given, Index], Index]
"""From an index of what is written to its place in the result."""

_OVER = "what was written over gets no gradient"
_WRITTEN = "what was written in gets the gradient of the place it went to"
_KEPT = "0 where it was written over, else 1"
_HERE = "1 at the place it went to, else 0"
_NOTHING = "all was written over, so nothing flows back"
_REPEATED = "where several elements went to one place, PyTorch keeps one and sends the gradient to all of them"


def _source_shape(given: Given, role: str) -> Index:
    value = given.get(role)
    if not isinstance(value, Array):
        raise NotKnown(role)
    return value.shape


def kept(target: Target, shape_of: str) -> Entries:
    """The input where nothing was written: ``target`` is called for every index of the argument ``shape_of``."""

    def entries(given: Given) -> Iterator[Entry]:
        shape = _source_shape(given, shape_of)
        over = {ravel(target(given, index), given.out.shape) for index in indices(shape)}
        return ((i, i, 1.0) for i in range(given.out.size) if i not in over)

    return entries


def written(target: Target, scale: str = "") -> Entries:
    """What is written in, each element at the place that ``target`` gives."""

    def entries(given: Given) -> Iterator[Entry]:
        factor = given.number(scale) if scale else 1.0
        for j, index in enumerate(indices(given.input.shape)):
            yield ravel(target(given, index), given.out.shape), j, factor

    return entries


def _by_element_index(given: Given, index: Index) -> Index:
    dim = given.dim_of(given.out.shape)
    return (*index[:dim], int(given.array("index").at(index)), *index[dim + 1 :])


def _scattered(given: Given) -> Iterator[Entry]:
    """Follow ``index`` at each of its places: the source may be larger than it."""
    shape, index = given.input.shape, given.array("index")
    for at in indices(index.shape):
        yield ravel(_by_element_index(given, at), given.out.shape), ravel(at, shape), 1.0


def _by_slice_index(given: Given, index: Index) -> Index:
    dim, places = given.dim_of(given.out.shape), given.array("index")
    return (*index[:dim], int(places.numbers[index[dim]]), *index[dim + 1 :])


def _filled(given: Given) -> Iterator[Entry]:
    dim = given.dim()
    places = {int(n) % given.input.shape[dim] for n in given.array("index").numbers} if given.input.shape else {0}
    return ((i, i, 1.0) for i, index in enumerate(indices(given.input.shape)) if index[dim] not in places)


def _fill_value(given: Given) -> Iterator[Entry]:
    dim = given.dim_of(given.out.shape)
    places = {int(n) % given.out.shape[dim] for n in given.array("index").numbers}
    return ((i, 0, 1.0) for i, index in enumerate(indices(given.out.shape)) if index[dim] in places)


def _put_places(given: Given) -> list[Index]:
    """Return the places that the index tensors of ``index_put`` name, in order."""
    key = given.get("indices")
    items = key if isinstance(key, tuple) else ()
    tensors = [part for item in items for part in as_indices(item) if isinstance(part, Array)]
    if not tensors or len(tensors) != len(given.out.shape):
        raise NotKnown("indices")
    return [
        tuple(
            int(tensor.at(broadcast_index(at, tensor.shape))) % size
            for tensor, size in zip(tensors, given.out.shape, strict=True)
        )
        for at in indices(broadcast_shape([tensor.shape for tensor in tensors]))
    ]


def _is_accumulating(given: Given) -> bool:
    return bool(given.get("accumulate"))


def _put_kept(given: Given) -> Iterator[Entry]:
    over = set() if _is_accumulating(given) else {ravel(place, given.out.shape) for place in _put_places(given)}
    return ((i, i, 1.0) for i in range(given.out.size) if i not in over)


def _put_values(given: Given) -> Iterator[Entry]:
    found = _put_places(given)
    if given.input.size not in {1, len(found)}:
        raise NotKnown("values")
    for j, place in enumerate(found):
        yield ravel(place, given.out.shape), j if given.input.size > 1 else 0, 1.0


def _flat_places(given: Given) -> list[int]:
    return [int(n) % given.out.size for n in given.array("index").numbers]


def _flat_kept(given: Given) -> Iterator[Entry]:
    over = set() if _is_accumulating(given) else set(_flat_places(given))
    return ((i, i, 1.0) for i in range(given.out.size) if i not in over)


def _flat_values(given: Given) -> Iterator[Entry]:
    return ((place, j, 1.0) for j, place in enumerate(_flat_places(given)))


def _mask(given: Given) -> list[bool]:
    mask = given.array("mask")
    return [bool(mask.at(broadcast_index(index, mask.shape))) for index in indices(given.out.shape)]


def _mask_kept(given: Given) -> Iterator[Entry]:
    return ((i, i, 1.0) for i, over in enumerate(_mask(given)) if not over)


def _mask_source(given: Given) -> Iterator[Entry]:
    places = [i for i, over in enumerate(_mask(given)) if over]
    return ((i, j, 1.0) for j, i in enumerate(places))


def _mask_value(given: Given) -> Iterator[Entry]:
    return ((i, 0, 1.0) for i, over in enumerate(_mask(given)) if over)


def _slice_place(given: Given, index: Index) -> Index:
    dim = given.dim_of(given.out.shape)
    first, last = (given.integer(role) if given.has(role) else None for role in ("start", "end"))
    places = slice(first, last, given.integer("step"))
    return (*index[:dim], range(given.out.shape[dim])[places][index[dim]], *index[dim + 1 :])


def _select_place(given: Given, index: Index) -> Index:
    dim = given.dim_of(given.out.shape)
    return (*index[:dim], given.integer("index") % given.out.shape[dim], *index[dim:])


def _diagonal_place(given: Given, index: Index) -> Index:
    return diagonal_index(given, index, given.out.shape)


def _nothing(given: Given) -> Iterator[Entry]:
    return iter(())


def _unless_added(written_over: str, added: str) -> Template:
    """Return what holds for an op that writes over, or with ``accumulate=True`` adds to what is there."""
    return lambda names: added if names.get("accumulate") == "True" else written_over


def _write(
    node: str,
    signature: str,
    over: Entries,
    source: tuple[str, Entries] | None = None,
    functions: str = "",
    condition: Template = "",
    **defaults: str,
) -> Rule:
    """Return the rule of an op that writes ``source`` over parts of ``self``."""
    zeroed = "upstream with zeros where it was written over"
    parts = [Part("self", _unless_added(_KEPT, "1"), _OVER, product=_unless_added(zeroed, "upstream"), entries=over)]
    if source is not None:
        role, entries = source
        product = "upstream at the places it went to"
        parts.append(Part(role, _HERE, _WRITTEN, condition, product=product, entries=entries))
    calls = tuple(functions.split()) or (node.lower(),)
    return Rule(node, tuple(parts), tuple(signature.split()), calls, defaults=defaults)


def _added(node: str, signature: str, role: str, entries: Entries, functions: str, **defaults: str) -> Rule:
    """Return the rule of an op that adds ``role`` to places of ``self``."""
    mine = Part("self", "1", "what was there stays in the sum: the gradient passes unchanged", entries=one_to_one)
    local = "{alpha} at the place it was added to, else 0" if defaults else "1 at the place it was added to, else 0"
    place = "upstream at the places it was added to"

    def product(names: Names) -> str:
        return place if names.get("alpha", "1") == "1" else f"{{alpha}}·{place}"

    part = Part(role, local, "what was added gets the gradient of the sum it is in", product=product, entries=entries)
    return Rule(node, (mine, part), tuple(signature.split()), tuple(functions.split()), defaults=defaults)


SCATTER = (
    _write("Scatter", "self dim index src", kept(_by_element_index, "index"), ("src", _scattered), "", _REPEATED),
    _write("Scatter1", "self dim index value", kept(_by_element_index, "index"), None, "scatter"),
    _added("ScatterAdd", "self dim index src", "src", _scattered, "scatter_add"),
    _added(
        "IndexAdd", "self dim index source alpha", "source", written(_by_slice_index, "alpha"), "index_add", alpha="1"
    ),
    _write(
        "IndexCopy",
        "self dim index source",
        kept(_by_slice_index, "source"),
        ("source", written(_by_slice_index)),
        "index_copy",
        _REPEATED,
    ),
    _write("IndexFill", "self dim index value", _filled, None, "index_fill"),
    _write("IndexFill1", "self dim index value", _filled, ("value", _fill_value), "index_fill"),
    _write(
        "IndexPut",
        "self indices values accumulate",
        _put_kept,
        ("values", _put_values),
        "index_put",
        _unless_added(_REPEATED, "with accumulate=True it is added, and self keeps its gradient"),
        accumulate="False",
    ),
    _write(
        "Put",
        "self index source accumulate",
        _flat_kept,
        ("source", _flat_values),
        "put",
        _unless_added(_REPEATED, "with accumulate=True it is added, and self keeps its gradient"),
        accumulate="False",
    ),
    _write("MaskedScatter", "self mask source", _mask_kept, ("source", _mask_source), "masked_scatter"),
    _write("MaskedFill1", "self mask value", _mask_kept, ("value", _mask_value), "masked_fill"),
    _write(
        "SelectScatter",
        "self src dim index",
        kept(_select_place, "src"),
        ("src", written(_select_place)),
        "select_scatter",
    ),
    _write(
        "SliceScatter",
        "self src dim start end step",
        kept(_slice_place, "src"),
        ("src", written(_slice_place)),
        "slice_scatter",
        dim="0",
        start="None",
        end="None",
        step="1",
    ),
    _write(
        "DiagonalScatter",
        "self src offset dim1 dim2",
        kept(_diagonal_place, "src"),
        ("src", written(_diagonal_place)),
        "diagonal_scatter",
        offset="0",
        dim1="0",
        dim2="1",
    ),
    *(
        Rule(node, (Part("self", "0", _NOTHING, entries=_nothing),), ("self", "value"), (function,))
        for node, function in (("Fill", "fill"), ("Zero", "zero"))
    ),
    Rule(
        "Fill1",
        (
            Part("self", "0", _NOTHING, entries=_nothing),
            Part(
                "value",
                "1",
                "one number was copied to every place: it gets the sum of upstream",
                product="upstream, summed over all places",
                entries=lambda given: ((i, 0, 1.0) for i in range(given.out.size)),
            ),
        ),
        ("self", "value"),
        ("fill",),
    ),
    Rule(
        "CopySlices",
        (
            Part(
                "base",
                "1 outside of the view, inside it that of the op",
                "an op in place on a view: outside of the view the gradient passes, inside it goes through the op",
            ),
            Part(
                "written",
                "that of the op done on the view",
                "what the op took in gets the gradient of the part of the base that is the view",
            ),
        ),
        (),
    ),
)
