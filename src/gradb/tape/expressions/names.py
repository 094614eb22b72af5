"""What the names in an expression mean: the one thing that differs between a tape and a running script."""

from __future__ import annotations

from typing import Protocol

from gradb.tape.expressions.operands import Operand

WORDS = (
    "event", "upstream", "local", "downstream", "loss", "grad_norm", "update", "iteration", "phase", "first_nonfinite",
)  # fmt: skip
"""Names that mean something without a variable's being called so. A tensor called by one of the last six wins."""


class Names(Protocol):
    """What names mean at one moment.

    A path is a variable's name, or what leads to it: ``a``, ``layer1.weight``, ``layers[0].w["x"]``.
    """

    def means(self, path: str) -> bool:
        """Tell whether a tensor is called so."""
        ...

    def tensor(self, path: str) -> Operand:
        """Return the value of the tensor that is called so.

        Raises:
            NoName: none is.
            NoValue: its value is not known.
        """
        ...

    def grad(self, path: str) -> Operand:
        """Return the ``.grad`` of the tensor that is called so; None where it is None.

        Raises:
            NoName: none is.
            NoValue: its ``.grad`` is not known.
        """
        ...

    def word(self, name: str) -> Operand:
        """Return what a name means that stands alone: one of ``WORDS``, or a tensor's.

        Raises:
            NoName: it means nothing.
            NoValue: it has no value yet.
        """
        ...
