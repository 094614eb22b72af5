"""One call of the engine: what it begins from, the nodes that it runs, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import get_ident
from typing import Any, Protocol

import torch
from torch.utils.hooks import RemovableHandle

from gradb.tape.kinds.accumulate import write as write_accumulate
from gradb.tape.kinds.backward_end import write as write_backward_end
from gradb.tape.kinds.backward_start import write as write_backward_start
from gradb.tape.kinds.node import write as write_node
from gradb.tape.kinds.node_start import write as write_node_start
from gradb.tape.wire import Blob
from gradb.tracer.isolation.genuine import is_grad_enabled
from gradb.tracer.probe.probing import Prober
from gradb.tracer.probe.requests import Asker
from gradb.tracer.recording.composer import Composer
from gradb.tracer.source.places import NOWHERE, Place, PlaceRow
from gradb.tracer.tensors.history import grad_of, maker
from gradb.tracer.tensors.losses import Losses
from gradb.tracer.tensors.reach import Below, Reach, edges_in, node_of
from gradb.tracer.tensors.records import NodeMark, TensorRecord
from gradb.tracer.watch import placeholders
from gradb.tracer.watch.aten import Microscope
from gradb.tracer.watch.engine_arguments import EngineArguments, plain_arguments
from gradb.tracer.watch.gradient_births import GradientBirths
from gradb.tracer.watch.lending import Lending
from gradb.tracer.watch.transit import Filling, Hooks, is_private

_current_task = torch._C._current_graph_task_id
_remove = RemovableHandle.remove  # torch's own: that of a hook of the script's is watched


class Visit(Protocol):
    """The hooks that gradb registers on one node for one call of the engine."""

    def expect(self, known: TensorRecord) -> None:
        """Remember what an output that keeps its ``.grad`` holds."""
        ...

    def before(self, gradients: tuple[Any, ...]) -> None:
        """Record that the node is about to run."""
        ...

    def after(self, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        """Record that the node has run."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What every call of the engine works with."""

    composer: Composer
    prober: Prober
    losses: Losses
    hooks: Hooks
    microscope: Microscope
    asker: Asker
    lending: Lending
    reach: Reach
    visit: Callable[[BackwardRun, Any, NodeMark, bool], Visit]
    """Makes the visit of a node; True for that of a custom Function."""
    engine: Any = None
    """What visits in C share; None where there are none."""
    make_visits: Any = None
    """Makes those of one call."""


