"""The text of source files, and the expressions in it that have names around them."""

from __future__ import annotations

import itertools
import tokenize
from collections.abc import Callable
from types import CodeType

from gradb.tracer.source.syntax import NAMELESS, Index, Names, Span, index


def position_of(code: CodeType, lasti: int) -> tuple[int | None, int | None, int | None, int | None]:
    """Return line, end line, column and end column of an instruction, as far as its code tells them."""
    positions = next(itertools.islice(code.co_positions(), lasti // 2, None), (None,) * 4)
    return positions[0], positions[1], positions[2], positions[3]


def read_source(path: str) -> str | None:
    """Return the text of a Python file, decoded as Python would, or None where it cannot be read."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return None


class SourceFile:
    """One source file and the expressions in it that have names around them."""

    def __init__(self, id: int, text: str | None, missing: Callable[[str, Exception], object]) -> None:
        self.id = id
        self._missing = missing
        self._text = text
        self._known: Index | None = None

    def names(self, span: Span) -> Names:
        """Return the names around the expression that stands at a position."""
        return self._index().spans.get(span, NAMELESS)

    @property
    def passing(self) -> frozenset[str]:
        """The variables of its loops and comprehensions."""
        return self._index().passing

    def _index(self) -> Index:
        if self._known is None:
            try:
                self._known = index(self._text or "")
            except Exception as error:  # Python's parser cannot be called from inside of itself
                self._missing("names", error)
                return Index({}, frozenset())
            self._text = None
        return self._known
