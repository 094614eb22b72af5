"""The chain rule over paths: from one tensor to what was differentiated, path by path and summed over all of them.

Nothing is counted or multiplied before somebody asks. The products are made of
measured Jacobians alone and then held against the gradient that the engine produced. Where a Jacobian was not measured
the product is not known, and the reason is told.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from gradb.algebra.local import Check, Local
from gradb.frame.called import Called
from gradb.frame.chain.factors import Factors, Flow, Flows, Row, Settle, numbers_of, packed
from gradb.frame.chain.path import Made, Path, PathEnd, PathStep, Total
from gradb.frame.chain.pathfinder import MAX_COUNTED, PathFinder
from gradb.frame.chain.record import Chain, Rewrite
from gradb.frame.chain.rewrites import is_written
from gradb.frame.chain.weights import is_one
from gradb.frame.graph.dag import Dag, End, Step
from gradb.frame.graph.runs import Backward
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.values import TensorValue

MAX_MULTIPLIED = 1_000  # nodes between: as many Jacobians are read and multiplied
MAX_ENTRIES = 400_000  # of their Jacobians that are not zero
MAX_SUMMED = 256  # paths whose products are added up one by one
_MAX_WORK = 100_000  # multiplications for that


class Paths:
    """All paths from the root(s) of one backward to one tensor, as of a position."""

    def __init__(
        self, finder: PathFinder, position: int, settle: Settle | None, backward: Backward, target: PathEnd
    ) -> None:
        self._finder, self._graphs, self._store = finder, finder.graphs, finder.graphs.store
        self._position, self._settle = position, settle
        self.backward = backward
        self.target = target
        known = finder.known((backward.start, settle))
        self._factors = Factors(self._store, backward, position, known, self._settled)
        self._statics: dict[Step, tuple[str, str | None, int, Local, End]] = {}
        self._last: list[tuple[Step, Row | str]] = []
        self._last_root = -1

    def _settled(self, node: int, index: int, local: Local) -> Local | None:
        """Return a measured local derivative without what 0 × inf made NaN in it; None where there is no such."""
        chain = self.chain(node) if self._settle is not None else None
        return None if chain is None or self._settle is None else self._settle(chain, index, local)

    @property
    def called(self) -> Called:
        """What the events of the tape are called."""
        return self._store.called

    @cached_property
    def _dag(self) -> Dag | None:
        end = (self.target.node, self.target.output_nr)
        return self._finder.dag((self.backward.start, end))

    @property
    def count(self) -> int | None:
        """How many paths there are; None where there are too many nodes between to count them."""
        return None if self._dag is None else self._dag.count

    @property
    def nodes(self) -> int:
        """How many nodes lie on the paths, the target's own with them."""
        return 0 if self._dag is None else len(self._dag.order)

    @cached_property
    def too_much(self) -> str:
        """Why no products are made, where the graph between is too large for it; else empty."""
        if self._dag is None:
            return f"more than {MAX_COUNTED:,} nodes lie between"
        if self.nodes > MAX_MULTIPLIED:
            return f"{self.nodes:,} nodes lie between: products are made up to {MAX_MULTIPLIED:,}"
        entries = 0
        for node in self._dag.order:
            entries += sum(self._factors.factor(node, index).entries for index, _ in self._dag.edges[node])
            if entries > MAX_ENTRIES:
                return f"the Jacobians between have more than {MAX_ENTRIES:,} entries that are not zero"
        return ""

    @cached_property
    def roots(self) -> tuple[PathEnd, ...]:
        """Where the paths begin."""
        found = [(index, root) for index, root in enumerate(self.backward.roots) if root.node is not None]
        return tuple(
            replace(
                self._finder.end(self._position, root.node or 0, root.output_nr, root.name),
                is_weighted=not is_one(self.backward, index),
            )
            for index, root in found
        )

    # --- one path -----------------------------------------------------------------------------------------------------

    def path(self, number: int, *, in_full: bool = False) -> Path:
        """Return one path, 1 <= number <= count; in full with the products on the way.

        Raises:
            IndexError: there is no such path.
        """
        if self._dag is None:
            raise IndexError(number)
        which, route = self._dag.route(number)
        root, upstream = self.roots[which], self._upstream(which)
        if self.too_much:
            steps = tuple(self._step(step, None) for step in route[:MAX_MULTIPLIED])
            return Path(number=number, root=root, upstream=upstream, steps=steps, product=None, why=self.too_much)
        rows = self._walk(which, route)
        steps = tuple(self._step(step, row if in_full else None) for step, row in zip(route, rows, strict=True))
        last = rows[-1] if rows else self._begin(which)
        if last is None or isinstance(last, str):
            return Path(
                number=number,
                root=root,
                upstream=upstream,
                steps=steps,
                product=None,
                why=last or "the root's own gradient was not kept",
            )
        return Path(number, root, upstream, steps, self._shaped(list(last)))

    def _upstream(self, which: int) -> TensorValue | None:
        """Return dL/d(root): what the script gave, else 1."""
        roots = [index for index, root in enumerate(self.backward.roots) if root.node is not None]
        index = roots[which]
        given = self.backward.gradients[index] if index < len(self.backward.gradients) else None
        if given is not None:
            return given.value
        value = self.backward.roots[index].value
        return TensorValue(value.shape, "float64", struct.pack("<d", 1.0)) if value.numel == 1 else None

    def _begin(self, which: int) -> Sequence[float] | None:
        """Return dL/d(root) as a row vector; None where it was not kept."""
        roots = [root for root in self.backward.roots if root.node is not None]
        return numbers_of(self._upstream(which), is_complex=roots[which].value.dtype.startswith("complex"))

    def _walk(self, which: int, route: list[Step]) -> list[Row | str]:
        """Return the row vector after each step; what the path before had in common with this one is not done again."""
        common = 0
        if which == self._last_root:
            pairs = zip(self._last, route, strict=False)
            common = next(
                (at for at, (old, new) in enumerate(pairs) if old[0] != new), min(len(self._last), len(route))
            )
        begin = self._begin(which)
        unknown = "the root's own gradient was not kept"
        done = self._last[:common]
        row: Row | str = done[-1][1] if done else (unknown if begin is None else list(begin))
        for step in route[common:]:
            if not isinstance(row, str):
                row = self._factors.multiply(row, step.node, step.output_nr, step.index)
            done.append((step, row))
        self._last, self._last_root = done, which
        return [row for _, row in done]

    def _step(self, step: Step, row: Row | str | None) -> PathStep:
        if step not in self._statics:
            self._statics[step] = self._describe(step)
        name, label, parallel, local, goal = self._statics[step]
        product = None if isinstance(row, str) else self._between(*goal, row)
        return PathStep(
            node=step.node,
            node_name=name,
            label=label,
            output_nr=step.output_nr,
            index=step.index,
            parallel=parallel,
            local=local,
            product=product,
        )

    def _describe(self, step: Step) -> tuple[str, str | None, int, Local, End]:
        """Return what is the same in every path: names, parallel edges, the factor, and where the edge leads."""
        node = self._store.node(step.node)
        edges = node.edges if node is not None else ()
        goal = (edges[step.index].to or 0, edges[step.index].input_nr)
        parallel = sum((edge.to, edge.input_nr) == goal for edge in edges)
        label = self._graphs.label(step.node, self._position, step.output_nr)
        local = self._factors.local(step.node, step.output_nr, step.index)
        return node.name if node is not None else "", label, parallel, local, goal

    def _between(self, node: int, output_nr: int, row: Row | None) -> TensorValue | None:
        """Return a product on the way, shaped like the tensor that it is the gradient of where that is known."""
        if row is None:
            return None
        if (node, output_nr) == (self.target.node, self.target.output_nr):
            return self._shaped(row)
        output = self._graphs.output(node, self._position)
        return packed(row, output.value if output is not None and output.output_nr == output_nr else None)

    def _shaped(self, row: Row) -> TensorValue:
        """Return a row vector shaped like the target."""
        output = self._graphs.output(self.target.node, self._position)
        is_known = output is not None and output.output_nr == self.target.output_nr
        return packed(row, output.value if output is not None and is_known else self.made.value)

    # --- all paths ----------------------------------------------------------------------------------------------------

    @cached_property
    def total(self) -> Total:
        """The sum over all paths."""
        if isinstance(self._flow, str):
            return Total(None, why=self._flow)
        listed = self._listed()
        return Total(self._shaped(self._flow.row if listed is None else listed), listed is not None)

    def _listed(self) -> Row | None:
        """Return the sum of the products of all paths, or None where there are too many."""
        dag = self._dag
        if dag is None or not 0 < dag.count <= MAX_SUMMED:
            return None
        edges = [(node, index) for node in dag.order for index, _ in dag.edges[node]]
        if dag.count * sum(self._factors.factor(*edge).entries for edge in edges) > _MAX_WORK:
            return None
        total: Row | None = None
        for number in range(1, dag.count + 1):
            which, route = dag.route(number)
            rows = self._walk(which, route)
            row = rows[-1] if rows else list(self._begin(which) or ())
            if isinstance(row, str):
                return None
            total = row if total is None else [a + b for a, b in zip(total, row, strict=True)]
        return total

    @cached_property
    def _flow(self) -> Flow | str:
        """The chain rule through the whole graph between, or why it cannot be run."""
        dag = self._dag
        if dag is None or self.too_much:
            return self.too_much
        flows = Flows()
        for which, (node, output_nr) in enumerate(dag.roots):
            value = self._upstream(which)
            numbers = self._begin(which)
            if value is None or numbers is None:
                return "the gradient given to backward() was not kept"
            flows.add(node, output_nr, Flow.of(list(numbers), value.dtype))
        for node in dag.order:
            for output_nr, flow in flows.at(node):
                for index, edge in dag.edges[node]:
                    sent = self._factors.spread(flow, node, output_nr, index)
                    if isinstance(sent, str):
                        return sent
                    if edge.to is not None:
                        flows.add(edge.to, edge.input_nr, sent)
        return dict(flows.at(dag.target[0])).get(dag.target[1], "no path leads there")

    @cached_property
    def hooks(self) -> tuple[str, ...]:
        """The hooks of the script's own that changed a gradient on the way: no product knows of them."""
        dag = self._dag
        if dag is None:
            return ()
        found = (
            self._place(node, detail)
            for node, detail in self._finder.hooks(self.backward, self._position)
            if node in dag.edges and node != self.target.node
        )
        return tuple(dict.fromkeys(found))

    def _place(self, node: int, detail: HookDetail) -> str:
        """Say which hook it is, and where it hangs."""
        where = f" ({detail.where})" if detail.where else ""
        return f"{detail.function}{where} at {self._finder.end(self._position, node, detail.output_nr).name}"

    @cached_property
    def rewrites(self) -> tuple[Rewrite, ...]:
        """Who wrote into a gradient on the way, after it was sent: no product knows of that either."""
        start, position = self.backward.start, self._position
        if self._dag is None or self.nodes > MAX_MULTIPLIED or not is_written(self._graphs, start, position):
            return ()
        chains = (self.chain(node) for node in dict.fromkeys((*self._dag.order, self.target.node)))
        found = (rewrite for chain in chains if chain is not None for rewrite in chain.rewrites)
        return tuple({rewrite.event: rewrite for rewrite in found}.values())

    @cached_property
    def made(self) -> Made:
        """What the engine made of it."""
        return self._finder.made(self.backward, (self.target.node, self.target.output_nr), self._position)

    @cached_property
    def check(self) -> Check | None:
        """The sum over all paths held against the engine; None where one of them is not known, or the script's own
        code changed a gradient on the way.
        """
        if isinstance(self._flow, str) or self.made.value is None or self.hooks or self.rewrites:
            return None
        return self._flow.check(self.made.value, self.nodes)

    def chain(self, node: int) -> Chain | None:
        """Return the chain-rule record of a node on a path."""
        return self._finder.chains.of(node, self._position)
