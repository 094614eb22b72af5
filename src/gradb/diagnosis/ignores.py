"""Comments in the source that let a finding be: ``# gradb: ignore`` and ``# gradb: ignore[G004, G010]``."""

from __future__ import annotations

import contextlib
import io
import re
import tokenize
from collections.abc import Container, Iterator
from dataclasses import dataclass

from gradb.diagnosis.finding import Finding
from gradb.frame.reader import Tape

_WORD = "gradb:"

_COMMENT = re.compile(r"#\s*gradb:\s*ignore\b(?:\[(?P<codes>[^\]]*)\])?", re.IGNORECASE)
_APART = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING})
"""Tokens that begin no statement."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """One such comment."""

    line: int
    """Where it stands."""
    first: int
    """First line of the statement at which it stands."""
    last: int
    codes: tuple[str, ...]
    """The codes that it names; none: all."""

    def covers(self, code: str, line: int) -> bool:
        """Tell whether it is about a finding."""
        return self.first <= line <= self.last and (not self.codes or code in self.codes)


@dataclass(frozen=True, slots=True)
class Ignores:
    """Those of all source files on a tape."""

    files: dict[str, tuple[Ignore, ...]]

    @classmethod
    def of(cls, tape: Tape) -> Ignores:
        """Read them."""
        return cls({path: ignores_of(text) for path, text in tape.sources if text is not None and _WORD in text})

    def covers(self, finding: Finding) -> bool:
        """Tell whether one of them lets a finding be."""
        line = finding.line
        at_hand = () if line is None or finding.file is None else self.files.get(finding.file, ())
        return any(one.covers(finding.code, line or 0) for one in at_hand)

    def unknown(self, codes: Container[str]) -> Iterator[tuple[str, int, str]]:
        """Yield file, line and code of each code that they name and that is none of these."""
        for file, ignores in self.files.items():
            for one in ignores:
                yield from ((file, one.line, code) for code in one.codes if code not in codes)


def ignores_of(text: str) -> tuple[Ignore, ...]:
    """Return the comments of a source text; what follows a place that cannot be read as Python is left out.

    One is about the whole statement in which it stands, of which it may end any line. A comment on a line of its own,
    outside of a statement, and what looks like one inside of a string, are none.
    """
    found: list[Ignore] = []
    with contextlib.suppress(tokenize.TokenError, SyntaxError):  # what is before it counts all the same
        found.extend(_read(text))
    return tuple(found)


def _read(text: str) -> Iterator[Ignore]:
    first, comments = 0, list[tuple[int, tuple[str, ...]]]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NEWLINE:
            yield from (Ignore(line, first, token.start[0], codes) for line, codes in comments)
            first, comments = 0, []
        elif token.type == tokenize.COMMENT and first:
            codes = _codes(token.string)
            comments += [] if codes is None else [(token.start[0], codes)]
        elif token.type not in _APART and not first:
            first = token.start[0]


def _codes(comment: str) -> tuple[str, ...] | None:
    """Return the codes that a comment names, none for all of them; None where it is no such comment."""
    match = _COMMENT.search(comment)
    if match is None:
        return None
    codes = match["codes"]
    return () if codes is None else tuple(code.strip().upper() for code in codes.split(",") if code.strip())