class BackwardRun:
    """One call of the engine."""

    def __init__(self, parts: Parts) -> None:
        composer = self.composer = parts.composer
        self._recorder = composer.recorder
        self.gate = composer.recorder.gate
        self.microscope, self.lending = parts.microscope, parts.lending
        self._losses, self._prober, self._asker = parts.losses, parts.prober, parts.asker
        self._hooks, self._reach, self._visit = parts.hooks, parts.reach, parts.visit
        self._engine, self._make_visits = parts.engine, parts.make_visits
        self._quick: Any = None
        """The visits in C."""
        self._handles: list[Any] = []
        self.task: int | None = None
        self.is_over = False
        self.thread, self.is_building = get_ident(), is_grad_enabled()
        self._outer = composer.local.backward
        self._outer_visit = composer.local.visit
        self._looks = len(composer.local.looks)
        self._is_grad = self._is_over = False
        self.start = 0
        self._creates = False
        self.running = 0
        """Id of the node that runs."""
        self.place: PlaceRow = (None, None, None, None, None)
        self.births = GradientBirths(composer)

    def begin(
        self, roots: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any], place: Place | None = None
    ) -> None:
        """Record the call and hook every node that it will run; ``place`` is where it stands, if that was found."""
        try:
            place = place or self._recorder.find().place
            if not self._begin_plain(roots, args, kwargs, place):
                self._begin(EngineArguments.of(roots, args, kwargs), place)
        except Exception:
            self.start = 0  # the nodes of a backward that is not on the tape are not recorded either
            self.unhook()
            raise

    def _begin(self, given: EngineArguments, place: Place) -> None:
        roots, wanted, tensors, inputs = given.roots, given.wanted, given.tensors, given.inputs
        self._is_grad, self._creates = given.is_grad, given.create_graph
        self.place = place.row
        if not self._is_grad:
            self.composer.will_retain(inputs)
        self._recorder.settle()
        self.composer.leaves([*tensors, *inputs], self.place)
        event, blob = self._recorder.next_seq, Blob()
        for root in roots:
            if (node := node_of(root)) is not None:
                self.composer.nodes.register(node, event, NOWHERE.row, "")
        self.composer.naming.settle_waiting(event)
        above = [node for root in roots if (node := node_of(root)) is not None]
        values = [self.composer.tensor(root, blob, event, self.place) for root in tensors]
        odd, blob.odd = blob.odd, 0
        self._tell_losses(roots, place, event)
        gradients = [self._implicit(gradient, blob, event) for gradient in given.gradients]
        self.births.begins(tensors, list(map(self.composer.nodes.mark, above)), blob.odd)
        odd |= blob.odd | self.births.flags
        asked = ",".join([self.composer.tensor(item, blob, event, self.place) for item in inputs]) if wanted else None
        below = self._reach.below(above, wanted, self._is_grad)
        ids = [mark.id for mark in below.marks if mark is not None]
        call = "grad" if self._is_grad else "backward"
        ends = [mark.id for mark in map(self.composer.nodes.mark, edges_in(wanted)) if mark is not None]
        detail = write_backward_start(
            call=call, roots=",".join(values), gradients=",".join(gradients), retain_graph=given.retain_graph,
            create_graph=given.create_graph, inputs=asked, nodes=ids, outer=self._find_outer(), ends=ends,
        )  # fmt: skip
        self._hook(below)
        self._starts(event)
        self._recorder.emit("backward_start", call, self.place, detail, blob, odd=odd)
        self._started(event)

    def _begin_plain(self, roots: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any], place: Place) -> bool:
        """Record a call from one tensor to all leaves; return False, and nothing was done, where it is another."""
        composer, given = self.composer, plain_arguments(roots, args, kwargs)
        calls = None if given is None or type(self) is not BackwardRun else composer.calls_at_once
        if given is None or calls is None or composer.run() is not None:
            return False
        event, (root, gradient, retains) = self._recorder.settle(), given
        if not calls.may_begin(root, gradient):
            return False
        self.place = place.row
        composer.naming.settle_waiting(event)
        self._tell_losses(roots, place, event)
        self.births.begins((root,), (), 0)
        below = self._reach.below([maker(root)], (), False)
        self._hook(below)
        self._starts(event)
        calls.begin(root, gradient, below.marks, retains, self.place, self.births.flags)
        self._started(event)
        return True

    def _starts(self, event: int) -> None:
        self.start = event
        self.composer.local.backward = self
        self.composer.runs.append(self)

    def _started(self, event: int) -> None:
        if self._quick is not None:
            self._quick.begin(event, self._recorder.thread(), self.births.sent, self.births.flags)

    def _find_outer(self) -> int:
        """Return the backward (seq of its start) that this one is called in, on whatever thread the engine runs it."""
        outer = self.composer.run()
        return 0 if outer is None else int(outer.start)

    def _tell_losses(self, roots: Sequence[Any], place: Place, event: int) -> None:
        try:
            for name, value in self._losses.of(roots, place):
                self.composer.series.point("loss", name, value, event, self.place)
        except Exception as error:
            self.composer.missing("losses", error)

    def _implicit(self, gradient: Any, blob: Blob, event: int) -> str:
        if not isinstance(gradient, torch.Tensor):
            return "null"
        return self.composer.tensor(gradient, blob, event, self.place)

    def _hook(self, below: Below) -> None:
        retained, handles = self.composer.retained(), self._handles
        nodes, marks, customs, are_plain = below
        self.composer.snapshots.keep_passing(self._hooks.are_ours() and is_private(are_plain))
        left = self._hook_quick(nodes, marks, customs, retained)
        if not left:
            return
        with self._hooks.ours():
            for node, mark, is_own in [(nodes[at], marks[at], customs[at]) for at in left]:
                if mark is None:
                    continue
                visit = self._visit(self, node, mark, is_own)
                if retained:
                    for known in retained.get(mark.id, ()):
                        visit.expect(known)
                handles.append(node.register_prehook(visit.before))
                handles.append(node.register_hook(visit.after))

    def _hook_quick(
        self,
        nodes: list[Any],
        marks: list[NodeMark | None],
        customs: list[bool],
        retained: dict[int, list[TensorRecord]],
    ) -> Sequence[int]:
        """Hook what the accelerator can record; return the numbers of the other nodes."""
        if self._engine is None or self._creates or type(self) is not BackwardRun or not self.composer.local.is_pythons:
            return range(len(nodes))
        if self._prober.measures():  # but leaves, which are not measured
            customs = [is_own or mark is None or not mark.is_leaf for mark, is_own in zip(marks, customs, strict=True)]
        self._quick = self._make_visits(self._engine, self, vars(self.composer.local))
        left: list[int] = self._quick.hook(nodes, marks, customs, retained)
        return left

    def unhook(self) -> None:
        """Remove every hook; called whatever happened."""
        self.is_over = True
        if self in self.composer.runs:
            self.composer.runs.remove(self)
        self.composer.local.backward = self._outer
        self.composer.local.visit = self._outer_visit  # a node that raised is left by no hook
        del self.composer.local.looks[self._looks :]  # of a node that raised: its own hook was not called
        self.composer.snapshots.keep_passing(False)
        quick, self._quick = self._quick, None  # it holds this one: a cycle would outlive what the nodes hold
        if quick is not None:
            quick.unhook()
        for handle in self._handles:
            _remove(handle)
        self._handles.clear()

    def is_running(self) -> bool:
        """Tell whether it is this call of the engine that runs a node; other threads, or a backward inside this one,
        may run the same node.
        """
        task = _current_task()
        if self.task is None:
            known = self.composer.local.backward
            if known is None or known is self or known.is_over:
                self.task = task  # the first node on the calling thread, or on a worker that begins nothing itself
        return bool(task == self.task)

    def finish(self, result: Any, error: str) -> None:
        """Record that the engine returned or raised."""
        self.tell_awaiting(None)  # no node began to run after these hooks
        if not self.start or self._is_over:
            return
        self._is_over = True
        try:
            self._finish(result, error)
        except Exception as failure:
            placeholders.end(self.composer, self, "grad" if self._is_grad else "backward", error, failure)

    def tell_awaiting(self, node: int | None) -> None:
        """Record the hooks of which it is known now at which node they ran."""
        awaiting, self.composer.local.awaiting = self.composer.local.awaiting, []
        for emit in awaiting:
            try:
                emit(node)
            except Exception as error:
                self._recorder.failures.event("a hook", error, hides="gradients", node=node)

    def _finish(self, result: Any, error: str) -> None:
        calls = None if self._is_grad or error else self.composer.calls_at_once
        if calls is not None and calls.end(self.start, self.place, self.births.ends(0)) is not None:
            return
        event, blob = self._recorder.settle(), Blob()
        results: list[str] = []
        if self._is_grad and isinstance(result, (tuple, list)):
            for tensor in result:
                is_defined = tensor is not None
                results.append(self.composer.defined(tensor, blob, event, self.place)[0] if is_defined else "null")
        detail = write_backward_end(start=self.start, results=",".join(results), error=error)
        call, odd = "grad" if self._is_grad else "backward", self.births.ends(blob.odd)
        self._recorder.emit("backward_end", call, self.place, detail, blob, odd=odd)

    def upstream(self, node: Any, mark: NodeMark, gradients: tuple[Any, ...]) -> int:
        """Record that a node is about to run; return the event's number."""
        composer, recorder = self.composer, self._recorder
        try:
            event = recorder.settle()
            self.running = mark.id
            composer.nodes.runs(node, mark, event)
            if composer.local.awaiting:
                self.tell_awaiting(mark.id)
            blob = Blob()
            values = composer.gradients(gradients, blob)
            odd = self.births.upstream(mark, recorder.next_seq, gradients, blob.odd)
            probes = "[]" if mark.is_leaf else self._prober.probe(node, mark, blob, gradients)
            self._asker.held = node, mark, recorder.next_seq, gradients
            detail = write_node_start(backward=self.start, upstream=values, probes=probes)
            self.gate.begun(recorder.next_seq, (detail, blob.join()))
            return recorder.emit(
                "node_start", mark.name, mark.place, detail, blob, scope=mark.scope, node=mark.id, odd=odd
            )
        except Exception as error:
            return placeholders.node_start(composer, self, mark, len(gradients), error)
        finally:
            self._asker.held = None

    def downstream(
        self,
        node: Any,
        mark: NodeMark,
        start: int,
        gradients: tuple[Any, ...],
        upstream: Any,
        calls: int | None,
        is_upstream_changed: bool,
    ) -> None:
        """Record that a node has run; ``calls`` as in ``NodeDetail``."""
        recorder, composer = self._recorder, self.composer
        try:
            blob, event = Blob(), recorder.settle()
            if self._creates:
                self._made(mark, gradients, event)
            values = composer.gradients(gradients, blob, has_graph=self._creates)
            odd = self.births.downstream(node, mark, start, gradients, blob.odd)
            left = composer.gradients(upstream, blob) if is_upstream_changed else None
            detail = write_node(start=start, downstream=values, calls=calls, left=left)
            self._asker.held = node, mark, start, upstream
            recorder.emit(
                "node", mark.name, mark.place, detail, blob, scope=mark.scope, node=mark.id,
                odd=odd,
            )  # fmt: skip
        except Exception as error:
            placeholders.node(composer, self, mark, start, len(gradients), error)
        finally:
            self._asker.held = None
        self.gate.ended(start)

    def _made(self, mark: NodeMark, gradients: Sequence[Any], event: int) -> None:
        """Register what a node's backward made under create_graph: the graph of the gradients that it sent on."""
        for gradient in gradients:
            if gradient is not None and (made := maker(gradient)) is not None:
                for node in self.composer.nodes.register(made, event, mark.place, mark.scope):
                    self.composer.writer.remark(node, event, "made_by", str(mark.id))

    def accumulated(self, mark: NodeMark, tensor: torch.Tensor, filling: Filling, calls: int | None = None) -> None:
        """Record what a ``.grad`` was and has become."""
        composer, recorder = self.composer, self._recorder
        try:
            recorder.settle()
            blob, grad = filling.blob, grad_of(tensor)
            after = filling.became(composer, grad)
            known = composer.tensors.note_grad(tensor, grad)
            if filling.before == "null" or self._creates:
                known.is_moved = False  # set to None unseen, or added to another: that one had the id that this one has
            if known.is_moved:
                recorder.observer.grad_moved(known, filling.before, blob, mark.place)
            event = recorder.next_seq
            if self._creates:
                self._made(mark, (grad,), event)
            for one in (known, *composer.tensors.sharers_of_grad(known)):
                one.filled(recorder.iteration)
                composer.writer.pen.grad(one.id, event, one.fills, one.since)
            detail = write_accumulate(
                tensor=known.id, parameter=known.label, before=filling.before, added=filling.added, after=after,
                backward=self.start, calls=calls,
            )  # fmt: skip
            recorder.emit(
                "accumulate", known.label, mark.place, detail, blob, scope=mark.scope, node=mark.id,
                odd=self.births.accumulated(grad, filling.given, blob.odd),
            )  # fmt: skip
        except Exception as error:
            placeholders.accumulation(composer, self, mark, tensor, error)
