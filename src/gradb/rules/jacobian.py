"""The table's formulas as numbers, for any op: a local Jacobian computed from the tape's values by the rule alone.

Nothing here asks the engine: what it computes is what the formula says, and is held against the engine by the tests.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from gradb.frame.chain.record import Chain
from gradb.rules.arguments import Array, Given, NotKnown, Value, array_of, parse
from gradb.rules.kernels import Entry, by_element
from gradb.rules.model import Part, Rule
from gradb.rules.names import Argument, bind, is_read
from gradb.rules.table import rule_of
from gradb.tape.kinds.op import OpDetail
from gradb.tape.values import TensorValue

Read = Callable[[TensorValue], Array]
"""Makes numbers of a value on the tape."""
MAX_ENTRIES = 65_536
MAX_ELEMENTS = 1024
UNFIT = (LookupError, ValueError, ArithmeticError, TypeError)
"""What a formula raises where the arguments are not what it was written for; then nothing is said."""


def entries(
    chain: Chain, edge_index: int, slot: int = 0, limit: int = MAX_ENTRIES, read: Read = array_of
) -> list[Entry] | None:
    """Return the entries of an edge's local Jacobian that the formula gives.

    Args:
        chain: the record of the node; its arguments must be on the tape.
        edge_index: which input.
        slot: which of the node's outputs.
        limit: more entries than this are not computed.
        read: makes numbers of the arguments' values.

    Returns:
        (position in the output, position in the input, value), each pair perhaps several times (their values add up);
        None where the table or the tape does not tell.
    """
    try:
        found = list(islice(_entries(chain, edge_index, slot, read), limit + 1))
    except UNFIT:
        return None
    return found if len(found) <= limit else None


@dataclass(slots=True)
class Product:
    """upstream times the formula's Jacobian, one item an element of the input; complex numbers as pairs of parts."""

    total: list[float]
    magnitude: list[float]
    """Sum of the absolute terms."""
    floor: list[float]
    """The largest upstream gradient times the number of terms."""
    is_moot: list[bool]
    """True where a factor of the formula is no finite number, or upstream is none where the formula has zeros."""


def has_more(chain: Chain, edge_index: int, limit: int) -> bool:
    """Tell whether the formula of an edge has more entries than a limit, for any one output."""
    try:
        return any(
            len(list(islice(_entries(chain, edge_index, slot), limit + 1))) > limit
            for slot, value in enumerate(chain.upstream)
            if value is not None
        )
    except UNFIT:
        return False


def downstream(chain: Chain, edge_index: int) -> list[float] | None:
    """Return upstream times the formula's Jacobian for one edge, summed over the node's outputs."""
    found = product(chain, edge_index)
    return None if found is None else found.total


def product(chain: Chain, edge_index: int, read: Read = array_of, limit: int = MAX_ENTRIES) -> Product | None:
    """Return upstream times the formula's Jacobian for one edge; None where the table or the tape does not tell.

    ``read`` makes numbers of the arguments' values; ``limit``: as for ``entries``.
    """
    shape = _input(chain, edge_index)
    if shape is None:
        return None
    size = shape.size
    result = Product([0.0] * size, [0.0] * size, [0.0] * size, [False] * size)
    counts, largest = [0] * shape.size, 0.0
    for slot, value in enumerate(chain.upstream):
        if value is None:
            continue
        upstream = array_of(value)
        found = entries(chain, edge_index, slot, limit, read)
        if found is None or len(upstream.numbers) != upstream.size:
            return None
        largest = max([largest, *(abs(number) for number in upstream.numbers if math.isfinite(number))])
        try:
            _add(result, counts, upstream.numbers, found)
        except IndexError:  # of another shape than the formula was written for
            return None
        if not all(map(math.isfinite, upstream.numbers)):
            result.is_moot = [True] * shape.size
    result.floor = [largest * count for count in counts]
    return result


def _add(result: Product, counts: list[int], upstream: Sequence[float], found: list[Entry]) -> None:
    for i, j, weight in found:
        if weight:
            term = upstream[i] * weight
            result.total[j] += term
            result.magnitude[j] += abs(term)
            counts[j] += 1
            result.is_moot[j] |= not math.isfinite(weight)


def matrix(chain: Chain, edge_index: int, rows: Sequence[int], columns: int) -> list[float] | None:
    """Return the formula's Jacobian in full, row-major; None where the table or the tape does not tell.

    ``rows``: how many elements each output of the node has.
    """
    found = [0.0] * (sum(rows) * columns)
    for slot in range(len(rows)):
        part = entries(chain, edge_index, slot)
        if part is None:
            return None
        first = sum(rows[:slot])
        for i, j, weight in part:
            if not (0 <= i < rows[slot] and 0 <= j < columns):
                return None
            found[(first + i) * columns + j] += weight
    return found


