"""What made many nodes, and of which shape: read from the tape without the values, and no objects are made of it.

Of a shape it says what ``Labels.output`` says of a single node, and leaves to that what no op has plainly put out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from gradb.frame.store import Store
from gradb.tape.wire import WireError, read_shape

Shape = tuple[int, ...]
_NOTHING: tuple[str, Shape | None] = ("", None)


class Makings:
    """The ops of nodes that are near each other on the tape.

    Args:
        store: of the tape.
        alone: returns the shape of a single node, or None where it is not known.
    """

    def __init__(self, store: Store, alone: Callable[[int], Shape | None]) -> None:
        self._sweep, self._alone = store.sweep(), alone
        self._made: dict[int, tuple[str, Shape | None]] = {}
        self._alike: dict[tuple[str, Shape | None], tuple[str, Shape | None]] = {}
        self._shapes: dict[int, Shape | None] = {}

    def function(self, node: int, op: int | None) -> str:
        """Return the function that was called, in lower case: ``torch.matmul``; empty where that is not known.

        Args:
            node: its id.
            op: the op that made it; None where no op did.

        Raises:
            TapeError: the tape is damaged.
        """
        if node not in self._made:
            made = _NOTHING if op is None else _made(node, self._sweep.of(op)[0])
            self._made[node] = self._alike.setdefault(made, made)
        return self._made[node][0]

    def shape(self, node: int, op: int | None) -> Shape | None:
        """Return the shape of what a node computed, or of its leaf, where known; as ``function`` otherwise."""
        self.function(node, op)
        if (found := self._made[node][1]) is not None:
            return found
        if node not in self._shapes:
            self._shapes[node] = self._alone(node)
        return self._shapes[node]


def _made(node: int, detail: str) -> tuple[str, Shape | None]:
    """Return the function of an op, and the shape of the first output of a node where its detail plainly says it."""
    try:
        function, inputs, outputs, _, _, is_inplace, *_ = json.loads(detail)
        name = sys.intern(str(function).lower())
        if is_inplace or any(tensor is not None and tensor[3] == node for tensor in inputs):
            return name, None
        made: list[Any] = [tensor for tensor in outputs if tensor is not None and tensor[3] == node]
        return name, read_shape(min(made, key=lambda tensor: tensor[4])[5][0]) if made else None
    except (ValueError, TypeError, LookupError, RecursionError, WireError):
        return _NOTHING  # it is damaged: whoever looks at the node alone says so
