"""Recognises parameters that the script updates by its own code (hand-written SGD), through autograd or past it."""

from __future__ import annotations

import math
import weakref
from typing import Any

import torch

from gradb.tape.kinds.op import write as write_op
from gradb.tape.oddity import born
from gradb.tape.schema import NONFINITE
from gradb.tape.wire import Blob, dumps
from gradb.tracer.recording.composer import Composer
from gradb.tracer.recording.iterations import Iterations
from gradb.tracer.source.places import Found
from gradb.tracer.tensors import norms
from gradb.tracer.tensors.history import is_leaf, is_part, maker
from gradb.tracer.watch import torch_functions
from gradb.tracer.watch.optimizers import parameters_of
from gradb.tracer.watch.policy import ZeroPolicy
from gradb.tracer.watch.torch_functions import Call

_NUMBERLESS = frozenset({"requires_grad_"})
"""In-place calls that change no number of a leaf's: to freeze and thaw it is no update."""
_Row = tuple[int, str, float | None, float | None]
"""The leaf's ``id``, what it is called, the norm of the gradient that it was updated with, and its own."""


class UpdateWatch:
    """Tells the iterations and the policy of updates by hand."""

    def __init__(self, composer: Composer, iterations: Iterations, policy: ZeroPolicy) -> None:
        self._composer = composer
        self.iterations = iterations
        self._policy = policy
        self._found: dict[int, tuple[weakref.ref[torch.Tensor], float | None]] = {}
        """Leaves updated in this iteration, and the norms of the gradients that they were updated with."""
        self._waiting: list[tuple[int, list[_Row]]] = []
        """What is to be told of an iteration unless an optimizer tells it."""
        composer.recorder.observer.iteration_ends.listen(self.tell)
        composer.recorder.observer.backward_begins.listen(self._backward_begins)
        self._nodes = 0
        """The newest node when the last backward began."""

    @property
    def awaits_forward(self) -> bool:
        """True when parameters were updated by hand, and the next forward tells that this is over."""
        return self.iterations.is_updated

    def _backward_begins(self) -> None:
        self._nodes = self._composer.nodes.newest

    def forward_begins(self, inputs: list[torch.Tensor]) -> None:
        """Take note that the script computes something that can be differentiated."""
        try:
            if not self._are_gradients(inputs):
                self.iterations.forward_begins()
        except Exception as error:
            self._composer.missing("iterations", error)

    def _are_gradients(self, inputs: list[torch.Tensor]) -> bool:
        """Tell whether all that can be differentiated was made by the last backward, under create_graph, or of that.

        What is computed of these, as ``0.1 * g`` in an update, is no forward.
        """
        nodes = self._composer.nodes
        made = [maker(one) for one in inputs if one.requires_grad]
        marks = [None if node is None else nodes.mark(node) for node in made]
        return bool(marks) and all(mark is not None and mark.id > self._nodes for mark in marks)

    def leaves_of(self, call: Call, args: tuple[Any, ...]) -> list[torch.Tensor]:
        """Return the leaves that a call changes: several where it works on a list (``_foreach_add_``)."""
        targets = args[0] if call.is_inplace and args and isinstance(args[0], (list, tuple)) else args[:1]
        return [leaf for target in targets if (leaf := self.leaf_of(call, (target,))) is not None]

    def leaf_of(self, call: Call, args: tuple[Any, ...]) -> torch.Tensor | None:
        """Return the leaf that a call which changes a tensor in place, or sets its ``.data``, changes."""
        target = args[0] if args else None
        if (
            not isinstance(target, torch.Tensor)
            or call.callee.name in _NUMBERLESS
            or (call.kind == torch_functions.GRAD and "Tensor.data." not in call.display)
        ):
            return None
        if target.requires_grad:
            whole = target._base if is_part(target) else target
            return whole if whole is not None and is_leaf(whole) else None
        return None if call.kind == torch_functions.GRAD else self._composer.tensors.leaf_at(target)

    def updated(self, leaf: torch.Tensor) -> bool:
        """Take note of a change of a leaf; return whether it is an update: one that follows a backward."""
        if self._composer.local.steps or not self.iterations.updated_by_hand():
            return False
        self._policy.used(leaf)
        grad = leaf.grad
        self._found[id(leaf)] = (weakref.ref(leaf), None if grad is None else norms.norm_of_all((grad,)))
        return True

    def tell(self) -> None:
        """Add what the updates of an iteration were to the series; called when it ends.

        What an optimizer holds is told by its steps: the script may have changed it for a while only. Of one that has
        not stepped yet it is not known whether it will, until the next iteration ends.
        """
        if not self._found and not self._waiting:
            return
        found, self._found = self._found, {}
        waiting, self._waiting = self._waiting, []
        stepped = _held_by(self.iterations.steppers)
        for iteration, rows in waiting:
            self._add(iteration, [row for row in rows if row[0] not in stepped])
        now = [self._row(key, *one) for key, one in found.items() if key not in stepped]
        idle = _held_by(self.iterations.optimizers) if now else set()
        iteration = self._composer.recorder.iteration
        self._add(iteration, [row for row in now if row[0] not in idle])
        if later := [row for row in now if row[0] in idle]:
            self._waiting.append((iteration, later))

    def finish(self) -> None:
        """Tell all that has not been told: the script is over."""
        self.tell()
        self.tell()

    def _row(self, key: int, ref: weakref.ref[torch.Tensor], size: float | None) -> _Row:
        leaf = ref()
        if leaf is None:
            return key, "", size, None
        return key, self._composer.tensors.record(leaf).label, size, norms.norm_of_all((leaf,))

    def _add(self, iteration: int, rows: list[_Row]) -> None:
        series, writer, event = self._composer.series, self._composer.writer, self._composer.recorder.next_seq
        sizes = [size for _, _, size, _ in rows if size is not None]
        if rows and len(sizes) == len(rows):
            id_, size = series.id("grad_norm", "by hand"), math.hypot(*sizes)
            writer.pen.point(id_, event, iteration, size)
            self._composer.recorder.gate.point("grad_norm", id_, event, size)
        for _, label, _, value in rows:
            if value is not None:
                writer.pen.point(series.id("parameter_norm", label), event, iteration, value)

    def look(self, call: Call, args: tuple[Any, ...]) -> None:
        """Do both, while only watching."""
        leaves = self.leaves_of(call, args)
        if leaves and not self._composer.recorder.find().is_optimizer:
            for leaf in leaves:
                self.updated(leaf)

    def set_data(self, call: Call, args: tuple[Any, ...], found: Found) -> None:
        """Record ``p.data = value`` as an op that changes the leaf."""
        leaf = self.leaf_of(call, args)
        if leaf is None or found.is_optimizer:
            return
        composer, recorder = self._composer, self._composer.recorder
        known = composer.tensors.record(leaf)
        composer.tensors.note_memory(known, leaf)
        composer.nodes.edited()
        recorder.settle()
        is_update = (found.is_direct or found.is_librarys) and self.updated(leaf)
        event, blob = recorder.next_seq, Blob()
        given = NONFINITE if composer.births.knows(leaf) else 0
        text, node = composer.defined(leaf, blob, event, found.place.row)
        name = "Tensor.data = value"
        detail = write_op(function=dumps(name), inputs="", outputs=text, nodes=[], is_inplace=True)
        recorder.emit(
            "op", name, found.place.row, detail, blob,
            scope=composer.scope, node=node, is_quiet=not is_update, odd=blob.odd | born(blob.odd, given),
            phase="optimizer" if is_update else None,
        )  # fmt: skip


def _held_by(optimizers: list[Any]) -> set[int]:
    return {id(tensor) for optimizer in optimizers for tensor in parameters_of(optimizer)}
