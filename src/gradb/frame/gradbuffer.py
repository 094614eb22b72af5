"""The .grad buffer of one leaf, as a position finds it: plain data, but for what takes long to read.

What the event did to it is read once somebody asks: of two thousand buffers a screen shows a few.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradb.algebra import jacobian
from gradb.algebra.local import Check
from gradb.tape.values import TensorValue


@dataclass(frozen=True, slots=True)
class Touch:
    """What one event did to the ``.grad`` of one leaf."""

    before: TensorValue | None = None
    added: TensorValue | None = None
    after: TensorValue | None = None
    """The buffer now; None is None."""
    how: str = ""
    """``accumulated``, ``cleared (set to None)``, ``cleared (zeroed)``, ``changed by ...``; empty where the event only
    found it so."""
    told: str = ""
    """Name of the leaf that the event tells."""


class Touched:
    """A touch that is read when somebody asks for it; two are equal where the same is read.

    Args:
        read: returns it; it keeps what has taken long.
    """

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[], Touch]) -> None:
        self._read = read

    def __call__(self) -> Touch:
        """Return the touch."""
        return self._read()

    def __eq__(self, other: object) -> bool:
        """Compare what is read."""
        return isinstance(other, Touched) and self() == other()

    def __hash__(self) -> int:
        """Return the hash of what is read."""
        return hash(self())


def known(touch: Touch) -> Touched:
    """Return a touch that need not be read."""
    return Touched(lambda: touch)


@dataclass(frozen=True, slots=True)
class GradBuffer:
    """The .grad of one leaf at a position."""

    tensor: int
    name: str
    leaf: TensorValue | None
    """Newest recorded value of the leaf itself."""
    touched: Touched
    """What the last event that touched it did to it."""
    event: int | None
    """seq of the last event that touched it, or that found it as it is after a stretch that was only watched; None
    when it was never touched."""
    is_current: bool
    """True when the event at the position has touched it (before + added = after is then shown)."""
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

    @property
    def before(self) -> TensorValue | None:
        """The buffer before the event; None is None."""
        return self.touched().before

    @property
    def added(self) -> TensorValue | None:
        """What the event added to it."""
        return self.touched().added

    @property
    def after(self) -> TensorValue | None:
        """The buffer now; None is None."""
        return self.touched().after

    @property
    def how(self) -> str:
        """``accumulated``, ``cleared (set to None)``, ``cleared (zeroed)``, ``changed by ...`` or empty."""
        return self.touched().how

    @property
    def check(self) -> Check | None:
        """Before + added against after, of an accumulation that the position is at."""
        if not self.is_current or self.how != "accumulated" or self.added is None:
            return None
        check = jacobian.check_sum((self.before, self.added), self.after)
        if check is None or not check.is_ok or check.text != jacobian.AGREES:
            return check
        return Check(True, check.max_error, "before + added = after")
