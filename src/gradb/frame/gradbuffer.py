"""The .grad buffer of one leaf, as a position finds it: plain data."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.algebra.local import Check
from gradb.tape.values import TensorValue


@dataclass(frozen=True, slots=True)
class GradBuffer:
    """The .grad of one leaf at a position."""

    tensor: int
    name: str
    leaf: TensorValue | None
    """Newest recorded value of the leaf itself."""
    before: TensorValue | None
    added: TensorValue | None
    after: TensorValue | None
    """The buffer now; None is None."""
    event: int | None
    """seq of the last event that touched it, or that found it as it is after a stretch that was only watched; None
    when it was never touched."""
    is_current: bool
    """True when the event at the position has touched it (before + added = after is then shown)."""
    check: Check | None
    """before + added against after."""
    how: str = ""
    """``accumulated``, ``cleared (set to None)``, ``cleared (zeroed)`` or empty."""
    fills: int = 0
    """Accumulations that the buffer is the sum of, since it was cleared; -1 where that is not known."""
    since: int = 0
    """Iteration of the first of them; 0 where there is none."""
    is_stale: bool | None = False
    """True where a gradient was added to one from an earlier iteration, and in a backward that will add to such a one;
    None where that is not known."""
    is_gone: bool = False
    """True when the leaf is no more: the script has let go of it."""
    is_frozen: bool = False
    """True when it does not require grad any more, and has none."""
    is_never_cleared: bool = False
    """True of a stale one when nothing that was recorded has cleared it."""
    is_never: bool = False
    """True when it requires grad and has never had one, though a backward that filled others came after it."""
    leaf_norm: float | None = None
    """2-norm of a leaf too large to be kept whole, where it was recorded for itself."""
