"""Composes events out of torch objects: ids, names, nodes and values become wire forms.

Shared by all the watchers (forward, backward, zero_grad, optimizer ...). Used with the recorder's lock held and torch
functions disabled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from gradb.tape.kinds.leaf import write as write_leaf
from gradb.tape.kinds.note import write as write_note
from gradb.tape.kinds.op import write as write_op
from gradb.tape.kinds.tensor import AROUND_UNKNOWN, UNKNOWN, write_plain, write_tensor
from gradb.tape.schema import BIRTH
from gradb.tape.wire import Blob, dumps
from gradb.tracer.isolation.genuine import is_grad_enabled, set_grad_enabled
from gradb.tracer.isolation.modes import count_modes, is_profiling, unseen
from gradb.tracer.isolation.signals import deliver, held, shielded_but_for_its_end
from gradb.tracer.recording.failures import lost_by
from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.recording.series import SeriesLog
from gradb.tracer.recording.threadstate import EngineCall, ThreadState
from gradb.tracer.recording.transforms import caller_of_transform, is_compiling
from gradb.tracer.source.places import NOWHERE, Found, PlaceRow
from gradb.tracer.tensors.appearances import Appearances
from gradb.tracer.tensors.births import Births
from gradb.tracer.tensors.blanks import Blanks
from gradb.tracer.tensors.history import is_leaf, is_part, maker
from gradb.tracer.tensors.ids import TensorIds
from gradb.tracer.tensors.losses import Scaled
from gradb.tracer.tensors.naming import Namer
from gradb.tracer.tensors.nodes import NodeIds
from gradb.tracer.tensors.records import NodeMark, TensorRecord
from gradb.tracer.tensors.saving import Saving
from gradb.tracer.tensors.values import Snapshots

if TYPE_CHECKING:
    from gradb.tracer.native._accelerator import Leaves

_tracing_state = torch._C._get_tracing_state
_transform = torch._C._functorch.peek_interpreter_stack
_Unseen = torch._C.DisableTorchFunction
_current_task = torch._C._current_graph_task_id
_MAX_TOLD = 20  # places of torch.func transforms


class CallsAtOnce(NamedTuple):
    """What tells of a call of the engine in one stroke: see the accelerator's functions of these names."""

    may_begin: Callable[..., bool]
    begin: Callable[..., int]
    end: Callable[..., int | None]


