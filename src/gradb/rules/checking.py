"""Which check of a node's product can be made from the tape, and what came of it.

Where the local derivative was measured, the tape's own check stands. Where it was not, the table's formula is evaluated
at the values on the tape and upstream times that is held against what the engine sent: whole where all of it is on the
tape, else at the few elements that are kept of large tensors. All of it happens when a node is looked at, never in the
script. Where nothing can be compared the check says why.
"""

from __future__ import annotations

import functools
import math
from dataclasses import replace

from gradb.algebra import jacobian
from gradb.algebra.jacobian import limits_of
from gradb.algebra.local import Check, Local
from gradb.algebra.structure import expand, recognise
from gradb.frame.chain.hooks import made_by_node
from gradb.frame.chain.record import Chain, ChainEdge, edges_of
from gradb.rules.arguments import Array, Given, NotKnown, array_of
from gradb.rules.jacobian import UNFIT, Product, Read, given, has_more, matrix, product
from gradb.rules.kernels import broadcast_index
from gradb.rules.model import Part, Rule
from gradb.rules.table import rule_of
from gradb.tape.indices import ravel, unravel
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.values import TensorValue

MAX_ENTRIES = 16_384
"""A formula with more entries than this is not evaluated unasked: a node is to be on the screen at once."""
_MAX_SETTLED = 4_096
_NUDGES = 8  # units in the last place by which values are moved to see how far a formula rounds
_SINGLE = ("Hardsigmoid",)
"""Nodes whose kernels have a constant in single precision, whatever the dtype."""
ZERO_TIMES_INF = "by the formula where a one-hot vector gives 0 × inf = nan"
NO_FORMULA = "not checked: no formula"
NOT_ASKED = "not checked: this backward was not asked for this gradient"
NOT_WHOLE = "not checked: not all of the values are kept whole"
_NOT_COVERED = "not checked: the formula does not cover this call"
_TOO_MANY = f"not checked: more than {MAX_ENTRIES:,} products"
_NOT_SURE = "not checked: where its input lies in memory is not on the tape"


def examined(chain: Chain) -> Chain:
    """Return a record whose edges say all that can be told: singular points settled, each product checked or why not.

    A node that has not run is returned as it is.
    """
    if chain.state not in {"done", "freed"} or not chain.upstream or chain.is_interrupted:
        return chain
    return _examined(chain) if isinstance(chain.edges, tuple) else _with_checks(chain)


def _with_checks(chain: Chain) -> Chain:
    return replace(chain, edges=edges_of(lambda index: _edge(chain, index, chain.edges[index]), chain.downstream))


_examined = functools.lru_cache(16)(_with_checks)
"""The same, remembered: of edges that are made when they are asked for that would take longer than to do it."""


def _edge(chain: Chain, index: int, edge: ChainEdge) -> ChainEdge:
    if edge.to is None or chain.node_name.endswith("AccumulateGrad"):
        return edge
    if not edge.is_asked:
        return replace(edge, check=_unchecked(NOT_ASKED))
    sent = made_by_node(index, edge.downstream, chain.hooks)
    local = settled(chain, index, edge.local)
    if local is not None:
        check = jacobian.check_local(chain.upstream, local, _dtype(chain, edge), sent) or edge.check
        return replace(edge, local=local, check=check)
    if edge.check is not None and edge.check.how != "direction":
        return edge
    check = _of_measured(chain, edge, sent) or _check(chain, index, edge, sent)
    return edge if check.how == "none" and edge.check is not None else replace(edge, check=check)


def _of_measured(chain: Chain, edge: ChainEdge, sent: TensorValue | None) -> Check | None:
    """Hold what is kept of a large gradient against upstream times the local derivative, where that was measured."""
    if edge.local.values is None or edge.local.form != "real" or sent is None or sent.stats is None:
        return None
    check = jacobian.check_local(chain.upstream, edge.local, sent.dtype, sent)
    if check is None:
        return None
    kept = f"at the {len(sent.stats.corner)} elements that are kept of {sent.numel:,}"
    return replace(check, how="corner", text=f"{check.text} ({kept})")


# --- singular points --------------------------------------------------------------------------------------------------


