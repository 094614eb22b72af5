"""The chain-rule record of a node: upstream x local = downstream, as numbers, each product checked.

Puts together what the tape says of one node at one position. The arithmetic is ``jacobian``'s; names of derivatives and
formulas are not known here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gradb.algebra import jacobian
from gradb.algebra.local import Local
from gradb.frame.chain.about import node_at
from gradb.frame.chain.contributions import Contributions
from gradb.frame.chain.hooks import Values, arrived, hooks_of, made_by_node, values
from gradb.frame.chain.inputs import Inputs
from gradb.frame.chain.probes import answers, measured, record as record_of
from gradb.frame.chain.record import Chain, ChainEdge, Hook, edges_of
from gradb.frame.chain.remarks import op_of, remarks
from gradb.frame.chain.rewrites import rewrites
from gradb.frame.chain.unreached import unreached
from gradb.frame.chain.weights import weights_of
from gradb.frame.graph.graph import Graphs
from gradb.frame.graph.runs import Backward, BackwardAt, NodeRun
from gradb.frame.graph.view import NodeState
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.graph import Edge, Node
from gradb.tape.kinds.jacobian import Probe
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor


@dataclass(frozen=True, slots=True)
class _Record:
    """What one run of a node left on the tape, up to a position."""

    event: int | None
    """seq of the node, accumulate or node_start event."""
    upstream: Values
    probes: tuple[Probe, ...]
    downstream: Values | None
    """None while the node runs."""
    arrived: Values = ()
    """dL/d(output) before any hook of the script's changed it."""
    left: Values = ()
    """upstream as the node left it, where its own code wrote into it."""
    sizes: tuple[int, ...] | None = None
    """Real numbers of each output; None where not all are known."""


_NOTHING = _Record(None, (), (), None)
_UNASKED = "this backward was not asked for this gradient"
_MAX_OUTPUTS = 16  # more names of one node are not looked up


class Chains:
    """Makes chain-rule records of one tape."""

    def __init__(self, graphs: Graphs) -> None:
        self._graphs = graphs
        self._store = graphs.store
        self._runs = graphs.runs
        self._contributions = Contributions(graphs)

    def at(self, position: int) -> Chain | None:
        """Return the record of the node that a position is about; None where it is about none."""
        node = node_at(self._store, self._runs, position)
        return None if node is None else self.of(node, position)

    def of(self, node_id: int, position: int) -> Chain | None:
        """Return the record of a node as of a position; None where the tape has no such node by then."""
        node = self._store.node(node_id)
        if node is None or node.event > position:
            return None
        moment = self._runs.moment(position)
        state = self._runs.state(node_id, moment, position)
        run = None if state == "pending" else self._runs.last_run(node_id, position)
        record = _NOTHING if run is None else self._record(run, node)
        asked = answers(self._store, node_id, run, position)
        record = replace(record, probes=measured(asked) or record.probes)
        op = op_of(self._store, node)
        seen = None if op is None else Inputs(op)
        going = moment.backward.start if state == "pending" and moment is not None else None
        hooks = hooks_of(self._store, node_id, going if run is None else run.backward, position)
        record = replace(record, arrived=arrived(record.upstream, hooks), sizes=_sizes(node, op))
        backward = self._backward(run, moment)
        until = position if record.event is None else record.event

        def make_edge(index: int) -> ChainEdge:
            found = self._edge(node, index, node.edges[index], record, seen, state, hooks, position)
            return _unless_unasked(found, backward)

        contributions, check = self._contributions.of(node_id, record.arrived, run, backward, until)
        return Chain(
            node=node_id,
            node_name=node.name,
            state=state,
            event=record.event,
            output=self._output(node, position),
            op=op,
            op_event=None if op is None else self._store.event(node.event),
            upstream=record.upstream,
            contributions=contributions,
            contributions_check=check,
            edges=edges_of(make_edge, _sent(record, len(node.edges))),
            root=_root(backward),
            weights=None if backward is None else weights_of(backward),
            is_interrupted=run is not None and run.end is None and state != "running",
            hooks=hooks,
            asked=tuple(record_of(seq, detail) for seq, detail in asked),
            remarks=remarks(self._store, node, backward, position),
            output_names=self._output_names(node, max(len(record.upstream), _results(node_id, op)), position),
            rewrites=rewrites(self._graphs, contributions, check, record.arrived, None if run is None else run.start),
            left=record.left,
            unseen=self._runs.unseen(node_id, moment, position) if state == "unrecorded" else "",
            error=self._runs.error(backward.start, position) if backward is not None and state == "failed" else "",
            unreached=unreached(self._graphs, node, state, moment, position),
            gone=self._store.gone(node_id, position),
            torch=self._store.torch,
            called=self._store.called,
        )

    # --- what the tape says -------------------------------------------------------------------------------------------

    def _record(self, run: NodeRun, node: Node) -> _Record:
        upstream: Values = ()
        probes: tuple[Probe, ...] = ()
        downstream: Values | None = None
        left: Values = ()
        started = None if run.start is None else self._store.detail(run.start)
        ended = None if run.end is None else self._store.detail(run.end)
        if isinstance(started, NodeStartDetail):
            upstream, probes = values(started.upstream), started.probes
        if isinstance(ended, NodeDetail):
            downstream, left = values(ended.downstream), values(ended.left)
        if isinstance(ended, AccumulateDetail):
            upstream, downstream = upstream or (ended.added,), ()
        return _Record(run.end or run.start, upstream, probes, downstream, left=left)

    def _output(self, node: Node, position: int) -> Tensor | None:
        output = self._graphs.output(node.id, position)
        if output is None:
            return None
        name = self._graphs.label(node.id, position)
        if name is None:
            name = self._graphs.naming.best(output.id, position, output.name)
        return replace(output, name=name)

    def _output_names(self, node: Node, count: int, position: int) -> tuple[str | None, ...]:
        if count < 2:
            return ()
        return tuple(self._graphs.label(node.id, position, number) for number in range(min(count, _MAX_OUTPUTS)))

    def _backward(self, run: NodeRun | None, moment: BackwardAt | None) -> Backward | None:
        """Return the backward that a record is about."""
        start = run.backward if run is not None else moment.backward.start if moment is not None else 0
        return self._runs.backward(start) if start else None

    # --- edges --------------------------------------------------------------------------------------------------------

    def _edge(
        self,
        node: Node,
        index: int,
        edge: Edge,
        record: _Record,
        seen: Inputs | None,
        state: NodeState,
        hooks: tuple[Hook, ...],
        position: int,
    ) -> ChainEdge:
        probe = record.probes[index] if index < len(record.probes) else None
        sent = record.downstream[index] if record.downstream and index < len(record.downstream) else None
        is_known = edge.to is not None and record.downstream is not None and probe is not None
        made = made_by_node(index, sent, hooks)
        check = jacobian.check(record.upstream, record.sizes, probe, made) if probe and is_known else None
        if check is None and probe is not None and is_known:
            known = [value.dtype for value in (*record.upstream, sent) if value is not None]
            check = jacobian.check_direction(probe, known)
        leads_to = None if edge.to is None else self._store.node(edge.to)
        return ChainEdge(
            to=edge.to,
            to_name="" if leads_to is None else leads_to.name,
            tensor=seen.at(edge, leads_to) if seen is not None else self._unseen_input(edge, position),
            local=_local(edge, probe, record, state),
            downstream=sent,
            check=check,
        )

    def _unseen_input(self, edge: Edge, position: int) -> Tensor | None:
        """Return the input that an edge of a node leads to whose forward call was not seen."""
        node = None if edge.to is None else self._store.node(edge.to)
        found = None if node is None else self._output(node, position)
        return found if found is not None and found.output_nr == edge.input_nr else None


