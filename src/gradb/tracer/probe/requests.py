"""Probes a node because somebody asked for it, while the script is held at that node.

The node can be reached only as long as the script is held: nothing keeps it alive after. What is asked for may run the
script's own code (the backward of a custom Function, saved-tensor hooks, a checkpoint): then random states and every
``.grad`` are put back as they were, nothing of it is recorded, and the tape says that it was run.
"""

from __future__ import annotations

import contextlib
import functools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from gradb.link.messages import Ask
from gradb.tape.kinds.probe import write as write_probe
from gradb.tape.wire import Blob, dumps
from gradb.tracer.isolation.genuine import Functions, Methods, is_grad_enabled, no_grad
from gradb.tracer.probe.measuring import (
    ASKED,
    Call,
    NodeOutputs,
    ProbedEdge,
    Refusal,
    column,
    edges_of,
    measure,
    results_of,
)
from gradb.tracer.probe.probing import cannot_be_called, engines_own, failure
from gradb.tracer.recording.composer import Composer
from gradb.tracer.tensors.nodes import is_custom
from gradb.tracer.tensors.records import NodeMark
from gradb.tracer.tensors.values import modes_off

Tensors = Sequence[torch.Tensor | None]


class HeldNode(NamedTuple):
    """The node that the script is held at."""

    node: Any
    mark: NodeMark
    start: int
    """Number of its node_start event."""
    upstream: Tensors


@dataclass(slots=True)
class _Answer:
    """What is written to the tape: texts of wire forms."""

    blob: Blob = field(default_factory=Blob)
    probes: str = "[]"
    vector: str = "[]"
    result: str = "[]"
    base: str = "[]"
    moved: str = "[]"
    note: str = ""


