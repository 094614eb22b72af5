"""Which pane is in front at an answer to a `print`: that of the answer, and elsewhere the one that was there before."""

from __future__ import annotations

from collections.abc import Iterable

from gradb.frame.frame import Frame
from gradb.present.panes.table import sharing

_NAME, _VALUES = "printed", "values"


class PrintedView:
    """Follows the position; a pane that the user has brought to the front stays there."""

    def __init__(self) -> None:
        self._before = ""
        """The pane in whose place an answer has come; empty where none has."""

    def front(self, frame: Frame, fronts: Iterable[str], *, is_page: bool = False) -> str:
        """Return the pane to be brought to the front where the position has moved; empty: none.

        Args:
            frame: at the position.
            fronts: the panes in front.
            is_page: whether the answer is a part of what the values pane looks at, and so seen there.
        """
        front = next(name for name in fronts if name in sharing(_NAME))
        if is_page and front == _VALUES:
            return ""
        is_answer = frame.printed is not None and frame.printed.event == frame.position
        if is_answer:
            self._before = self._before if front == _NAME else front
            return _NAME if front != _NAME else ""
        before, self._before = self._before, ""
        return before if front == _NAME else ""