def _sent(record: _Record, count: int) -> Values:
    """Return what was sent along each of so many edges."""
    sent = record.downstream or ()
    return (*sent[:count], *[None] * (count - len(sent)))


def _unless_unasked(edge: ChainEdge, backward: Backward | None) -> ChainEdge:
    """Say of a gradient that was not asked for that it is none of the node's doing that there is none.

    The engine passes over what leads to none of the ``inputs=`` of a backward, here and where the node is measured.
    """
    if backward is None or backward.asked is None or edge.to is None or edge.to in backward.asked:
        return edge
    if edge.downstream is not None:
        return edge
    local = edge.local if edge.local.values is not None else replace(edge.local, note=_UNASKED)
    return replace(edge, local=local, check=None, is_asked=False)


def _sizes(node: Node, op: OpDetail | None) -> tuple[int, ...] | None:
    """Return how many real numbers each output of a node has, where all are known from the forward."""
    outputs = [tensor for tensor in (op.outputs if op else ()) if tensor.node == node.id]
    made = {tensor.output_nr: jacobian.size(tensor.value) for tensor in outputs}
    if not made or sorted(made) != list(range(len(made))):
        return None
    return tuple(made[number] for number in range(len(made)))


def _results(node: int, op: OpDetail | None) -> int:
    """Return of how many results of the call that made it a node is the grad_fn."""
    return 0 if op is None else sum(tensor.node == node for tensor in op.outputs)


def _root(backward: Backward | None) -> str | None:
    """Return the name of the one tensor that is being differentiated, where there is one and it has a name."""
    return backward.roots[0].name if backward is not None and len(backward.roots) == 1 else None


def _local(edge: Edge, probe: Probe | None, record: _Record, state: NodeState) -> Local:
    if edge.to is None:
        return Local("unknown", 0, 0, None, "no gradient is wanted here")
    if record.event is None:
        return Local("unknown", 0, 0, None, "known when backward reaches this node")
    if probe is None:
        return Local("unknown", 0, 0, None, "not probed")
    return jacobian.local(probe)
