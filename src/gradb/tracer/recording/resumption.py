"""Takes stock of leaves and gradients when everything is recorded again, after a stretch that was only watched."""

from __future__ import annotations

from collections.abc import Callable

from gradb.tape.wire import Blob
from gradb.tracer.recording.composer import Composer
from gradb.tracer.recording.iterations import Iterations
from gradb.tracer.source.places import NOWHERE
from gradb.tracer.tensors.history import grad_of


class Resumption:
    """Knows which leaves there are: those that were seen, and those that optimizers hold.

    ``renew`` is called when what the gradients hold is recorded.
    """

    def __init__(self, composer: Composer, iterations: Iterations, renew: Callable[[], None]) -> None:
        self._composer, self._renew = composer, renew
        self._iterations = iterations

    def is_settled(self) -> bool:
        """Tell whether the number of the iteration that goes on is sure to stay."""
        return self._iterations.is_settled()

    def snapshot(self) -> tuple[str, str, Blob]:
        """Return the texts of the leaves and of their gradients as they are now, and the values."""
        composer, writer, place = self._composer, self._composer.writer, NOWHERE.row
        groups = [group for optimizer in self._iterations.optimizers for group in optimizer.param_groups]
        held = [tensor for group in groups for tensor in group["params"]]
        composer.leaves(held, place)
        event, blob = composer.recorder.next_seq, Blob()
        leaves, gradients = [], []
        for known in composer.tensors.leaves():
            leaf = known.ref()
            if leaf is None:
                continue
            leaves.append(composer.defined(leaf, blob, event, place)[0])
            gradients.append(composer.snapshots.take(grad_of(leaf), blob))
            composer.tensors.note_grad(leaf, grad_of(leaf))
            known.fills, known.since = (0, 0) if grad_of(leaf) is None else (-1, composer.recorder.iteration - 1)
            writer.pen.grad(known.id, event, known.fills, known.since)
        self._renew()
        return ",".join(leaves), ",".join(gradients), blob
