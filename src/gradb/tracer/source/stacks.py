"""The calls of the script's functions that lead to a place, each made once: most events share theirs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from gradb.log.pen import Row

CUT = -1
"""In the place of the call around one that was not looked at: the stack goes deeper than anybody looks."""


class Register(Protocol):
    """Keeps a call on the tape, and returns what stands for it, from 1."""

    def __call__(self, outer: int, row: Row, function: str, others: int, packages: str, /) -> int:
        """Keep a call; ``outer`` stands for the one around it: 0 for none, ``CUT``."""
        ...


@dataclass(frozen=True, slots=True)
class Stack:
    """A call of a function of the script's, and by ``outer`` those around it."""

    id: int
    """What stands for it on the tape."""
    outer: Stack | None
    row: Row
    """Where it has come to."""
    function: str
    """``main``, ``Net.forward``, ``<module>``."""
    is_cut: bool = False
    """True where it was not looked at what is around it."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call as a walk up the stack meets it."""

    row: Row
    function: str
    packages: tuple[str, ...]
    """Whose frames lie between it and what it has called, one entry a frame, the innermost first."""


class Stacks:
    """Makes stacks."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._known: dict[tuple[object, ...], Stack] = {}

    def of(self, calls: Iterable[Call], outer: Stack | None, *, is_cut: bool = False) -> Stack | None:
        """Return the stack of calls, the innermost first, that were made in ``outer``; None where there are none."""
        found = outer
        for call in reversed(tuple(calls)):
            found = self._made(call, found, is_cut=is_cut and found is None)
        return found

    def around(self, calls: Iterable[Call], outer: Stack | None, packages: tuple[str, ...]) -> Stack | None:
        """Return the stack of calls that were made by way of ``packages`` in ``outer``; None: that is not known."""
        if outer is None:
            return self.of(calls, None, is_cut=True)
        return self.of((*calls, Call(outer.row, outer.function, packages)), outer.outer, is_cut=outer.is_cut)

    def _made(self, call: Call, outer: Stack | None, *, is_cut: bool) -> Stack:
        around = CUT if is_cut else 0 if outer is None else outer.id
        key = (around, call)
        known = self._known.get(key)
        if known is None:
            packages = ", ".join(dict.fromkeys(reversed(call.packages)))
            number = self._register(around, call.row, call.function, len(call.packages), packages)
            known = self._known[key] = Stack(number, outer, call.row, call.function, is_cut)
        return known

    def clear(self) -> None:
        """Forget what was made: a script may come to its places in ever new ways."""
        self._known.clear()