def settled(chain: Chain, index: int, local: Local) -> Local | None:
    """Return a measured local derivative without what 0 × inf made NaN in it; None where there is no such.

    A one-hot vector has zeros, and at a singular point (the square root at 0) the formula multiplies one of them by
    an infinity. What such an entry is, the table tells: it is believed if it agrees in all other entries.
    """
    if local.values is None or local.form != "real" or local.rows * local.columns > _MAX_SETTLED or not local.outputs:
        return None
    measured = [float(value.real) for value in expand(local)]
    if not any(map(math.isnan, measured)):
        return None
    wanted = matrix(chain, index, [axis.size for axis in local.outputs], local.columns)
    if wanted is None or not all(map(_is_alike, wanted, measured)):
        return None
    filled = [want if math.isnan(have) else have for want, have in zip(wanted, measured, strict=True)]
    if all(math.isnan(number) == math.isnan(have) for number, have in zip(filled, measured, strict=True)):
        return None
    note = "; ".join(filter(None, (local.note, ZERO_TIMES_INF)))
    found = recognise(filled, local.rows, local.columns)
    return replace(found, note=note, outputs=local.outputs, input=local.input)


def _is_alike(want: float, have: float) -> bool:
    if math.isnan(have) or math.isnan(want):
        return True
    return want == have or math.isclose(want, have, rel_tol=1e-2, abs_tol=1e-6)


def _dtype(chain: Chain, edge: ChainEdge) -> str:
    known = (edge.downstream, *chain.upstream)
    return next((value.dtype for value in known if value is not None), "float64")


# --- by the formula ---------------------------------------------------------------------------------------------------


def _check(chain: Chain, index: int, edge: ChainEdge, sent: TensorValue | None) -> Check:
    """Return the check by the formula, or one that says why there is none."""
    rule = rule_of(chain)
    part = None if rule is None else rule.part(index)
    if rule is None or part is None or (part.entries is None and part.derivative is None):
        return _unchecked(NO_FORMULA)
    if _is_whole(chain, sent):
        check = _by_formula(chain, index, edge, sent)
    else:
        check = _at_corner(chain, rule, part, index, sent)
        if check is None:
            return _unchecked(NOT_WHOLE)
    if check is None:
        return _unchecked(_why_not(chain, index))
    return check if check.is_ok or not rule.is_conditional else _unchecked(_NOT_SURE)


def _unchecked(why: str) -> Check:
    return Check(True, 0.0, why, "none", is_compared=False)


def _is_whole(chain: Chain, sent: TensorValue | None) -> bool:
    return all(value is None or value.data is not None for value in (*chain.upstream, sent))


def _why_not(chain: Chain, index: int) -> str:
    tensors = (*chain.op.inputs, *chain.op.outputs) if chain.op is not None else ()
    if any(tensor.value.data is None for tensor in tensors):
        return NOT_WHOLE
    return _TOO_MANY if has_more(chain, index, MAX_ENTRIES) else _NOT_COVERED


def _by_formula(chain: Chain, index: int, edge: ChainEdge, sent: TensorValue | None) -> Check | None:
    found = product(chain, index, limit=MAX_ENTRIES)
    got = [0.0] * len(found.total) if found is not None and sent is None else _numbers(sent)
    if found is None or got is None or len(got) != len(found.total):
        return None
    dtypes = _dtypes(chain, edge)
    check = _compare(found, got, dtypes)
    if not check.is_ok:
        check = _compare(found, got, dtypes, _rounding(chain, index, found, limits_of(dtypes).epsilon))
    return _named(check, "formula", "by the formula, from the values on the tape")


def _compare(found: Product, got: list[float], dtypes: list[str], noise: float = 0.0) -> Check:
    return jacobian.check_row(found.total, found.magnitude, found.is_moot, found.floor, got, dtypes, noise)


def _named(check: Check, how: str, words: str) -> Check:
    text = check.text if check.is_ok else f"what the engine sent {check.text.replace(' from the engine', '')}"
    return replace(check, how=how, text=f"{text} ({words})")  # type: ignore[arg-type]


def _numbers(value: TensorValue | None) -> list[float] | None:
    """Return all elements, complex ones as pairs."""
    if value is None or value.data is None:
        return None
    return list(array_of(value).numbers)