class Asker:
    """Answers questions about the node that the script is held at."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self.held: tuple[Any, NodeMark, int, Tensors] | None = None
        """A ``HeldNode``, as a plain tuple: two are made for every node. Set while an event of a node is written, which
        is where the script may be held."""

    def answer(self, ask: Ask) -> None:
        """Measure what is asked for and write it to the tape; called on the thread that is held."""
        recorder = self._composer.recorder
        if self.held is None or not recorder.is_active:
            return
        held = HeldNode(*self.held)
        answer, runs_code, has_graph = _Answer(), is_custom(held.node) or held.mark.is_hooked, is_grad_enabled()
        try:
            if cannot_be_called(held.mark):
                raise Refusal("this node cannot be called alone")
            with self._apart(held) if runs_code else contextlib.nullcontext(), no_grad(), modes_off():
                self._fill(answer, ask, held, runs_code=runs_code, has_graph=has_graph)
        except Refusal as refusal:
            answer = _Answer(note=f"not measured: {refusal}")
        except Exception as error:
            answer = _Answer(note=failure(error))
        recorder.settle()
        detail = write_probe(
            start=held.start, what=ask.what, index=ask.index, of=ask.of, probes=answer.probes, vector=answer.vector,
            result=answer.result, base=answer.base, moved=answer.moved, has_run_code=runs_code, note=answer.note,
        )  # fmt: skip
        mark = held.mark
        recorder.emit(
            "probe", mark.name, mark.place, detail, answer.blob, scope=mark.scope, node=mark.id, may_hold=False
        )

    def _fill(self, answer: _Answer, ask: Ask, held: HeldNode, *, runs_code: bool, has_graph: bool) -> None:
        node = held.node
        plain: Call = functools.partial(_call_custom, node) if is_custom(node) else node
        call = engines_own(plain, has_graph=has_graph)
        outputs, edges = NodeOutputs(node), edges_of(node)
        if ask.what == "full":
            upstream = () if runs_code else held.upstream  # how far it rounds is found by calling it more often
            answer.probes = dumps(measure(node, call, ASKED, answer.blob, upstream))
        elif ask.what == "column":
            found = column(outputs, edges, call, ask.of, ask.index, ASKED)
            answer.result = self._values(found, answer.blob)
        else:
            vector = _vector(outputs, ask)
            answer.vector = self._values(vector, answer.blob)
            answer.result = self._along(call, vector, edges, answer.blob)
            if ask.what == "random":
                upstream = _defined(held.upstream, outputs)
                moved = [Methods.add(one, other) for one, other in zip(upstream, vector, strict=True)]
                answer.base = self._along(call, upstream, edges, answer.blob)
                answer.moved = self._along(call, moved, edges, answer.blob)

    def _along(self, call: Call, vector: Sequence[torch.Tensor], edges: Sequence[ProbedEdge], blob: Blob) -> str:
        """Return the text of what a vector upstream gives downstream of each edge."""
        results = results_of(call(*vector))
        found: list[torch.Tensor | None] = []
        for gradient, edge in zip(results, edges, strict=False):
            is_wanted = gradient is not None and edge.target is not None
            found.append(edge.deliver(gradient, ASKED.entries) if is_wanted else None)
        return self._values(found, blob)

    def _values(self, tensors: Tensors, blob: Blob) -> str:
        return f"[{','.join(self._composer.snapshots.take(tensor, blob) for tensor in tensors)}]"

    @contextlib.contextmanager
    def _apart(self, held: HeldNode) -> Iterator[None]:
        """Run the script's own code so that as little as possible of it stays: see the module's docstring."""
        recorder, graph_task = self._composer.recorder, torch._C._current_graph_task_id
        leaves = [leaf for known in self._composer.tensors.leaves() if (leaf := known.ref()) is not None]
        grads = [leaf.grad for leaf in leaves]
        states = torch.get_rng_state(), random.getstate()
        # A checkpoint gives each saved tensor out once for each run of the engine: ours is not the one going on.
        torch._C._current_graph_task_id = lambda: -1
        recorder.is_active = False
        try:
            for leaf in leaves:
                leaf.grad = None
            yield
        finally:
            recorder.is_active = True
            torch._C._current_graph_task_id = graph_task
            for leaf, grad in zip(leaves, grads, strict=True):
                leaf.grad = grad
            torch.set_rng_state(states[0])
            random.setstate(states[1])


def _call_custom(node: Any, *vectors: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
    """Call the backward of a custom Function; return one gradient for each edge.

    It returns one for each argument of ``forward``; what is no tensor, or wants none, has no edge that leads on.
    """
    results = results_of(node.apply(*vectors))
    wanted = iter([result for result, is_needed in zip(results, node.needs_input_grad, strict=False) if is_needed])
    return tuple(next(wanted, None) if target is not None else None for target, _ in node.next_functions)


def _vector(outputs: NodeOutputs, ask: Ask) -> list[torch.Tensor]:
    """Return the vector upstream that was asked for."""
    if ask.what == "row":
        return outputs.at(ask.of, ask.index)
    if ask.what == "random":
        generator = torch.Generator().manual_seed(ask.index)  # of our own: the script's is not touched
        return [_random(zeros, generator) for zeros in outputs.zeros()]
    vectors, numbers = outputs.zeros(), iter(ask.numbers)
    count = sum(Methods.numel(vector) for vector in vectors)
    if len(ask.numbers) not in {1, count}:
        raise Refusal(f"{len(ask.numbers)} numbers were given for {count} output elements")
    for vector in vectors:
        if len(ask.numbers) == 1:
            Methods.fill_(vector, ask.numbers[0])
        else:
            given = [next(numbers) for _ in range(Methods.numel(vector))]
            Methods.copy_(Methods.view(vector, -1), Functions.tensor(given, dtype=torch.float64))
    return vectors


def _random(zeros: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    dtype = torch.complex128 if Methods.is_complex(zeros) else torch.float64
    drawn = Functions.randn(zeros.shape, dtype=dtype, generator=generator)
    return Methods.to(drawn, zeros.device, zeros.dtype)


def _defined(upstream: Tensors, outputs: NodeOutputs) -> list[torch.Tensor]:
    return [zeros if one is None else Methods.detach(one) for one, zeros in zip(upstream, outputs.zeros(), strict=True)]
