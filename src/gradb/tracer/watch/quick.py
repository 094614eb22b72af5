"""Has the accelerator record the visits of plain nodes: what it needs to know for that, and what it hands back.

A visit in C is recorded as a whole or not at all. Where it meets anything unusual it asks for a visit in Python, which
goes on from where it is. What only matters to who calls ops of torch's (tracing, profilers, modes) is not looked at: it
calls none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from gradb.tape.conditions.event_names import Raw
from gradb.tracer.isolation.genuine import Methods
from gradb.tracer.isolation.signals import shielded
from gradb.tracer.native.trial import accelerator
from gradb.tracer.probe.probing import Prober
from gradb.tracer.probe.requests import Asker
from gradb.tracer.recording.composer import Composer
from gradb.tracer.tensors.records import NodeMark, TensorRecord
from gradb.tracer.watch.lending import Lending
from gradb.tracer.watch.transit import Filling
from gradb.tracer.watch.visits import LeafVisit, NodeVisit

if TYPE_CHECKING:
    from gradb.tracer.native._accelerator import Engine, Visits


def quick_parts(
    composer: Composer, prober: Prober, lending: Lending, asker: Asker
) -> tuple[Engine, type[Visits]] | tuple[()]:
    """Return what visits in C share in a recording, and what makes those of one call; nothing where there are none."""
    native, reader = accelerator(), composer.snapshots.reader
    if native is None or reader is None:
        return ()
    recorder, tensors = composer.recorder, composer.tensors
    native.learn_leaves(*(vars(Methods)[name] for name in ("grad", "is_leaf", "_version")))
    counts, repeats, refusal = prober.limits
    objects = (
        recorder, recorder.gate, recorder.writer.pen, reader, composer.snapshots, composer.nodes,
        recorder.lock, lending.lent, tensors.records, *tensors.buffers.tables,
        composer.nodes.kinds, counts, refusal, torch._C._current_graph_task_id,
        torch._C.DisableTorchFunction, resumed, asking(composer, asker), NodeMark, TensorRecord,
    )  # fmt: skip
    return native.Engine(objects, repeats), native.Visits


def asking(composer: Composer, asker: Asker) -> Callable[..., None]:
    """Return what asks the gate about an event of a node that was recorded in C: the script may be held there."""

    @shielded
    def arrived(node: Any, mark: NodeMark, start: int, upstream: Any, told: tuple[Any, ...], began: Raw | None) -> None:
        try:
            if began is not None:
                composer.recorder.gate.begun(start, began)
            asker.held = None if upstream is None else (node, mark, start, upstream)
            composer.guard(composer.recorder.arrived, *told)
        finally:
            asker.held = None

    return arrived


@shielded
def resumed(visit: Any) -> NodeVisit | None:
    """Return a visit in Python that goes on where one in C is; None, and that is told, where it cannot be made."""
    run, mark = visit.run, visit.mark
    try:
        return _resumed(visit)
    except Exception as error:
        run.composer.recorder.lost(error, "a node", hides="gradients", node=mark.id)
        return None


def _resumed(visit: Any) -> NodeVisit:
    run, local = visit.run, visit.run.composer.local
    found = (LeafVisit if visit.mark.is_leaf else NodeVisit)(run, visit.node, visit.mark)
    found.start, found.outer = visit.start, visit.outer
    if visit.began is not None:
        run.composer.recorder.gate.begun(visit.start, visit.began)
    if visit.odd:
        run.births.arrived[visit.start] = visit.odd
    if isinstance(found, LeafVisit) and visit.start:
        before, added, odds, key = visit.kept
        found.filling = Filling.kept(before, added, odds=odds, key=_memory_of(key))
    if local.visit is visit:
        local.visit = found
    return found


def _memory_of(key: tuple[int, tuple[int, ...], tuple[int, ...], str, int] | None) -> Any:
    """Return what ``transit`` compares of a tensor."""
    if key is None:
        return None
    address, shape, strides, dtype, changes = key
    return address, torch.Size(shape), strides, getattr(torch, dtype), torch.device("cpu"), changes
