"""Takes stock of leaves and gradients when everything is recorded again, after a stretch that was only watched."""

from __future__ import annotations

from gradb.tape.codec import Blob, Wire
from gradb.tracer.buffers import grad_of
from gradb.tracer.composer import Composer
from gradb.tracer.iterations import Iterations
from gradb.tracer.places import NOWHERE


class Resumption:
    """Knows which leaves there are: those that were seen, and those that optimizers hold."""

    def __init__(self, composer: Composer, iterations: Iterations) -> None:
        self._composer = composer
        self._iterations = iterations

    def snapshot(self) -> tuple[list[Wire], list[Wire | None], Blob]:
        """Return the wire forms of the leaves and of their gradients as they are now, and the values."""
        composer, writer, place = self._composer, self._composer.writer, NOWHERE.row
        groups = [group for optimizer in self._iterations.optimizers for group in optimizer.param_groups]
        held = [tensor for group in groups for tensor in group["params"]]
        composer.leaves(held, place)
        event, blob = composer.recorder.next_seq, Blob()
        leaves: list[Wire] = []
        gradients: list[Wire | None] = []
        for known in composer.tensors.leaves():
            leaf = known.ref()
            if leaf is None:
                continue
            wire, _ = composer.tensor(leaf, blob, event, place)
            leaves.append(wire)
            gradients.append(composer.snapshots.take(grad_of(leaf), blob)[0])
            composer.tensors.note_grad(leaf)
            known.fills, known.since = (0, 0) if gradients[-1] is None else (-1, composer.recorder.iteration - 1)
            writer.tensor(known.id, event, wire[3], 0)
            writer.grad(known.id, event, known.fills, known.since)
        return leaves, gradients, blob
