"""The form of a rule: one op, one part for each input that a gradient can flow to.

Templates are filled with names from the tape: ``{out}`` is the op's result, ``{self}``, ``{other}`` ... the arguments
by their names in PyTorch's signature, ``{n}`` the number of input elements that go into one output element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gradb.rules.arguments import Given

Names = Mapping[str, str]
Numbers = Mapping[str, float]
Template = str | Callable[[Names], str]
Entry = tuple[int, int, float]
"""An entry of a local Jacobian: position in the output, position in the input, value."""


@dataclass(frozen=True, slots=True)
class Part:
    """The derivative of an op with respect to one input."""

    role: str
    """The input's name in PyTorch's signature, e.g. ``self``."""
    local: Template
    """The local derivative, e.g. ``{exponent}·{self}``."""
    sentence: Template = ""
    """The same in words, for a newcomer."""
    condition: Template = ""
    """Where the formula needs a proviso, e.g. what PyTorch takes at a kink."""
    where: str = "∂{out}/∂{self}"
    """Left-hand side, where it is not ``∂{out}/∂{the input}``; index notation for matrices."""
    product: Template = ""
    """How upstream is multiplied where that is not element by element, e.g. ``upstream @ {mat2}.T``."""
    torch_name: str = ""
    """The input's name in PyTorch's formulas, where the role is that of a call around the node."""
    name: str = ""
    """What the input is called where it has no name of its own: ``{weight}.T``."""
    derivative: Callable[[Numbers], float] | None = None
    """Elementwise ops: d out_i / d input_i from the arguments' values at i, by role (``out``: the result's)."""
    entries: Callable[[Given], Iterator[Entry]] | None = None
    """All other ops: the local Jacobian's entries that are not 0; one place may come several times, to be added up."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One op."""

    node: str
    """Node name without ``Backward`` (``Mul``; with the number where overloads differ: ``Pow1``)."""
    parts: tuple[Part, ...]
    """In the order of the node's edges."""
    signature: tuple[str, ...] = ("self",)
    """Argument names in PyTorch's order."""
    functions: tuple[str, ...] = ()
    """Names of the torch calls whose arguments follow ``signature``; for any other call only the edges give names."""
    swapped: tuple[str, ...] = ()
    """Torch calls whose first two arguments come in the other order (``rpow``)."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Text of arguments that were left out."""
    is_repeated: bool = False
    """True when the one part serves any number of edges (``Cat``)."""
    is_variadic: bool = False
    """True when the last argument may be given as several: ``x.view(2, 3)``."""
    is_complex: bool = False
    """True when the entries are those of real and imaginary parts, side by side."""
    is_composite: bool = False
    """True when ``signature`` is that of a call which makes several nodes, this one among them (``F.linear``)."""
    result: str = ""
    """What the result is called where it has no name of its own: ``{self}.T``."""
    is_strict: bool = False
    """True when the formula holds for ``functions`` only: other calls make the same node with hidden arguments."""

    is_conditional: bool = False
    """True when the formula holds only where the input lies in its memory in a certain way, which no tape tells."""

    def part(self, edge_index: int) -> Part | None:
        """Return the part that serves an edge, or None where the rule has none for it."""
        if self.is_repeated:
            return self.parts[0]
        return self.parts[edge_index] if edge_index < len(self.parts) else None
