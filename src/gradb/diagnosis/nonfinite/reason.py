"""A reason: by which mathematics a NaN or an infinity was born."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradb.diagnosis.nonfinite.case import Case


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a value is not finite."""

    code: str
    """A word for programs: ``sqrt-negative``."""
    text: str
    """A clause with the numbers of this run: ``sqrt of -1 is nan``."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table of reasons."""

    code: str
    names: frozenset[str]
    """Ops or nodes that it is about; empty: all."""
    find: Callable[[Case], str | None]
    """Returns the clause where the recorded numbers show it, else None."""

    def reason(self, case: Case) -> Reason | None:
        """Return the reason where the numbers of a case show it."""
        if self.names and case.name not in self.names:
            return None
        text = self.find(case)
        return None if text is None else Reason(self.code, text)
