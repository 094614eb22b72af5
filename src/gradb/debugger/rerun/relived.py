"""Iterations of a watched run that were lived again: tapes of their own, which lie beside the first run's.

Beside ``x.tape`` that is the folder ``x.relived``, with ``3000.tape`` in it for iteration 3,000. How they are made is
``reliving``'s.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradb.debugger.neighbours import OF_RUN, folder_beside, numbers_in
from gradb.debugger.numerals import read_whole
from gradb.frame.reader import Tape, TapeError
from gradb.scribe.tapes import discard
from gradb.tape import lineage
from gradb.tape.lineage import Lineage
from gradb.tape.series import Series

_SUFFIX = ".relived"
_NAME = re.compile(r"([1-9][0-9]{0,15})\.tape", re.ASCII)
_MOST = 10_000
_MOST_TOLD = 3  # names of files


@dataclass(frozen=True, slots=True)
class Relived:
    """A tape that has some iterations of a run in full."""

    path: str
    iteration: int
    """The one that is meant."""
    first: int
    """The first one that is whole in it; ``first <= iteration <= last``."""
    last: int
    """The last one."""

    def has(self, iteration: int) -> bool:
        """Tell whether an iteration is whole in it."""
        return self.first <= iteration <= self.last


def folder_of(path: str | os.PathLike[str]) -> Path:
    """Return the folder beside a tape in which the iterations lie that were lived again."""
    return folder_beside(path, _SUFFIX)


def beside(tape: Tape) -> tuple[Relived, ...]:
    """Return what lies beside a tape and is of its run, in the order of iterations.

    What is another run's, damaged, or half written is passed over: ``passed_over`` tells of it.
    """
    return tuple(one for one in _look(tape) if isinstance(one, Relived))


def passed_over(tape: Tape) -> tuple[str, ...]:
    """Return what is to be said of the files beside a tape that look like iterations of its run and are none."""
    found = tuple(_look(tape))
    strange = [one.name for one in found if isinstance(one, Path)]
    said = tuple(one for one in found if isinstance(one, str))
    if not strange:
        return said
    names = ", ".join(strange[:_MOST_TOLD]) + (f" and {len(strange) - _MOST_TOLD:,} more" * (len(strange) > _MOST_TOLD))
    verb, they = ("is", "it is") if len(strange) == 1 else ("are", "they are")
    return (f"in {folder_of(tape.path)} {names} {verb} not of the run in {tape.path}: {they} passed over", *said)


def discard_beside(path: str | os.PathLike[str]) -> int:
    """Remove the iterations beside a tape that is about to be recorded anew: they can be of no run any more.

    What is no iteration that was lived again stays.

    Returns:
        How many were removed.
    """
    folder, count = folder_of(path), 0
    for number in numbers_in(folder, _NAME, _MOST):
        if isinstance(read_lineage(one := folder / f"{number}.tape"), Lineage):
            with contextlib.suppress(OSError):
                discard(one)
                count += 1
    with contextlib.suppress(OSError):
        folder.rmdir()
    return count


def meant(found: tuple[Relived, ...], iteration: int) -> Relived | None:
    """Return the tape in which an iteration is seen: the one that means it, else the nearest that has it."""
    having = [one for one in found if one.has(iteration)]
    return min(having, key=lambda one: (abs(one.iteration - iteration), one.iteration), default=None)


def there(tape: Tape, iteration: int, reach: int | None = None) -> Relived | None:
    """Return the tape beside another that has an iteration, with ``reach`` those around it too; None: there is none."""
    found = beside(tape)
    if reach is None:
        return meant(found, iteration)
    last = tape.frame(tape.head).training.iterations
    wanted = (max(1, iteration - reach), min(iteration + reach, last))
    return meant(tuple(one for one in found if all(map(one.has, wanted))), iteration)


def identity(tape: Tape) -> str:
    """Return what tells the run of a tape from every other: the same in each copy of the tape, and in no other.

    It depends on when and what was run, and on every number of every series.

    Raises:
        TapeError: the tape is damaged.
    """
    return _digest(tape, tape.head, [(one, one.count) for one in tape.series])


def identity_so_far(tape: Tape, head: int | None = None) -> str:
    """Return the same of a tape that may go on, by what is on it up to an event, which it tells too.

    Args:
        tape: of the run.
        head: the event; None: the last that there is.

    Raises:
        TapeError: the tape is damaged.
    """
    head = tape.head if head is None else head
    counts = [(one, count) for one in tape.series if (count := one.until(head))]
    return f"{head}:{_digest(tape, head, counts)}"


def _digest(tape: Tape, head: int, series: Sequence[tuple[Series, int]]) -> str:
    digest = hashlib.sha256(json.dumps([head, *(tape.fact(key) for key in OF_RUN)]).encode())
    for one, count in series:
        digest.update(json.dumps([one.kind, one.name, one.file, one.line, count]).encode())
        digest.update(one.iterations[:count].tobytes() + one.values[:count].tobytes())
    return digest.hexdigest()


def _is_of(tape: Tape, run: str, known: str) -> bool:
    """Tell whether what was told of a run, perhaps while its tape went on, is told of that of a tape.

    Args:
        tape: of the run.
        run: what was told.
        known: what is told of it now.
    """
    head, _, _ = run.rpartition(":")
    position = read_whole(head, 1) if head else None
    if position is None or position > tape.head:
        return run == known
    return identity_so_far(tape, position) == run


def _look(tape: Tape) -> Iterator[Relived | Path | str]:
    """Yield each iteration beside a tape, the path of what is of another run, or why a file cannot be used."""
    numbers = numbers_in(folder := folder_of(tape.path), _NAME, _MOST)
    run = identity(tape) if numbers else ""
    for number in numbers:
        path = folder / f"{number}.tape"
        found = read_lineage(path)
        if isinstance(found, str):
            yield found
        elif found is None or found.iteration != number or not _is_of(tape, found.run, run):
            yield path
        else:
            yield Relived(str(path), number, found.first, found.last)


def read_lineage(path: Path) -> Lineage | str | None:
    """Return what a tape tells of its lineage, None where it tells nothing, or why it cannot be used."""
    try:
        with Tape.open(path, is_over=True) as tape:
            found = lineage.read(tape.fact(lineage.KEY))
            return f"{path} is not whole: it is passed over" if found is not None and tape.is_partial else found
    except TapeError as error:
        return f"{error} It is passed over."
