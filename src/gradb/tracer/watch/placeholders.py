"""The events of a backward whose values could not be recorded: each says that it happened, and what of it is missing.

Without them the tape would say of a node that it has not run yet, of a buffer that nothing was added to it, and of a
backward that it still goes on.
"""

from __future__ import annotations

import torch

from gradb.tape.kinds.accumulate import write as write_accumulate
from gradb.tape.kinds.backward_end import write as write_backward_end
from gradb.tape.kinds.jacobian import write_unmeasured
from gradb.tape.kinds.node import write as write_node
from gradb.tape.kinds.node_start import write as write_node_start
from gradb.tape.kinds.tensor import UNKNOWN, write_plain
from gradb.tape.wire import dumps
from gradb.tracer.recording.composer import Composer
from gradb.tracer.recording.threadstate import EngineCall
from gradb.tracer.tensors.records import NodeMark


def _nothing(composer: Composer, count: int, why: str) -> str:
    """Return the text of the wire forms of gradients of which nothing is known."""
    return ",".join([write_plain(UNKNOWN, composer.snapshots.missing(why))] * count)


def node_start(composer: Composer, run: EngineCall, mark: NodeMark, count: int, error: Exception) -> int:
    """Record no more than that a node is about to run."""
    why = composer.missing("upstream", error)
    probes = dumps([write_unmeasured(f"not recorded: {why}")] * (0 if mark.is_leaf else mark.edges))
    detail = write_node_start(backward=run.start, upstream=_nothing(composer, count, why), probes=probes)
    return composer.recorder.emit("node_start", mark.name, mark.place, detail, scope=mark.scope, node=mark.id)


def node(composer: Composer, run: EngineCall, mark: NodeMark, start: int, count: int, error: Exception) -> None:
    """Record no more than that a node has run."""
    why = composer.missing("downstream", error)
    detail = write_node(start=start, downstream=_nothing(composer, count, why))
    composer.recorder.emit("node", mark.name, mark.place, detail, scope=mark.scope, node=mark.id)


def accumulation(composer: Composer, run: EngineCall, mark: NodeMark, tensor: torch.Tensor, error: Exception) -> None:
    """Record no more than that something was added to a ``.grad``."""
    recorder = composer.recorder
    why = composer.missing("gradients", error)
    composer.writer.pen.forget(composer.writer.head)
    known = composer.tensors.record(tensor)
    known.fills, known.since = -1, known.since or recorder.iteration
    composer.writer.pen.grad(known.id, recorder.next_seq, known.fills, known.since)
    value = composer.snapshots.missing(why)
    detail = write_accumulate(
        tensor=known.id, parameter=known.label, before=value, added=value, after=value, backward=run.start
    )
    recorder.emit("accumulate", known.label, mark.place, detail, scope=mark.scope, node=mark.id)


def end(composer: Composer, run: EngineCall, call: str, said: str, error: Exception) -> None:
    """Record no more than that the engine has returned."""
    composer.missing("results", error)
    composer.writer.pen.forget(composer.writer.head)
    detail = write_backward_end(start=run.start, results="", error=said)
    composer.recorder.emit("backward_end", call, run.place, detail)
