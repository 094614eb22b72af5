"""The visit of one node in one backward: the prehook and the hook that gradb registers on it."""

from __future__ import annotations

from typing import Any

import torch

from gradb.tracer.isolation.signals import shielded
from gradb.tracer.tensors.records import NodeMark, TensorRecord
from gradb.tracer.watch import placeholders
from gradb.tracer.watch.aten import Look
from gradb.tracer.watch.engine_run import BackwardRun
from gradb.tracer.watch.transit import Filling


class NodeVisit:
    """The two hooks of one node in one backward."""

    __slots__ = ("fillings", "look", "mark", "node", "outer", "run", "start")

    def __init__(self, run: BackwardRun, node: Any, mark: NodeMark) -> None:
        self.run, self.node, self.mark = run, node, mark
        self.start = 0
        self.outer: Any = None
        """The call of the engine that this thread was in: on a thread of the engine's own, none."""
        self.look: Look | None = None
        self.fillings: list[tuple[TensorRecord, Filling]] = []

    def expect(self, known: TensorRecord) -> None:
        """Remember what an output that keeps its ``.grad`` holds: the engine fills it before it calls any hook."""
        tensor = known.ref()
        if tensor is not None:
            self.fillings.append((known, Filling(self.run.composer, tensor)))

    @shielded
    def before(self, gradients: tuple[Any, ...]) -> None:
        """Record that the node is about to run; the script may be held here."""
        recorder = self.run.composer.recorder
        if recorder.is_open and not recorder.is_active:  # aside; no call, which near the end of the stack would fail
            return
        self.run.composer.guard(self._before, gradients)
        try:
            self.look_in(gradients)
        except Exception as error:  # it goes on while the node runs, and so cannot be beneath the guard
            recorder.lost(error, "an ATen call")

    @shielded
    def look_in(self, gradients: tuple[Any, ...]) -> None:
        """Have the ATen calls of the node seen, which is about to run, where they are wanted."""
        if self.run.gate.looks_in and self.start:
            self.look = self.run.microscope.into_node(self.mark, self.start, gradients, self.run)

    @shielded
    def after(self, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        """Record that the node has run; the script may be held here."""
        recorder = self.run.composer.recorder
        if recorder.is_open and not recorder.is_active:
            return
        calls = None if self.look is None else self.look.end()
        self.run.composer.guard(self._after, inputs, outputs, calls)

    def _before(self, gradients: tuple[Any, ...]) -> None:
        """A failure here is told with the node, lest the tape say that it has not run."""
        run = self.run
        try:
            if not run.is_running():
                return
            for known, filling in self.fillings:
                tensor = known.ref()
                filling.add(run.composer, None if tensor is None else gradients[tensor.output_nr])
            self.start = run.upstream(self.node, self.mark, gradients)
            self._enter()
        except Exception as error:
            run.composer.recorder.lost(error, "a node", hides="gradients", node=self.mark.id)

    def _enter(self) -> None:
        """Take note that this thread is running the node."""
        local = self.run.composer.local
        self.outer, local.backward, local.visit = local.backward, self.run, self
        if not local.is_pythons:
            local.keep()

    def _leave(self) -> None:
        local = self.run.composer.local
        if local.visit is self:
            local.backward, local.visit, self.outer = self.outer, None, None
            if not local.is_pythons:
                local.keep()

    def fill(self) -> None:
        """Record what a leaf's ``.grad`` has become; a node that is no leaf has none."""

    def has_changed(self, gradients: tuple[Any, ...]) -> bool:
        """Tell whether the node wrote into the gradients that it was given; torch's own never do."""
        return False

    def _after(self, inputs: tuple[Any, ...], outputs: tuple[Any, ...], calls: int | None) -> None:
        run, mark = self.run, self.mark
        try:
            if not self.start or not run.is_running():
                return
            self._leave()
            run.downstream(self.node, mark, self.start, inputs, outputs, calls, self.has_changed(outputs))
            if self.fillings:
                self._fill()
        except Exception as error:
            run.composer.recorder.lost(error, "a node", hides="gradients", node=mark.id)

    def _added(self, tensor: torch.Tensor) -> None:
        lending = self.run.lending
        if lending.has_lent:
            lending.added(tensor, self.run)

    def _fill(self) -> None:
        """Record what the outputs that keep their ``.grad`` hold now."""
        fillings, self.fillings = self.fillings, []
        for known, filling in fillings:
            tensor = known.ref()
            if tensor is not None and tensor.retains_grad:
                self.run.accumulated(self.mark, tensor, filling)
                self._added(tensor)


class CustomVisit(NodeVisit):
    """The two hooks of the node of a custom Function, whose code may write into what it is given."""

    __slots__ = ("given", "held")

    def _before(self, gradients: tuple[Any, ...]) -> None:
        super()._before(gradients)
        if self.start:
            self.given = self.run.composer.look_at(gradients)
            self.held = self.run.composer.saving.versions(self.node)

    def _after(self, inputs: tuple[Any, ...], outputs: tuple[Any, ...], calls: int | None) -> None:
        if self.start and self.run.is_running():
            self.run.composer.tell_touched(self.held, self.node)
        super()._after(inputs, outputs, calls)

    def has_changed(self, gradients: tuple[Any, ...]) -> bool:
        """Tell whether the node wrote into the gradients that it was given."""
        return self.run.composer.look_at(gradients) != self.given


class LeafVisit(NodeVisit):
    """The two hooks of a leaf's AccumulateGrad."""

    __slots__ = ("broken", "filling")

    def __init__(self, run: BackwardRun, node: Any, mark: NodeMark) -> None:
        super().__init__(run, node, mark)
        self.broken: Exception | None = None
        """Why it is not known what ``.grad`` held."""

    def _before(self, gradients: tuple[Any, ...]) -> None:
        run = self.run
        try:
            if not run.is_running():
                return
            self._look(gradients[0])
            self.start = run.upstream(self.node, self.mark, gradients)
            self._enter()
        except Exception as error:
            run.composer.recorder.lost(error, "a node", hides="gradients", node=self.mark.id)

    def _look(self, added: Any) -> None:
        """Remember what ``.grad`` holds, and what comes."""
        lending = self.run.lending
        try:
            if lending.has_lent:
                lending.will_add(self.node.variable, self.run)
            self.filling = Filling(self.run.composer, self.node.variable)
            self.filling.add(self.run.composer, added)
        except Exception as error:
            self.broken = error

    def fill(self) -> None:
        """Record what ``.grad`` has become, once: before the first hook that may change it, else at the end."""
        if self.start:
            self.start = 0
            calls = None if self.look is None else self.look.first
            if self.broken is not None:
                placeholders.accumulation(self.run.composer, self.run, self.mark, self.node.variable, self.broken)
            else:
                self.run.accumulated(self.mark, self.node.variable, self.filling, calls)
            self._added(self.node.variable)

    def _after(self, inputs: tuple[Any, ...], outputs: tuple[Any, ...], calls: int | None) -> None:
        run = self.run
        try:
            if run.is_running():
                self._leave()
                self.fill()
        except Exception as error:
            run.composer.recorder.lost(error, "a node", hides="gradients", node=self.mark.id)


def visit_of(run: BackwardRun, node: Any, mark: NodeMark, is_custom: bool) -> NodeVisit:
    """Return the visit of a node, by what kind of node it is."""
    return (LeafVisit if mark.is_leaf else CustomVisit if is_custom else NodeVisit)(run, node, mark)
