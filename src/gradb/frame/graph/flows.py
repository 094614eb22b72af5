"""How large the gradient was that came to each node in a backward: what vanishes or explodes on its way.

Taken from what the tape keeps of each upstream, as the sizes of .grad buffers are (`gradb.frame.sizes`): what that does
not say is not known, and nothing is made up for it. Read a little at a time, since a backward may have run 100,000
nodes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from gradb.frame.sizes import magnitude, two_norm
from gradb.frame.store import Store
from gradb.tape.database import TapeError
from gradb.tape.expressions.functions import norm
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.node_start import read_upstream
from gradb.tape.kinds.registry import CODES
from gradb.tape.values import TensorValue
from gradb.tape.wire import WireError

Measure = Literal["norm", "max"]
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Flow:
    """The gradient that came to one node."""

    norm: float | None
    """2-norm of all its elements; None where it does not follow from what is on the tape."""
    max: float | None
    """The largest absolute value of an element; None where that is not on the tape."""
    is_undefined: bool = False
    """True where autograd sent no gradient at all."""

    def of(self, measure: Measure) -> float | None:
        """Return one measure; None where it is not known, or nothing was sent."""
        return self.norm if measure == "norm" else self.max


def flow_of(values: Iterable[TensorValue | None]) -> Flow:
    """Return how large a gradient is, one value an output of the node; None is an undefined one."""
    sent = [value for value in values if value is not None]
    if not sent:
        return Flow(None, None, is_undefined=True)
    norms = [two_norm(value) for value in sent]
    largest = [magnitude(value) for value in sent if value.numel]
    return Flow(_all_in_one(norms, norm), _all_in_one(largest, _most))


def _all_in_one(sizes: Sequence[float | None], join: Callable[[Sequence[float]], float]) -> float | None:
    """Return one size for the several outputs of a node; None where that of one is not known."""
    known = [size for size in sizes if size is not None]
    return join(known) if len(known) == len(sizes) else None


def _most(numbers: Sequence[float]) -> float:
    return math.nan if any(map(math.isnan, numbers)) else max(numbers, default=0.0)


class Flows:
    """The gradients of one backward, as far as they are read."""

    def __init__(self, store: Store, start: int) -> None:
        self._store, self._start = store, start
        self.until = start
        """The last event that was looked at."""
        self._seqs: list[int] = []
        self._found: dict[int, list[tuple[int, Flow]]] = {}
        """node -> (event, flow) of each of its runs."""
        self._largest: dict[Measure, list[float]] = {"norm": [], "max": []}
        """The largest finite measure up to each event."""

    def read(self, until: int, most: int | None = None) -> bool:
        """Read on up to an event, ``most`` events at a time; return whether all is read.

        Raises:
            TapeError: the tape is damaged.
        """
        read, sweep = 0, self._store.sweep()
        query = (
            "SELECT seq, kind, node FROM event WHERE seq > ? AND seq <= ? AND node IS NOT NULL"
            f" AND +kind IN ({CODES['node_start']}, {CODES['accumulate']}) ORDER BY seq LIMIT ?"
        )
        while self.until < until and (most is None or read < most):
            rows = self._store.db.all(query, self.until, until, _BATCH)
            for seq, kind, node in rows:
                try:
                    self._take(seq, node, is_start=kind == CODES["node_start"], text=sweep.of(seq))
                except WireError as error:
                    raise TapeError(f"{self._store.db.name} is damaged at event {seq}: {error}.") from error
            self.until = rows[-1][0] if len(rows) == _BATCH else until
            read += len(rows)
        return self.until >= until

    def _take(self, seq: int, node: int, *, is_start: bool, text: tuple[str, bytes | None]) -> None:
        if is_start:
            if self._store.first(seq) != self._start:
                return
            flow = flow_of(None if one is None else one.value for one in read_upstream(*text))
        else:
            detail = self._store.detail(seq) if node not in self._found else None
            if not isinstance(detail, AccumulateDetail) or detail.backward != self._start:
                return
            flow = flow_of([detail.added])
        self._seqs.append(seq)
        self._found.setdefault(node, []).append((seq, flow))
        for measure, largest in self._largest.items():
            value, before = flow.of(measure), largest[-1] if largest else 0.0
            largest.append(max(before, value) if value is not None and math.isfinite(value) else before)

    def of(self, node: int, position: int) -> Flow | None:
        """Return what came to a node in its newest run up to a position; None where it has not run, as far as read."""
        runs = self._found.get(node, ())
        return next((flow for seq, flow in reversed(runs) if seq <= position), None)

    def largest(self, measure: Measure, position: int) -> float:
        """Return the largest finite measure up to a position; 0 where there is none."""
        count = bisect_right(self._seqs, position)
        return self._largest[measure][count - 1] if count else 0.0


class FlowsAt:
    """The gradients of the backward that a position is in, or after.

    Args:
        flows: of that backward; None where there has been none.
        position: where it is looked at.
        end: seq of the event that ends it; 0 while it is open.
    """

    def __init__(self, flows: Flows | None, position: int, end: int) -> None:
        self._flows = flows
        self._position = position
        self._until = min(end or position, position)

    def read(self, most: int | None = None) -> bool:
        """Read on; return whether all up to the position is read."""
        return self._flows is None or self._flows.read(self._until, most)

    def of(self, node: int) -> Flow | None:
        """Return what came to a node; None where nothing has, as far as it is read."""
        return None if self._flows is None else self._flows.of(node, self._position)

    def largest(self, measure: Measure) -> float:
        """Return the largest finite measure of all nodes; 0 where there is none."""
        return 0.0 if self._flows is None else self._flows.largest(measure, self._position)
