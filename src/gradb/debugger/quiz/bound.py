"""What the names in a question mean: at its moment, but for what its statement itself has given a new value."""

from __future__ import annotations

from collections.abc import Mapping

from gradb.debugger.expect.names import TapeNames
from gradb.frame.reader import Tape
from gradb.tape.expressions.faults import NoName
from gradb.tape.expressions.operands import Operand, tensor
from gradb.tape.expressions.variables import quoted


class BoundNames(TapeNames):
    """Names at one position of a tape, of which some are known to mean certain tensors.

    Args:
        tape: which names they are.
        position: 0 to its head.
        bound: ids of tensors by the names of variables; None where it is not known what one means.
    """

    def __init__(self, tape: Tape, position: int, bound: Mapping[str, int | None]) -> None:
        super().__init__(tape, position)
        self._bound = bound

    def means(self, path: str) -> bool:
        """Tell whether a tensor is called so."""
        return self._bound[path] is not None if path in self._bound else super().means(path)

    def tensor(self, path: str) -> Operand:
        """Return the newest recorded value of the tensor that is called so."""
        return (
            tensor(self._tape.lookup(self._id(path), self._position)) if path in self._bound else super().tensor(path)
        )

    def grad(self, path: str) -> Operand:
        """Return the ``.grad`` of the tensor that is called so."""
        return tensor(self._tape.grad(self._id(path), self._position)) if path in self._bound else super().grad(path)

    def word(self, name: str) -> Operand:
        """Return what a name means that stands alone."""
        return self.tensor(name) if name in self._bound else super().word(name)

    def _id(self, path: str) -> int:
        found = self._bound[path]
        if found is None:
            raise NoName(f"what {quoted(path)} is then is not known: no event that follows has it by that name")
        return found