def factors(chain: Chain, edge_index: int) -> tuple[float, ...] | None:
    """Return one number for each element of the input, where the formula's Jacobian comes to that.

    That is so for an op done element by element, and for one whose result is a single number; a node of several
    outputs has no such factors.
    """
    source, slots = _input(chain, edge_index), _slots(chain)
    if source is None or source.is_complex or chain.output is None or len(slots) > 1:
        return None
    rows = chain.output.value.numel
    if rows not in {1, source.size} or source.size > MAX_ELEMENTS:
        return None
    result = [0.0] * source.size
    try:
        for i, j, weight in _entries(chain, edge_index, slots[0] if slots else 0):
            if rows > 1 and i != j:
                return None
            result[j] += weight
    except UNFIT:
        return None
    return None if any(map(math.isnan, result)) else tuple(result)


def _entries(chain: Chain, edge_index: int, slot: int, read: Read = array_of) -> Iterator[Entry]:
    """Return the entries one by one.

    Raises:
        NotKnown: the table or the tape does not tell; so may the iterator.
    """
    rule = rule_of(chain)
    part = None if rule is None else rule.part(edge_index)
    if rule is None or part is None:
        raise NotKnown(chain.node_name)
    compute = part.entries or (by_element(part.derivative) if part.derivative is not None else None)
    if compute is None:
        raise NotKnown(part.role)
    return compute(given(chain, rule, part, edge_index, slot, read))


def given(chain: Chain, rule: Rule, part: Part, edge_index: int, slot: int, read: Read = array_of) -> Given:
    """Return what the tape tells of a call, for one edge and one output.

    Raises:
        NotKnown: it does not tell enough.
    """
    source = _input(chain, edge_index, read)
    inputs = () if chain.op is None else _inputs(_Call(chain.op), read)
    results = tuple(read(tensor.value) for tensor in chain.op.outputs) if chain.op is not None else ()
    values, unknown = _values(chain, rule, inputs, read)
    out = _output(chain, slot, read)
    if source is None or out is None:
        raise NotKnown(part.role)
    if not rule.is_complex and any(a.is_complex for a in (source, out, *inputs)):
        raise NotKnown("complex")
    return Given(values, source, out, results, inputs, slot, edge_index, unknown)


class _Call:
    """A call, told from others by what it is and not by what it says: it may have thousands of inputs."""

    def __init__(self, op: OpDetail) -> None:
        self.op = op

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Call) and self.op is other.op

    def __hash__(self) -> int:
        return id(self.op)


@functools.lru_cache(4)
def _inputs(call: _Call, read: Read) -> tuple[Array, ...]:
    """Return the inputs of a call, the same for each edge of its node."""
    return tuple(read(tensor.value) for tensor in call.op.inputs)


def _values(chain: Chain, rule: Rule, inputs: tuple[Array, ...], read: Read) -> tuple[dict[str, Value], frozenset[str]]:
    """Return the arguments whose value is known, and the names of those of which nothing is."""
    values: dict[str, Value] = {}
    unknown: set[str] = set()
    is_call_read = is_read(chain, rule)
    for role, argument in bind(chain, rule).items():
        try:
            values[role] = _value(argument, inputs, read)
        except NotKnown:
            if argument.literal or not is_call_read:
                unknown.add(role)
    return values, frozenset(unknown)


def _value(argument: Argument, inputs: tuple[Array, ...], read: Read) -> Value:
    if argument.tensor is not None:
        return read(argument.tensor.value)
    return parse(argument.literal, inputs)


def _input(chain: Chain, edge_index: int, read: Read = array_of) -> Array | None:
    """Return the input of an edge: its value where the tape has it, else its gradient's shape."""
    edge = chain.edges[edge_index]
    if edge.tensor is not None:
        return read(edge.tensor.value)
    if edge.downstream is None:
        return None
    shape = array_of(edge.downstream).shape
    return Array(shape, (), edge.downstream.dtype.startswith("complex"))


def _slots(chain: Chain) -> list[int]:
    """Return which of the node's outputs the call returned."""
    outputs = chain.op.outputs if chain.op is not None else ()
    return [tensor.output_nr for tensor in outputs if tensor.node == chain.node]


def _output(chain: Chain, slot: int, read: Read) -> Array | None:
    """Return one of the node's outputs: its value where the tape has it, else its upstream's shape."""
    for tensor in chain.op.outputs if chain.op is not None else ():
        if tensor.node == chain.node and tensor.output_nr == slot:
            return read(tensor.value)
    if slot < len(chain.upstream) and chain.upstream[slot] is not None:
        value = chain.upstream[slot]
        assert value is not None
        found = array_of(value)
        return Array(found.shape, (), found.is_complex)
    if slot == 0 and chain.output is not None:
        found = read(chain.output.value)
        return Array(found.shape, found.numbers, found.is_complex)
    return None
