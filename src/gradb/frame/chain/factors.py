"""Products of local Jacobians along a graph: along one path, or over all paths at once.

A gradient is a row vector of real numbers, a complex element being two of them, and a probe is a matrix over the same
numbers, so one multiplication serves every dtype. Over all paths the chain rule is run through the graph as the engine
runs it, but on the measured Jacobians alone: what the engine made is never looked at.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gradb.algebra import jacobian
from gradb.algebra.local import Check, Local
from gradb.algebra.structure import expand, recognise
from gradb.frame.chain.record import Chain
from gradb.frame.gaps import Gaps
from gradb.frame.graph.runs import Backward
from gradb.frame.store import Store
from gradb.tape.kinds.jacobian import Axis, Probe
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.registry import CODES
from gradb.tape.values import PARTS, TensorValue

_SMALLEST, _LARGEST = 1.1754944e-38, 3.4028234e38  # of single precision
Row = list[float]
"""dL/d(one output), flat."""
Settle = Callable[[Chain, int, Local], Local | None]
"""Returns the local derivative of one edge without what 0 × inf made NaN in it; None where there is no such."""


@dataclass(frozen=True, slots=True)
class Factor:
    """What is known of the Jacobian of one edge."""

    rows: tuple[tuple[tuple[int, float], ...], ...] = ()
    """For each row the (column, value) that are not zero."""
    columns: int = 0
    sizes: tuple[int, ...] = ()
    """How many of the rows belong to each output."""
    dtype: str = "float64"
    why: str = ""
    """Why it is not known; empty where it is."""

    def place(self, output_nr: int) -> tuple[int, int] | None:
        """Return first row and number of rows of one output; None where it has none."""
        return (sum(self.sizes[:output_nr]), self.sizes[output_nr]) if output_nr < len(self.sizes) else None

    @property
    def entries(self) -> int:
        """How many numbers a multiplication has to look at."""
        return sum(map(len, self.rows)) + len(self.rows)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A node as one backward is about to run it."""

    name: str
    probes: tuple[Probe, ...] = ()
    why: str = ""
    """Why nothing is known; empty where it ran."""


class Known:
    """What was read of one backward: what a node measured there never changes, so positions share it."""

    def __init__(self) -> None:
        self.visits: dict[int, tuple[int, _Visit]] = {}
        """node -> (seq of its node_start event, what it says)."""
        self.factors: dict[tuple[int, int], Factor] = {}
        self.settled: dict[tuple[int, int], Local] = {}
        """Of edges at singular points."""


