"""What flowed into a node from each of its uses, and whether the sum of that is what arrived."""

from __future__ import annotations

from gradb.algebra import jacobian
from gradb.algebra.local import Check
from gradb.frame.chain.hooks import Values
from gradb.frame.chain.record import Contribution
from gradb.frame.graph.graph import Graphs
from gradb.frame.graph.runs import Backward, NodeRun
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.values import TensorValue

_ONES = {"float64": b"\0\0\0\0\0\0\xf0?", "float32": b"\0\0\x80?", "float16": b"\0<", "bfloat16": b"\x80?"}


class Contributions:
    """Finds them on one tape."""

    def __init__(self, graphs: Graphs) -> None:
        self._graphs, self._store, self._runs = graphs, graphs.store, graphs.runs

    def of(
        self, node: int, arrived: Values, run: NodeRun | None, backward: Backward | None, until: int
    ) -> tuple[tuple[Contribution, ...], Check | None]:
        """Return what flowed into a node in its backward, and the sum's check.

        Args:
            node: its id.
            arrived: dL/d(output) before any hook of the script's changed it.
            run: of the node; None while it is pending.
            backward: in which it runs, or is to run.
            until: the last event that counts.
        """
        if backward is None or (run is None and node not in backward.nodes):
            return (), None
        found = self._from_consumers(node, backward.start, until)
        if found:
            found = self._from_call(node, backward) + found
        return found, _check(found, arrived) if found else None

    def _from_consumers(self, node: int, backward: int, until: int) -> tuple[Contribution, ...]:
        found = []
        for consumer, index, output_nr in self._graphs.shown.consumers(backward, node):
            event = self._runs.run_in(consumer, backward, until)
            detail = None if event is None else self._store.detail(event)
            if event is None or not isinstance(detail, NodeDetail):
                continue
            sent = detail.downstream[index] if index < len(detail.downstream) else None
            value = None if sent is None else sent.value
            found.append(Contribution(consumer, self._name(consumer), output_nr, value, event))
        return tuple(sorted(found, key=lambda contribution: contribution.event))

    def _from_call(self, node: int, backward: Backward) -> tuple[Contribution, ...]:
        """Return what the script itself gave a root that is also fed by other nodes."""
        found = []
        for root, given in zip(backward.roots, (*backward.gradients, *[None] * len(backward.roots)), strict=False):
            if root.node == node:
                value = given.value if given is not None else _one(root.value.dtype, root.value.shape)
                found.append(Contribution(0, "backward()", root.output_nr, value, backward.start))
        return tuple(found)

    def _name(self, node: int | None) -> str:
        found = None if node is None else self._store.node(node)
        return found.name if found is not None else ""


def _one(dtype: str, shape: tuple[int, ...]) -> TensorValue | None:
    """Return the implicit gradient of a scalar root."""
    is_scalar = all(size == 1 for size in shape)
    return TensorValue(shape, dtype, _ONES[dtype]) if dtype in _ONES and is_scalar else None


def _check(found: tuple[Contribution, ...], upstream: Values) -> Check | None:
    """Hold the sum of the contributions against upstream, output by output; the worst verdict counts."""
    checks = []
    for number, total in enumerate(upstream):
        parts = [contribution.value for contribution in found if contribution.output_nr == number]
        if not parts:
            continue
        check = jacobian.check_sum(parts, total)
        if check is None:
            return None
        checks.append(check)
    return min(checks, key=lambda check: (check.is_ok, -check.max_error), default=None)
