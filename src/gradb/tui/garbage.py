"""When the collector looks for cycles: while nobody waits for a key, since over all that is kept it takes longer.

What is there when the screen first stands still (Python, Textual) is not looked through again. Only the app's own
process is concerned, never the script's.
"""

from __future__ import annotations

import gc

_MOST = 200_000  # objects more than before after which the newest are looked through all the same
_NEVER = 1_000_000
_WORTHWHILE = 100_000  # objects more than before for which it is worth while
_REST = 0.5  # seconds without a key after which there is time


class Garbage:
    """The collector of this process, from ``install`` to ``uninstall``."""

    def __init__(self) -> None:
        self._before: tuple[int, int, int] | None = None
        self._is_settled = False

    def install(self) -> None:
        """Have all objects looked through only by ``rest``."""
        if self._before is None:
            self._before = gc.get_threshold()
            gc.set_threshold(_MOST, 10, _NEVER)
            gc.enable()  # it is off while the app is loaded

    def uninstall(self) -> None:
        """Leave the collector as it was."""
        if self._before is not None:
            gc.set_threshold(*self._before)
            self._before = None
            gc.unfreeze()

    def rest(self, idle: float) -> None:
        """Look for cycles if nothing has happened for some seconds, and there is reason to."""
        if self._before is None or idle < _REST or (self._is_settled and gc.get_count()[0] < _WORTHWHILE):
            return
        gc.collect()
        if not self._is_settled:
            gc.freeze()
            self._is_settled = True