class Factors:
    """The local Jacobians that one backward measured up to a position."""

    def __init__(
        self,
        store: Store,
        backward: Backward,
        position: int,
        known: Known,
        settle: Callable[[int, int, Local], Local | None] = lambda node, index, local: None,
    ) -> None:
        self._store = store
        self._settle = settle
        self._backward = backward
        self._position = position
        self._known = known

    def factor(self, node: int, index: int) -> Factor:
        """Return the Jacobian of one edge: rows over all outputs of the node, columns over what the edge leads to."""
        key, visit = (node, index), self._visit(node)
        if visit.why:
            return Factor(why=visit.why)
        if key not in self._known.factors:
            self._known.factors[key] = self._at_singular(key, self._read(visit, index), visit)
        return self._known.factors[key]

    def _at_singular(self, key: tuple[int, int], factor: Factor, visit: _Visit) -> Factor:
        """Return a factor without what 0 × inf made NaN in it."""
        if not any(math.isnan(value) for row in factor.rows for _, value in row):
            return factor
        local = self._settle(*key, jacobian.local(visit.probes[key[1]]))
        if local is None:
            return factor
        self._known.settled[key] = local
        matrix = [float(value.real) for value in expand(local)]
        return replace(factor, rows=_rows(matrix, local.rows, local.columns))

    def _read(self, visit: _Visit, index: int) -> Factor:
        probe = visit.probes[index] if index < len(visit.probes) else None
        if probe is None or probe.data is None:
            reason = probe.note if probe is not None and probe.note else "not probed"
            return Factor(why=f"{visit.name}: {reason}")
        if probe.dtype in PARTS:
            return Factor(why=f"{visit.name}: an older gradb measured no more than a part of a complex matrix")
        if probe.rows * probe.columns > jacobian.MAX_ELEMENTS:
            return Factor(why=f"{visit.name}: its Jacobian is too large for products of paths")
        sizes = tuple(axis.size for axis in probe.outputs) or (probe.rows,)
        return Factor(_sparse(probe), probe.columns, sizes, probe.dtype)

    def _visit(self, node: int) -> _Visit:
        known = self._known.visits.get(node)
        if known is None:
            known = self._look(node)
            if known[0]:
                self._known.visits[node] = known
        seq, visit = known
        return visit if seq <= self._position else self._not_yet(node, visit.name)

    def _look(self, id_: int) -> tuple[int, _Visit]:
        """Return the event at which this backward was about to run a node (0: not yet), and what it says."""
        node = self._store.node(id_)
        if node is None:
            return 0, _Visit("", why="a node is not on the tape")
        rows = self._store.db.all(
            "SELECT seq FROM event WHERE node = ? AND seq > ? AND seq <= ?"
            f" AND +kind = {CODES['node_start']} ORDER BY seq",
            id_,
            self._backward.start,
            self._position,
        )
        for (seq,) in rows:
            detail = self._store.detail(seq) if self._store.first(seq) == self._backward.start else None
            if isinstance(detail, NodeStartDetail):
                return seq, _Visit(node.name, detail.probes)
        return 0, self._not_yet(id_, node.name)

    def _not_yet(self, node: int, name: str) -> _Visit:
        """Say of a node that it has not run, or that this is not known."""
        why = Gaps(self._store).of_node(node, self._backward.start, self._position)
        words = f"whether {name} has run is not known: {why}" if why else f"{name} has not run yet in this backward"
        return _Visit(name, why=words)

    # --- one path -----------------------------------------------------------------------------------------------------

    def multiply(self, row: Row, node: int, output_nr: int, index: int) -> Row | str:
        """Return one row vector times the rows of one output of one edge's Jacobian, or why it is not known."""
        factor = self.factor(node, index)
        place = factor.place(output_nr)
        if factor.why or place is None or len(row) != place[1]:
            return factor.why or f"{self._visit(node).name}: its Jacobian does not fit what flows into it"
        result = [0.0] * factor.columns
        for at, weight in enumerate(row, place[0]):
            for column, value in factor.rows[at]:
                result[column] += weight * value
        return result

    def local(self, node: int, output_nr: int, index: int) -> Local:
        """Return the part of an edge's Jacobian that a path takes, by its structure."""
        factor = self.factor(node, index)
        place = factor.place(output_nr)
        if factor.why or place is None:
            return Local("unknown", 0, 0, None, factor.why)
        probe, settled = self._visit(node).probes[index], self._known.settled.get((node, index))
        if place[1] == len(factor.rows) or probe.data is None:
            return settled or jacobian.local(probe)
        if settled is not None:
            part = expand(settled)[place[0] * factor.columns : sum(place) * factor.columns]
            found = recognise(part, place[1], factor.columns)
            return replace(found, note=settled.note, outputs=settled.outputs[output_nr : output_nr + 1])
        width = len(probe.data) // probe.rows
        data = probe.data[place[0] * width : (place[0] + place[1]) * width]
        return jacobian.local(
            replace(probe, rows=place[1], data=data, outputs=probe.outputs[output_nr : output_nr + 1])
        )

    # --- all paths ----------------------------------------------------------------------------------------------------

    def spread(self, flow: Flow, node: int, output_nr: int, index: int) -> Flow | str:
        """Return what one output's gradient becomes along one edge, or why it is not known."""
        total = self.multiply(flow.row, node, output_nr, index)
        factor = self.factor(node, index)
        place = factor.place(output_nr)
        if isinstance(total, str) or place is None:
            return str(total)
        result = Flow.zeros(factor.columns)
        result.row = total
        result.dtypes = flow.dtypes | {factor.dtype}
        counts = [0] * factor.columns
        largest = max((abs(value) for value in flow.row if math.isfinite(value)), default=0.0)
        for at, weight in enumerate(flow.row):
            entries = factor.rows[place[0] + at]
            for column, value in entries:
                result.magnitude[column] += flow.magnitude[at] * abs(value)
                result.floor[column] += flow.floor[at] * abs(value)
                result.is_moot[column] |= flow.is_moot[at]
                counts[column] += 1
            if not math.isfinite(weight):
                filled = {column for column, _ in entries}
                result.is_moot = [moot or column not in filled for column, moot in enumerate(result.is_moot)]
        for column, count in enumerate(counts):
            result.floor[column] += largest * count if count > 1 else 0.0
        return result


