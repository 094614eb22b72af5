"""The local derivative of one edge as plain data, and what came of holding a product against the engine's own.

A local derivative is a matrix: its rows run over all outputs of the node, concatenated, its columns over the input that
the edge leads to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gradb.tape.kinds.jacobian import Axis
from gradb.tape.values import Number

Structure = Literal[
    "zero",
    "identity",
    "scalar",  # the same factor for each element
    "diagonal",  # a factor of its own for each element
    "permutation",  # the same elements in another order
    "selection",  # each output is one of the inputs, or none of them
    "expansion",  # each input goes, with one weight, into several outputs
    "sum",  # each input goes, with one weight, into one output
    "block",  # parts that have nothing to do with each other, all of one size
    "dense",
    "unknown",
]
How = Literal[
    "measured",  # upstream times the local derivative that was measured; of sums: the parts added up
    "formula",  # upstream times the formula, from the values on the tape
    "corner",  # the same for the few elements that are kept of a large tensor
    "direction",  # a random vector in place of upstream, times the formula
    "none",  # nothing: the text says why
]
Form = Literal["real", "complex", "conjugate", "from_real", "parts"]


@dataclass(frozen=True, slots=True)
class Check:
    """upstream times local held against what the engine produced."""

    is_ok: bool
    max_error: float
    """Largest absolute difference."""
    text: str
    """One clause for people: ``agrees with the engine``, what differs, or why nothing was compared."""
    how: How = "measured"
    """What the engine's gradient was held against."""
    is_compared: bool = True
    """False where some of it could not be compared, or nothing was: then ``is_ok`` says no more than that nothing
    differs."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a matrix: some of its rows, and all columns in which these have entries."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    values: tuple[Number, ...]
    """rows x columns, row-major."""


@dataclass(frozen=True, slots=True)
class Local:
    """The local derivative of one edge, as numbers."""

    structure: Structure
    rows: int
    columns: int
    values: tuple[Number, ...] | None
    """By structure: scalar (1 number), diagonal (n), sum and expansion (1: the common weight), permutation, selection,
    block and dense (rows x columns, row-major), zero and identity (none: empty), unknown: None."""
    note: str = ""
    """Why it is unknown, or what was left out."""
    where: tuple[int, ...] = ()
    """permutation, selection, expansion: for each row the column of its entry, -1 where it has none; sum: for each
    column the row of its entry."""
    blocks: tuple[Block, ...] = ()
    """The parts of a block matrix."""
    form: Form = "real"
    """What the numbers are where the op has to do with complex ones (PyTorch's gradient of z is dL/dRe z + i dL/dIm z,
    which is twice the conjugate Wirtinger derivative dL/dz*). ``complex``: the op is holomorphic, an entry is one
    complex number, the conjugate of the derivative: upstream times entry is downstream. ``conjugate``: the op is
    holomorphic in z*, and the conjugate of upstream times entry is downstream. ``from_real``: real outputs of complex
    inputs, upstream times entry is downstream. ``parts``: rows and columns are real and imaginary parts."""
    outputs: tuple[Axis, ...] = ()
    """What the rows run over; in all forms but ``parts`` one row an element."""
    input: Axis | None = None
    """What the columns run over; in all forms but ``parts`` one column an element."""

    @property
    def are_blocks_equal(self) -> bool:
        """True when a block matrix repeats one block."""
        return all(block.values == self.blocks[0].values for block in self.blocks)
