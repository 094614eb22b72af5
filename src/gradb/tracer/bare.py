"""The events of a backward whose values could not be recorded: each says that it happened, and what of it is missing.

Without them the tape would say of a node that it has not run yet, of a buffer that nothing was added to it, and of a
backward that it still goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from gradb.tape.codec import dumps
from gradb.tracer.identity import NodeMark
from gradb.tracer.measuring import unknown

if TYPE_CHECKING:
    from gradb.tracer.backward import BackwardRun


def _nothing(run: BackwardRun, count: int, why: str) -> str:
    """Return the text of the wire forms of gradients of which nothing is known."""
    value = run.composer.snapshots.missing(why)
    return ",".join([f"[0,null,false,null,0,{value}]"] * count)


def node_start(run: BackwardRun, mark: NodeMark, count: int, error: Exception) -> int:
    """Record no more than that a node is about to run."""
    why = run.composer.missing("upstream", error)
    probes = dumps([unknown(f"not recorded: {why}")] * (0 if mark.is_leaf else mark.edges))
    detail = f"[{run.start},[{_nothing(run, count, why)}],{probes}]"
    return run.composer.recorder.emit("node_start", mark.name, mark.place, detail, scope=mark.scope, node=mark.id)


def node(run: BackwardRun, mark: NodeMark, start: int, count: int, error: Exception) -> None:
    """Record no more than that a node has run."""
    why = run.composer.missing("downstream", error)
    detail = f"[{start},[{_nothing(run, count, why)}]]"
    run.composer.recorder.emit("node", mark.name, mark.place, detail, scope=mark.scope, node=mark.id)


def accumulation(run: BackwardRun, mark: NodeMark, tensor: torch.Tensor, error: Exception) -> None:
    """Record no more than that something was added to a ``.grad``."""
    composer, recorder = run.composer, run.composer.recorder
    why = composer.missing("gradients", error)
    composer.writer.forget(composer.writer.head)
    known = composer.tensors.record(tensor)
    known.fills, known.since = -1, known.since or recorder.iteration
    composer.writer.grad(known.id, recorder.next_seq, known.fills, known.since)
    value = composer.snapshots.missing(why)
    detail = f"[{known.id},{dumps(known.label)},{value},{value},{value},{run.start}]"
    recorder.emit("accumulate", known.label, mark.place, detail, scope=mark.scope, node=mark.id)


def end(run: BackwardRun, call: str, said: str, error: Exception) -> None:
    """Record no more than that the engine has returned."""
    run.composer.missing("results", error)
    run.composer.writer.forget(run.composer.writer.head)
    run.composer.recorder.emit("backward_end", call, run.place, f"[{run.start},[],{dumps(said)}]")