def _dtypes(chain: Chain, edge: ChainEdge) -> list[str]:
    tensors: tuple[Tensor | None, ...] = (*(chain.op.inputs if chain.op is not None else ()), edge.tensor)
    values = [tensor.value for tensor in tensors if tensor is not None]
    known = [*values, *(value for value in (*chain.upstream, edge.downstream) if value is not None)]
    single = ["float32"] if chain.node_name.startswith(_SINGLE) else []
    return single + [value.dtype for value in known if "float" in value.dtype or "complex" in value.dtype]


def _rounding(chain: Chain, index: int, found: Product, epsilon: float) -> float:
    """Return how far the product moves when each value moves by a few units in the last place.

    A formula that takes the difference of nearly equal numbers loses digits, here and in the engine alike.
    """
    moved = product(chain, index, _moved_by(_NUDGES * epsilon), MAX_ENTRIES)
    return 0.0 if moved is None else _distance(found, moved)


def _distance(found: Product, moved: Product) -> float:
    gaps = [abs(one - other) for one, other in zip(found.total, moved.total, strict=True)]
    return max((gap for gap in gaps if math.isfinite(gap)), default=0.0)


def _moved_by(step: float, kept: Read = array_of) -> Read:
    def read(value: TensorValue) -> Array:
        array = kept(value)
        if "float" not in value.dtype and "complex" not in value.dtype:
            return array
        numbers = [number * (1 + (step if at * 7 % 3 else -step)) for at, number in enumerate(array.numbers)]
        return replace(array, numbers=numbers)

    return read


# --- at the elements that are kept of a large tensor ------------------------------------------------------------------


def _at_corner(chain: Chain, rule: Rule, part: Part, index: int, sent: TensorValue | None) -> Check | None:
    """Hold an op that works element by element against its formula at the first elements, which are kept."""
    upstream = chain.upstream[0] if len(chain.upstream) == 1 else None
    if part.derivative is None or upstream is None or sent is None or upstream.shape != sent.shape:
        return None
    got, dtypes = list(_corner(sent).numbers), _dtypes(chain, chain.edges[index])
    found = _corner_product(chain, rule, part, index, upstream, _corner)
    if found is None or not got or upstream.dtype.startswith("complex"):
        return None
    check = _compare(found, got, dtypes)
    if not check.is_ok:
        read = _moved_by(_NUDGES * limits_of(dtypes).epsilon, _corner)
        moved = _corner_product(chain, rule, part, index, upstream, read)
        check = _compare(found, got, dtypes, 0.0 if moved is None else _distance(found, moved))
    words = f"by the formula, at the {len(got)} elements that are kept of {upstream.numel:,}"
    return _named(check, "corner", words)


def _corner_product(
    chain: Chain, rule: Rule, part: Part, index: int, upstream: TensorValue, read: Read
) -> Product | None:
    """Return upstream times the formula at the elements that are kept; None where the tape does not tell."""
    numbers = _corner(upstream).numbers
    try:
        call = given(chain, rule, part, index, 0, read)
        total = [number * _slope(part, call, at) for at, number in enumerate(numbers)]
    except UNFIT:
        return None
    size = [abs(number) for number in total]
    is_moot = [not math.isfinite(number) for number in total]
    return Product(total, size, [abs(number) for number in numbers], is_moot)


def _corner(value: TensorValue) -> Array:
    """Return a tensor with all its elements, or with the first of them where only these are kept."""
    if value.stats is None or value.dtype.startswith("complex"):
        return array_of(value)
    return Array(value.shape, [float(number.real) for number in value.stats.corner])


def _slope(part: Part, call: Given, at: int) -> float:
    """Return the derivative at one element from the front.

    Raises:
        NotKnown: an argument is not kept there.
    """
    row = {role: float(value) for role, value in call.values.items() if isinstance(value, int | float)}
    row |= {role: float(value != "none") for role, value in call.values.items() if isinstance(value, str)}
    arrays = {role: value for role, value in call.values.items() if isinstance(value, Array)} | {"out": call.out}
    index = unravel(at, call.out.shape)
    for role, array in arrays.items():
        place = at if array.shape == call.out.shape else ravel(broadcast_index(index, array.shape), array.shape)
        if place >= len(array.numbers):
            raise NotKnown(role)
        row[role] = array.numbers[place]
    if call.unknown:
        raise NotKnown(", ".join(sorted(call.unknown)))
    assert part.derivative is not None
    return part.derivative(row)
