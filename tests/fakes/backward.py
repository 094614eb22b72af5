"""The backward half of the builder: a small engine that runs the chain rule over the Jacobians the ops were given."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.buffer import BufferChange
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.jacobian import Probe
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tape.oddity import born
from gradb.tape.values import Number, TensorValue
from tests.fakes.forward import FakeNode, Forward, Variable
from tests.fakes.packing import oddity_in, pack, value
from tests.fakes.recording import Path


class Autograd(Forward):
    """A recording with a forward and a backward."""

    def __init__(self, path: Path, script: str = "script.py", source: str = "") -> None:
        super().__init__(path, script, source)
        self.grads: dict[int, TensorValue | None] = {}
        """leaf -> its ``.grad`` now."""
        self._fills: dict[int, tuple[int, int]] = {}
        """leaf -> accumulations since it was cleared, and the iteration of the first."""

    def backward(
        self,
        root: Variable,
        *,
        retain_graph: bool = False,
        gradient: Sequence[Number] | None = None,
        line: int | None = None,
        outer: int = 0,
    ) -> None:
        """Run the chain rule from a root, newest node first, and fill the ``.grad`` of the leaves.

        ``outer`` is the backward (seq of its start) inside of which this one is called.
        """
        if root.node is None:
            raise ValueError("the root has no grad_fn")
        reached = self._reach(root.node)
        given = None if gradient is None else replace(root, value=value(gradient, root.value.shape)).seen()
        nodes, call = tuple(reached), "backward"
        detail = BackwardStartDetail(call, (root.seen(),), (given,), retain_graph, False, None, nodes, outer)
        start = self.event(detail, "backward_start", "backward", line)
        if root.value.numel == 1:
            self.point("loss", root.name or "loss", float(root.numbers[0]), start, line)  # type: ignore[arg-type]
        waiting = dict.fromkeys(reached, 0)
        for node in reached:
            for edge in self.nodes[node].edges:
                if edge is not None:
                    waiting[edge] += 1
        sums: dict[int, list[Number] | None] = {root.node: list(gradient) if gradient is not None else [1.0]}
        ready = [root.node]
        while ready:
            node = max(ready, key=lambda id_: (self.nodes[id_].leaf is not None, id_))
            ready.remove(node)
            self._run(node, sums.pop(node, None), start, line, sums)
            for edge in self.nodes[node].edges:
                if edge is not None:
                    waiting[edge] -= 1
                    if not waiting[edge]:
                        ready.append(edge)
        self.event(BackwardEndDetail(start), "backward_end", "backward", line)

    def _reach(self, root: int) -> list[int]:
        found: dict[int, None] = {}
        stack = [root]
        while stack:
            node = stack.pop()
            if node not in found:
                found[node] = None
                stack.extend(edge for edge in self.nodes[node].edges if edge is not None)
        return sorted(found, reverse=True)

    def _run(
        self, id_: int, sent: list[Number] | None, backward: int, line: int | None, sums: dict[int, list[Number] | None]
    ) -> None:
        node = self.nodes[id_]
        like = node.output.value
        upstream = None if sent is None else Tensor(0, None, value(sent, like.shape, like.dtype))
        probes = tuple(self._probe(node, index) for index in range(len(node.edges)))
        odd = oddity_in(upstream)
        start = self.event(
            NodeStartDetail(backward, (upstream,), probes), "node_start", node.name, line, node=id_, odd=odd
        )
        if node.leaf is not None:
            self._accumulate(id_, node, sent, backward, line, start)
            return
        results = [self._downstream(node, index, sent) for index in range(len(node.edges))]
        for edge, result in zip(node.edges, results, strict=True):
            if edge is not None and result is not None:
                known = sums.get(edge)
                numbers = result.value.numbers() or []
                sums[edge] = numbers if known is None else [a + b for a, b in zip(known, numbers, strict=True)]
        made = oddity_in(*results)
        calls = self.call("aten.mul.Tensor", (_named(upstream),), results, line, start, id_)
        self.event(
            NodeDetail(start, tuple(results), calls), "node", node.name, line, node=id_, odd=made | born(made, odd)
        )

    def _probe(self, node: FakeNode, index: int) -> Probe:
        edge, jacobian = node.edges[index], node.jacobians[index]
        if edge is None or jacobian is None:
            return Probe(0, 0, node.output.value.dtype, None, "no gradient is wanted" if edge is None else "not probed")
        rows, columns = node.output.value.numel, self.nodes[edge].output.value.numel
        return Probe(rows, columns, node.output.value.dtype, pack(jacobian, node.output.value.dtype))

    def _downstream(self, node: FakeNode, index: int, sent: list[Number] | None) -> Tensor | None:
        edge, jacobian = node.edges[index], node.jacobians[index]
        if edge is None or jacobian is None or sent is None:
            return None
        like = self.nodes[edge].output.value
        columns = like.numel
        result = [_total(up * jacobian[row * columns + at] for row, up in enumerate(sent)) for at in range(columns)]
        return Tensor(0, None, value(result, like.shape, like.dtype))

    def _accumulate(
        self, id_: int, node: FakeNode, sent: list[Number] | None, backward: int, line: int | None, start: int
    ) -> None:
        leaf, like = node.output, node.output.value
        before = self.grads.get(leaf.id)
        added = None if sent is None else value(sent, like.shape, like.dtype)
        after = before if added is None else added
        if before is not None and added is not None:
            pairs = zip(before.numbers() or [], added.numbers() or [], strict=True)
            after = value([a + b for a, b in pairs], like.shape, like.dtype)
        self.grads[leaf.id] = after
        name = leaf.name or f"leaf #{leaf.id}"
        coming = None if added is None else Tensor(0, None, added)
        odd = oddity_in(coming)
        calls = self.call("aten.detach.default", (_named(coming),), (coming,), line, start, id_)
        detail = AccumulateDetail(leaf.id, name, before, added, after, backward, calls)
        fills, since = self._fills.get(leaf.id) or (0, self.iteration)
        fills, since = (fills + 1, since) if fills > 0 else (1, self.iteration) if fills == 0 else (-1, since)
        self._fills[leaf.id] = (fills, since)
        seq = self.event(detail, "accumulate", name, line, node=id_, odd=odd)
        self.writer.grad(leaf.id, seq, fills, since)

    def zero_grad(
        self,
        leaves: Sequence[Variable],
        *,
        idiom: str = "optimizer.zero_grad",
        to_none: bool = True,
        is_suppressed: bool = False,
        line: int | None = None,
    ) -> int:
        """Clear some gradients, to None or to zeros, or suppress that."""
        cleared = []
        for leaf in leaves:
            before = self.grads.get(leaf.id)
            zeros = value([0.0] * leaf.value.numel, leaf.value.shape, leaf.value.dtype)
            after = before if is_suppressed else None if to_none or before is None else zeros
            self.grads[leaf.id] = after
            cleared.append(BufferChange(leaf.id, leaf.name or f"leaf #{leaf.id}", before, after))
        seq = self.event(ZeroGradDetail(idiom, tuple(cleared), is_suppressed), "zero_grad", idiom, line)
        for leaf in leaves if not is_suppressed else ():
            self._fills.pop(leaf.id, None)
            self.writer.grad(leaf.id, seq, 0, 0)
        return seq

    def step(self, leaves: Sequence[Variable], rate: float = 0.1, *, line: int | None = None) -> list[Variable]:
        """Make a step of plain SGD, which ends the iteration, and return the leaves with their new values."""
        moved = [self._moved(leaf, rate) for leaf in leaves]
        before, gradients = tuple(leaf.value for leaf in leaves), tuple(self.grads.get(leaf.id) for leaf in leaves)
        after = tuple(leaf.seen() for leaf in moved)
        detail = StepDetail("SGD", (rate,), after, before, gradients, (0,) * len(moved))
        seq = self.event(detail, "step", "SGD", line)
        found = [float(number) for grad in gradients if grad for number in grad.numbers() or ()]  # type: ignore[arg-type]
        self.point("grad_norm", "SGD", math.hypot(*found), seq)
        self.point("learning_rate", "SGD", rate, seq)
        for leaf in moved:
            self.writer.tensor(leaf.id, seq, self.leaves.get(leaf.id), 0)
            norm = math.hypot(*(float(number) for number in leaf.numbers))  # type: ignore[arg-type]
            self.point("parameter_norm", leaf.name or f"leaf #{leaf.id}", norm, seq)
        self.iteration += 1
        return moved

    def take_stock(self, leaves: Sequence[Variable], reason: str = "asked for") -> int:
        """Record everything again, beginning with what the leaves and their gradients are now."""
        gradients = tuple(self.grads.get(leaf.id) for leaf in leaves)
        detail = DepthDetail("full", reason, tuple(leaf.seen() for leaf in leaves), gradients)
        seq = self.event(detail, "depth", "full")
        for leaf, gradient in zip(leaves, gradients, strict=True):
            fills = 0 if gradient is None else -1
            self._fills[leaf.id] = (fills, self.iteration - 1)
            self.writer.tensor(leaf.id, seq, self.leaves.get(leaf.id), 0)
            self.writer.grad(leaf.id, seq, *self._fills[leaf.id])
        return seq

    def step_unseen(self, rate: float = 0.1, *, line: int | None = None) -> int:
        """Make a step while only watching, which ends the iteration."""
        seq = self.event(StepDetail("SGD", (rate,), ()), "step", "SGD", line)
        self.iteration += 1
        return seq

    def _moved(self, leaf: Variable, rate: float) -> Variable:
        grad = self.grads.get(leaf.id)
        if grad is None:
            return leaf
        pairs = zip(leaf.numbers, grad.numbers() or [], strict=True)
        moved = replace(leaf, value=value([x - rate * g for x, g in pairs], leaf.value.shape, leaf.value.dtype))
        if leaf.id in self.leaves:
            self.nodes[self.leaves[leaf.id]].output = moved
        return moved


def _named(upstream: Tensor | None) -> Tensor | None:
    return None if upstream is None else replace(upstream, name="upstream")


def _total(terms: Iterable[Number]) -> Number:
    total: Number = 0.0
    for term in terms:
        total += term
    return total
