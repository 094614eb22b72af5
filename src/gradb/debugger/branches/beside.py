"""Branches of a run that are there: tapes of their own, which lie beside the first run's.

Beside ``x.tape`` that is the folder ``x.branches``, with ``1.tape`` in it for the first that was made, and the branches
of branches too. How they are made is ``making``'s.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from gradb.debugger import neighbours
from gradb.debugger.neighbours import OF_RUN, folder_beside
from gradb.frame.reader import Tape, TapeError
from gradb.tape import branching
from gradb.tape.branching import Origin

_SUFFIX = ".branches"
_NAME = re.compile(r"([1-9][0-9]{0,5})\.tape", re.ASCII)
_MOST = 100


@dataclass(frozen=True, slots=True)
class Found:
    """The tape of a branch."""

    number: int
    """From 1, in the order in which they were made."""
    path: str
    origin: Origin


def folder_of(path: str | os.PathLike[str]) -> Path:
    """Return the folder in which the branches of a run lie; those of a branch lie beside it."""
    tape = Path(path)
    if tape.parent.name.endswith(_SUFFIX) and _NAME.fullmatch(tape.name):
        return tape.parent
    return folder_beside(tape, _SUFFIX)


def number_of(path: str | os.PathLike[str]) -> int:
    """Return the number of a branch by its tape; 0: it is none."""
    tape = Path(path)
    found = _NAME.fullmatch(tape.name) if tape.parent.name.endswith(_SUFFIX) else None
    return 0 if found is None else int(found[1])


def is_name_of_branch(name: str) -> bool:
    """Tell whether a file is called as the tapes of branches are."""
    return _NAME.fullmatch(name) is not None


def first_of(path: str | os.PathLike[str]) -> Path:
    """Return the tape of the first run of a branch, be it there or not; of any other tape that itself."""
    if not number_of(path):
        return Path(path)
    folder = folder_of(path)
    return folder.with_name(folder.name.removesuffix(_SUFFIX) + ".tape")


def identity(tape: Tape) -> str:
    """Return what tells the run of a tape from every other: the same in each copy of it, and while it is recorded."""
    return hashlib.sha256(json.dumps([tape.fact(key) for key in OF_RUN]).encode()).hexdigest()


def beside(path: str | os.PathLike[str]) -> tuple[Found, ...]:
    """Return the branches of the run of a tape, and of those, in their order.

    What is of another run, damaged or was not begun is passed over.
    """
    folder = folder_of(path)
    found = [one for number in numbers_in(folder) if (one := _read(folder, number)) is not None]
    known = {_identity(path), _identity(first_of(path))} - {""}
    kept: dict[int, Found] = {}
    while more := [one for one in found if one.number not in kept and one.origin.run in known]:
        kept |= {one.number: one for one in more}
        known |= {_identity(one.path) for one in more} - {""}
    return tuple(kept[number] for number in sorted(kept))


def numbers_in(folder: Path) -> list[int]:
    """Return the numbers that are taken, the smallest first."""
    return neighbours.numbers_in(folder, _NAME, _MOST)


def _read(folder: Path, number: int) -> Found | None:
    path = folder / f"{number}.tape"
    try:
        with Tape.open(path, is_over=True) as tape:
            origin = branching.read(tape.fact(branching.KEY))
    except TapeError:
        return None
    return None if origin is None else Found(number, str(path), origin)


def _identity(path: str | os.PathLike[str]) -> str:
    try:
        with Tape.open(path, is_over=True) as tape:
            return identity(tape)
    except TapeError:
        return ""