@dataclass(slots=True)
class Flow:
    """A gradient on its way through the graph, with how far rounding may have carried it."""

    row: Row
    magnitude: list[float]
    """Sum of the absolute products of all paths: what a tolerance is relative to."""
    floor: list[float]
    """What rounding inside the formulas on the way scales with."""
    is_moot: list[bool]
    """True where NaN or an infinity met a zero of a Jacobian."""
    dtypes: frozenset[str] = field(default=frozenset())

    @classmethod
    def zeros(cls, size: int) -> Flow:
        """Return nothing yet."""
        return cls([0.0] * size, [0.0] * size, [0.0] * size, [False] * size)

    @classmethod
    def of(cls, row: Row, dtype: str) -> Flow:
        """Return a gradient that was given."""
        return cls(list(row), [abs(value) for value in row], [0.0] * len(row), [False] * len(row), frozenset({dtype}))

    def add(self, other: Flow) -> None:
        """Add what came another way."""
        self.row = [a + b for a, b in zip(self.row, other.row, strict=True)]
        self.magnitude = [a + b for a, b in zip(self.magnitude, other.magnitude, strict=True)]
        self.floor = [a + b for a, b in zip(self.floor, other.floor, strict=True)]
        self.is_moot = [a or b for a, b in zip(self.is_moot, other.is_moot, strict=True)]
        self.dtypes |= other.dtypes

    def check(self, got: TensorValue, length: int) -> Check | None:
        """Hold it against what the engine produced, after products of up to ``length`` factors.

        Returns:
            None where the engine's numbers were not kept.
        """
        numbers = numbers_of(got, is_complex=len(self.row) == 2 * got.numel)
        if numbers is None or len(numbers) != len(self.row):
            return None
        slack = max(1.0, length / 4)  # every factor is rounded
        magnitude = [value * slack for value in self.magnitude]
        dtypes = sorted(self.dtypes | {got.dtype})
        return jacobian.check_row(self.row, magnitude, self.is_moot, self.floor, numbers, dtypes)


class Flows:
    """The gradients that have come to the outputs of nodes so far."""

    def __init__(self) -> None:
        self._found: dict[int, dict[int, Flow]] = {}

    def at(self, node: int) -> list[tuple[int, Flow]]:
        """Return (output number, gradient) of the outputs of a node that got one."""
        return sorted(self._found.get(node, {}).items(), key=lambda item: item[0])

    def add(self, node: int, output_nr: int, flow: Flow) -> None:
        """Add what came along one edge; what flows on is the sum."""
        outputs = self._found.setdefault(node, {})
        if output_nr in outputs:
            outputs[output_nr].add(flow)
        else:
            outputs[output_nr] = flow


def _sparse(probe: Probe) -> tuple[tuple[tuple[int, float], ...], ...]:
    """Return, for each row of a probe's matrix, the entries that are not zero."""
    matrix = numbers_of(TensorValue((probe.rows, probe.columns), probe.dtype, probe.data)) or ()
    return _rows(matrix, probe.rows, probe.columns)


def _rows(matrix: Sequence[float], rows: int, width: int) -> tuple[tuple[tuple[int, float], ...], ...]:
    return tuple(
        tuple((column, value) for column, value in enumerate(matrix[at * width : (at + 1) * width]) if value != 0)
        for at in range(rows)
    )


def numbers_of(value: TensorValue | None, *, is_complex: bool = False) -> Sequence[float] | None:
    """Return the real numbers of a gradient (``is_complex``: of a complex tensor); None where they were not kept."""
    axis = None if value is None else Axis(value.shape, is_complex)
    found = None if value is None else jacobian.parts(value, axis)
    return None if found is None else [float(number) for number in found if not isinstance(number, complex)]


def packed(row: Sequence[float], like: TensorValue | None) -> TensorValue:
    """Return a row vector as a gradient of ``like``: its shape, and single precision unless it has double or a product
    is too small or too large for single.
    """
    is_complex = like is not None and like.dtype.startswith("complex")
    fits = like is not None and jacobian.size(like) == len(row)
    is_double = like is None or like.dtype in {"float64", "complex128"} or not all(map(_fits_single, row))
    data = struct.pack(f"<{len(row)}{'d' if is_double else 'f'}", *row)
    if like is None or not fits:
        return TensorValue((len(row),), "float64" if is_double else "float32", data)
    complex_dtype = "complex128" if is_double else "complex64"
    return TensorValue(like.shape, complex_dtype if is_complex else "float64" if is_double else "float32", data)


def _fits_single(value: float) -> bool:
    return value == 0 or not math.isfinite(value) or _SMALLEST <= abs(value) <= _LARGEST
