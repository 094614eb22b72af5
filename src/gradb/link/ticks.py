"""How long a process waits before it looks again at what nobody announces."""

from __future__ import annotations


class Ticks:
    """A pause that is short while something happens, and long once nothing has for a while.

    Args:
        short: seconds between two looks.
        long: the same, where nothing happens.
        after: looks in a row that nothing has happened at until the pause is long.
    """

    __slots__ = ("_after", "_long", "_quiet", "_short")

    def __init__(self, short: float, long: float, after: int) -> None:
        self._short, self._long, self._after = short, long, after
        self._quiet = 0

    @property
    def seconds(self) -> float:
        """How long to wait now."""
        return self._short if self._quiet < self._after else self._long

    def count(self, *, is_quiet: bool) -> None:
        """Take note of a look; ``is_quiet``: nothing has happened."""
        self._quiet = self._quiet + 1 if is_quiet else 0
