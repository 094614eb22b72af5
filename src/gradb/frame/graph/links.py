"""How one node is linked: what Python prints of its ``next_functions``, and by which entry its parent leads to it."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.graph import Node

_IN_PYTHON = "torch.autograd.function."


@dataclass(frozen=True, slots=True)
class Links:
    """The links of one node."""

    functions: tuple[tuple[str | None, int], ...] | None
    """``next_functions``: class of the node, as Python names it, or None, and which of its outputs is fed; None where
    the node is not on the tape."""
    parent: str
    """Name of the node above it in the drawing; empty for a root."""
    entry: int
    """Which entry of the parent's ``next_functions`` leads here; -1 for a root."""
    identity: str
    """Python that is True: ``d.grad_fn.next_functions[0][0] is c.grad_fn``; empty where no variable is known for the
    node, or none for what is above it."""

    @property
    def printed(self) -> str:
        """What Python prints of ``next_functions``, without the addresses: ``((<MulBackward0>, 0), (None, 0))``."""
        pairs = [f"({'None' if name is None else f'<{name}>'}, {number})" for name, number in self.functions or ()]
        return f"({pairs[0]},)" if len(pairs) == 1 else f"({', '.join(pairs)})"


def class_of(node: Node | None) -> str:
    """Return the class of a node as ``repr`` names it."""
    if node is None:
        return "(not on the tape)"
    return f"{_IN_PYTHON}{node.name}" if node.kind in {"custom", "compiled"} else node.name