class Composer:
    """Makes wire forms and keeps the tape's side tables (tensor, name, node) in step with the events."""

    def __init__(
        self,
        recorder: Recorder,
        interventions: Interventions,
        limit: int,
        is_stepping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.recorder = recorder
        self.interventions = interventions
        self.is_stepping = is_stepping
        """Tells whether a person goes through the script step by step."""
        self.writer = recorder.writer
        self._tell_tensor = self.writer.pen.tensor
        self.missing = recorder.failures.part
        self.snapshots = Snapshots(limit, self.missing)
        self.blanks = Blanks()
        self.births = Births()
        self._shows = Appearances(self.snapshots, self.blanks, self.births)
        self.tensors = TensorIds()
        self.naming = Namer(self.writer, self.tensors, recorder.places, self.missing)
        self.series = SeriesLog(recorder)
        self.scaled = Scaled()
        self.saving = Saving(self.writer, self.tensors, self.snapshots, is_stepping, self.missing)
        self.nodes = NodeIds(self.writer, self.tensors, self.saving, self.naming.appeared, self.missing)
        recorder.observer.iterations_renumbered.listen(self.tensors.renumber)
        self.local = ThreadState({})
        self.runs: list[EngineCall] = []
        """The calls of the engine that have not returned yet, of all threads."""
        self._told: set[tuple[PlaceRow, str]] = set()
        self._retained: dict[int, TensorRecord] = {}
        self.leaves_at_once: Leaves | None = None
        """Says of many leaves what is said of each, where there is the accelerator."""
        self.calls_at_once: CallsAtOnce | None = None
        """Tells of calls of the engine that are plain, where there is the accelerator."""
        self.is_creation_hooked = False
        """Whether the script has set a hook that torch calls for each node which is made."""

    @property
    def scope(self) -> str:
        """The nn.Module path this thread is in."""
        stack = self.local.scopes
        return stack[-1] if stack else ""

    def run(self) -> EngineCall | None:
        """Return the call of the engine that is running a node or hook on this thread, or None.

        The engine may do so on a thread of its own: one for each device, and one more beyond some depth of backwards in
        backwards.
        """
        begun = self.local.backward
        if begun is not None and not begun.is_over:
            return begun
        task = _current_task()
        if task < 0:
            return None
        runs = [run for run in self.runs if run.task in {None, task}]
        return next((run for run in runs if run.task == task), runs[-1] if runs else None)

    def visit(self) -> Any:
        """Return the visit of the node that this thread is running in its innermost call of the engine, or None."""
        visit = self.local.visit
        return visit if visit is not None and visit.run is self.run() else None

    def find(self, depth: int) -> Found:
        """Find the user's place above the caller, no farther away than the module call that this thread is in."""
        calls = self.local.calls
        return self.recorder.find(depth + 1, calls[-1] if calls else None)

    @shielded_but_for_its_end
    def guard(self, part: Callable[..., Any], *arguments: Any) -> Any:
        """Run a part of ours so that nothing of it can reach the script: under the lock, unseen by torch's modes."""
        recorder = self.recorder
        if not recorder.is_active or _tracing_state() is not None:
            return None  # what torch.jit.trace sees becomes part of its graph
        is_building = is_grad_enabled()
        try:
            with _Unseen(), recorder.lock:
                if is_profiling() or count_modes():
                    with unseen():
                        result = part(*arguments)
                else:
                    result = part(*arguments)
        except Exception as error:
            try:
                what, hides = lost_by(part)
                recorder.lost(error, what, hides=hides)
            except Exception:  # near the end of the stack not even this can be done
                recorder.failures.unsaid += 1
                recorder.has_errands = True
                try:
                    recorder.failures.keep_first(error)
                except Exception:
                    pass
            result = None
        if is_grad_enabled() is not is_building:  # a part failed before it had put the script's own mode back
            set_grad_enabled(is_building)
        if held:
            deliver()
        return result

    def intervene(self, what: str, part: Callable[..., Any], *arguments: Any) -> Any:
        """Run a part of what is changed from outside (``zero_grad``, ``lr``); if it fails, that change ends."""
        return self.guard(self.attempt, what, part, *arguments)

    def attempt(self, what: str, part: Callable[..., Any], *arguments: Any) -> Any:
        """Run one of several parts that are guarded together: a failure of it costs no other; ``what`` may be empty."""
        if not self.recorder.is_active:
            return None
        try:
            return part(*arguments)
        except Exception as error:
            lost, hides = lost_by(part)
            self.recorder.lost(error, lost, hides=hides)
            if what:
                self.interventions.give_up(what)
            return None

    def is_in_transform(self) -> bool:
        """Tell whether a torch.func transform is running, in which tensors have no values to record; say so once."""
        if _transform() is None:
            return False
        if len(self._told) < _MAX_TOLD and not is_compiling():
            self._tell_transform()
        return True

    def _tell_transform(self) -> None:
        """Say at the place where the script calls a transform that what runs in it is not recorded, once a place."""
        stack = torch._C._functorch.get_interpreter_stack() or ()
        names = ", ".join(layer.key().name.lower() for layer in stack)
        place = self.recorder.places.find(caller_of_transform(), None).place.row
        if (place, names) not in self._told:
            self._told.add((place, names))
            self.recorder.settle()
            text = f"torch.func transforms ({names}) run here: what they compute is not recorded"
            self.recorder.emit("note", "gradb", place, write_note(text=text))

    def tensor(self, tensor: torch.Tensor, blob: Blob, event: int, place: PlaceRow) -> str:
        """Return the text of the wire form ``T`` of an appearance."""
        known = self.tensors.record(tensor)
        value = self._shows.given(known, tensor, blob)
        if not tensor.requires_grad:
            return write_plain(known.head, value)
        return write_tensor(known.head, True, *self.node_of(tensor, event, place), value)

    def defined(self, tensor: torch.Tensor, blob: Blob, event: int, place: PlaceRow) -> tuple[str, int | None]:
        """Say that a tensor's value and node are defined at an event; return the text of ``T`` and the node's id."""
        known = self.tensors.record(tensor)
        node, output_nr = self.node_of(tensor, event, place)
        value = self._shows.made(known, tensor, blob)
        self._tell_tensor(known.id, event, node, output_nr)
        return write_tensor(known.head, tensor.requires_grad, node, output_nr, value), node

    def gradients(self, tensors: tuple[torch.Tensor | None, ...], blob: Blob, *, has_graph: bool = False) -> str:
        """Return the text of the wire forms of gradients inside the engine: values without an identity.

        ``has_graph``: under create_graph they are the outputs of registered nodes.
        """
        if has_graph:
            return ",".join(["null" if tensor is None else self._with_node(tensor, blob) for tensor in tensors])
        snapshots = self.snapshots
        return snapshots.take_each(tensors, blob, *AROUND_UNKNOWN, snapshots.is_passing)

    def tell_touched(self, held: Sequence[tuple[int, int]], node: Any) -> None:
        """Say of which tensors that a custom Function saved its backward has raised the version: it wrote to them."""
        event = self.recorder.settle()
        for (storage, before), (_, after) in zip(held, self.saving.versions(node), strict=False):
            if storage and before != after:
                self.writer.touched.append((storage, event))

    def look_at(self, tensors: Sequence[torch.Tensor | None]) -> tuple[str, bytes | None]:
        """Return values as they are now, to be held against what they are later."""
        blob = Blob()
        return ",".join([self.snapshots.take(tensor, blob) for tensor in tensors]), blob.join()

    def _with_node(self, tensor: torch.Tensor, blob: Blob) -> str:
        mark = None if (node := maker(tensor)) is None else self.nodes.mark(node)
        value = self.snapshots.take(tensor, blob)
        if mark is None:
            return write_plain(UNKNOWN, value)
        return write_tensor(UNKNOWN, True, mark.id, tensor.output_nr, value)

    def node_of(self, tensor: torch.Tensor, event: int, place: PlaceRow) -> tuple[int | None, int]:
        """Return the node id and output number of a tensor, registering what is new in its graph."""
        try:
            if not tensor.requires_grad:
                return None, 0
            node = maker(tensor)
            if node is None:
                return self._leaf_of(tensor, event, place), 0
            mark = self.nodes.mark(node)
            if mark is None:  # whatever made it was not seen: not this event, and not here
                self.nodes.register(node, event, NOWHERE.row, "")
                mark = self.nodes.mark(node)
                self._moved(tensor, mark, event)
            return (mark.id if mark else None), tensor.output_nr
        except Exception as error:
            self.missing("nodes", error)
            return None, 0

    def _leaf_of(self, tensor: torch.Tensor, event: int, place: PlaceRow) -> int | None:
        """Return the id of the node in which gradients of a tensor that no op made end."""
        mark = self.tensors.record(tensor).mark
        if mark is None and not is_part(
            tensor
        ):  # where such a part is used all the same, gradients end in it after all
            mark = self.nodes.leaf(tensor, event, place, self.scope)
        return mark.id if mark else None

    def _moved(self, tensor: torch.Tensor, mark: NodeMark | None, event: int) -> None:
        """Say that a tensor has a node that was not seen being made: another, where its base was changed in place.

        Its hooks stay where they were registered: at the older node.
        """
        if mark is None or mark.is_leaf:
            return
        known = self.tensors.record(tensor)
        self.writer.pen.tensor(known.id, event, mark.id, tensor.output_nr)
        hung = [hook for hook in getattr(known, "hung", ()) if hook[0] != mark.id]
        if hung:
            self.writer.remark(mark.id, event, "lost_hooks", dumps(hung))

    def backward_here(self) -> int:
        """Return the recorded backward (seq of its start) that runs on this thread; 0 for none: it may be another."""
        run = self.run()
        return int(run.start) if run is not None and run.task in {None, _current_task()} else 0

    def leaf(
        self, tensor: torch.Tensor, how: str, place: PlaceRow, given: int = 0, values: tuple[Any, ...] = (), *,
        is_quiet: bool,
    ) -> None:  # fmt: skip
        """Record a leaf that requires grad, once in its life.

        Args:
            tensor: the leaf.
            how: what made it.
            place: where.
            given: what is odd about the tensors that a call was given which made it.
            values: all that it was given.
            is_quiet: see ``Event``.
        """
        try:
            self._leaf(tensor, how, place, given, values, is_quiet=is_quiet)
        except Exception as error:
            self.recorder.failures.event("a leaf", error)

    def _leaf(
        self, tensor: torch.Tensor, how: str, place: PlaceRow, given: int, values: tuple[Any, ...], *, is_quiet: bool
    ) -> None:
        known = self.tensors.record(tensor)
        if known.is_leaf:
            return
        known.is_leaf = True
        self.naming.appeared(known)
        self.tensors.note_memory(known, tensor)
        self.recorder.observer.leaf_seen(known, tensor)
        event, blob, before = self.recorder.next_seq, Blob(), self.births.explains(known, tensor)
        text, node = self.defined(tensor, blob, event, place)
        odd = blob.odd and blob.odd | given & BIRTH | self.births.of_call(blob.odd, before, values)
        self.recorder.emit(
            "leaf", known.label, place, write_leaf(tensor=text, how=how), blob,
            scope=self.scope, node=node, is_quiet=is_quiet, odd=odd,
            phase=None if self.local.inside is None else "backward",
        )  # fmt: skip

    def frozen(self, tensor: torch.Tensor, place: PlaceRow) -> None:
        """Record that a leaf requires grad no more."""
        call, event, blob = "requires_grad = False", self.recorder.settle(), Blob()
        output, _ = self.defined(tensor, blob, event, place)
        detail = write_op(function=dumps(call), inputs="", outputs=output, nodes=[], is_inplace=True)
        self.recorder.emit("op", call, place, detail, blob, scope=self.scope, is_quiet=True)

    def retain(self, tensor: torch.Tensor) -> None:
        """Remember a tensor that asked to keep its ``.grad`` though it is no leaf."""
        self._retained[self.tensors.record(tensor).id] = self.tensors.record(tensor)

    def will_retain(self, inputs: list[torch.Tensor]) -> None:
        """Remember the ``inputs`` of a backward that are no leaves: the engine makes them keep their ``.grad``."""
        for tensor in inputs:
            if maker(tensor) is not None:
                self.retain(tensor)

    def retained(self) -> dict[int, list[TensorRecord]]:
        """Return the tensors that keep their ``.grad``, by the id of the node whose output they are now."""
        found: dict[int, list[TensorRecord]] = {}
        for number, known in list(self._retained.items()):
            tensor = known.ref()
            if tensor is None:
                del self._retained[number]
            elif (node := maker(tensor)) is not None:
                mark = self.nodes.mark(node)
                found.setdefault(0 if mark is None else mark.id, []).append(known)
        return found

    def leaves(self, tensors: list[torch.Tensor], place: PlaceRow) -> None:
        """Record the leaves among the inputs of an op that were never seen (made where gradb cannot look)."""
        if self.leaves_at_once is not None and self.leaves_at_once.are_seen(tensors):
            return
        for tensor in tensors:
            if tensor.requires_grad and not self.tensors.record(tensor).is_leaf and is_leaf(tensor):
                self.leaf(tensor, "first seen here", place, is_quiet=True)
