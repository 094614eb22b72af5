"""Which statements a script has come to, by the lines of two events that follow each other.

A statement is come to by an event at one of its lines, or by one beyond it, in its block, where nothing is recorded of
the statement itself. Pure: of an event it knows the lines that the script is at, outermost call first.
"""

from __future__ import annotations

from bisect import bisect_right

from gradb.frame.lesson.lesson import Body, Lesson, Span

Lines = tuple[int, ...]
"""The lines of the main file that the script is at: of each call the one it has come to, the outermost first."""
END = 1 << 60
"""The line of a script that has run to its end."""


class Places:
    """Tells of the lines of one file in which function and in which loop they lie, and what was come to."""

    def __init__(self, lesson: Lesson) -> None:
        self._scopes = sorted(lesson.scopes, key=lambda body: body.begin)
        self._begins = [body.begin for body in self._scopes]
        self._loops, self._end = lesson.loops, lesson.end

    def scope(self, line: int) -> int:
        """Return the first line of the innermost function or class around a line; 0 where there is none."""
        at = bisect_right(self._begins, line)
        return next((body.first for body in reversed(self._scopes[:at]) if line <= body.end), 0)

    def loop(self, one: int, other: int) -> int:
        """Return the first line of the innermost loop around two lines; 0 where there is none."""
        low, high = min(one, other), max(one, other)
        return max((loop.first for loop in self._loops if loop.first <= low and high <= loop.end), default=0)

    def depth(self, span: Span, before: Lines, lines: Lines) -> int | None:
        """Return which call of the second event has come to a statement, the outermost being 0; None where none has."""
        is_same = True
        for depth, line in enumerate(lines):
            last = before[depth] if is_same and depth < len(before) else None
            if last is not None and self.scope(last) != self.scope(line):
                last = None
            if span.scope == self.scope(line) and self._comes(span, last, line):
                return depth
            is_same = last == line
        return None

    def _comes(self, span: Span, last: int | None, line: int) -> bool:
        if span.first <= line <= span.last:
            return last is None or not span.first <= last <= span.last
        if not span.last < line <= (END if span.until == self._end else span.until):
            return False
        if last is None or last < span.first:
            return True
        return last > line and self.loop(last, line) < span.first

    def before(self, span: Span, lines: Lines) -> int | None:
        """Return the line of the innermost loop around a statement that the script is at before it; None: at none."""
        loop = self._around(span)
        if loop is None:
            return None
        return next(
            (line for line in lines if loop.begin <= line < span.first and self.scope(line) == span.scope), None
        )

    def is_around(self, span: Span, last: int, line: int) -> bool:
        """Tell whether the loop around a statement was gone through between two lines of it; 0 is out of it."""
        loop = self._around(span)
        return loop is not None and line < last and (not line or self.loop(last, line) == loop.first)

    def _around(self, span: Span) -> Body | None:
        """Return the innermost loop around a statement, in the same function."""
        loops = (each for each in self._loops if each.begin <= span.first and span.end <= each.end)
        loop = max(loops, key=lambda each: each.first, default=None)
        return None if loop is None or self.scope(loop.begin) != span.scope else loop

    def is_at_or_past(self, span: Span, lines: Lines) -> bool:
        """Tell whether the script has come to a statement, if it is at its lines, or beyond it in its block."""
        return self.depth(span, (), lines) is not None

    def is_in(self, span: Span, lines: Lines) -> bool:
        """Tell whether the script is in a statement: in all of it, its body too."""
        return any(span.first <= line <= span.end and self.scope(line) == span.scope for line in lines)
