"""Lives an iteration of a watched run again: the script is run once more, and what is around it recorded in full.

What comes of it is put beside the first tape in one stroke, and only once every loss and norm on the way was found the
same, bit for bit; the first tape is never written.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

from gradb.debugger.checkpoints.pool import Pool
from gradb.debugger.checkpoints.waiting import Waiting
from gradb.debugger.errors import CheckpointLost, UserError
from gradb.debugger.rerun.again import Again, around, begin_in_full, lead
from gradb.debugger.rerun.following import Tell, silent
from gradb.debugger.rerun.relived import Relived, folder_of, identity, identity_so_far, read_lineage, there
from gradb.debugger.rerun.watched import Watched
from gradb.debugger.rerun.workshop import workshop
from gradb.frame.reader import Tape, TapeError
from gradb.frame.training import InterventionMark, Training
from gradb.tape import lineage, trouble
from gradb.tape.lineage import Lineage
from gradb.tape.paring import pare

REACH = 1
"""So many iterations before and after the one that is meant are lived again in full where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of living an iteration again."""

    again: Again | None
    """The second run; None where it was not needed, since the tape was there."""
    relived: Relived | None
    """Where it is now; None where the run did not repeat, and nothing was kept."""
    trouble: str = ""
    """Why nothing was kept of a run that did repeat."""

    @property
    def sentences(self) -> list[str]:
        """What is to be said of it."""
        again, relived = self.again, self.relived
        closing = () if again is None or again.was_killed else again.closing  # of what was killed nothing is kept
        lines = [] if again is None else [*again.sentences, *closing]
        if relived is None:
            return [*lines, self.trouble or "so nothing of it is kept"]
        is_one = relived.first == relived.last
        span = f"iteration {relived.first:,} is" if is_one else f"iterations {relived.first:,} to {relived.last:,} are"
        return [*lines, f"{span} in full in {relived.path}{'' if again is not None else ': nothing had to be run'}"]


def whole(tape: Tape, iteration: int) -> Relived | None:
    """Return the stretch of iterations around one that are known to be in full on a tape as it is; None: it is not.

    One in which the depth of recording has changed is not, since it may have been changed in its middle.
    """
    training = tape.frame(tape.head).training
    depths = [mark for mark in training.marks if mark.what == "record"]
    before = [mark for mark in depths if mark.iteration < iteration]
    after = [mark.iteration for mark in depths if mark.iteration >= iteration]
    if iteration in after or (before and before[-1].value != "full"):
        return None
    first = before[-1].iteration + 1 if before else 1
    return Relived(tape.path, iteration, first, min(after) - 1 if after else training.iterations)


def known(path: str, iteration: int, reach: int | None = None) -> Relived | None:
    """Return where an iteration is seen in full without anything being run: on the tape itself, or beside it.

    Args:
        path: of the first tape.
        iteration: the one that is meant.
        reach: how many iterations before and after it are to be in full too; None: none has to be.

    Raises:
        UserError: there is no such iteration, or nothing that would tell whether a run again does the same; or the tape
            cannot be read.
    """
    try:
        with Tape.open(path, is_over=True) as tape:
            _check(tape, iteration)
            own = whole(tape, iteration)
            return own if own is not None and _reaches(tape, own, reach) else there(tape, iteration, reach)
    except TapeError as error:
        raise UserError(str(error)) from error


def _reaches(tape: Tape, own: Relived, reach: int | None) -> bool:
    last = tape.frame(tape.head).training.iterations
    return reach is None or (own.has(max(1, own.iteration - reach)) and own.has(min(own.iteration + reach, last)))


def _check(tape: Tape, iteration: int) -> None:
    if (found := lineage.read(tape.fact(lineage.KEY))) is not None:
        raise UserError(
            f"{tape.path} is itself of iterations that were lived again, those of {found.tape}: open others from there"
        )
    training = tape.frame(tape.head).training
    if not any(one.kind in {"loss", "grad_norm"} and one.count for one in training.series):
        raise UserError(
            f"{tape.path} has no loss and no gradient norm, so nothing would tell whether a run again does the same"
        )
    if not 1 <= iteration <= training.iterations:
        raise UserError(f"there is no iteration {iteration:,}: {tape.path} has iterations 1 to {training.iterations:,}")


def relive(
    first: Watched,
    iteration: int,
    reach: int | None = None,
    *,
    is_agreed: bool,
    tell: Tell = silent,
    seconds: float | None = None,
    source: Waiting | None = None,
) -> Opened:
    """Live an iteration again, and put what comes of it beside the first tape; what is ``known`` is not made again.

    Args:
        first: the run that was watched.
        iteration: the one that is meant.
        reach: how many iterations before and after it are to be in full too; None: one, if it has to be run.
        is_agreed: whether somebody has agreed to what ``first.consent`` tells.
        tell: is called now and then while it runs.
        seconds: how long it may take; None: as long as it does.
        source: a checkpoint of the first run from which it goes on, which nobody has to agree to; see ``onwards``.

    Raises:
        UserError: there is nothing to live again, it cannot be run again, or the folder beside the tape cannot be
            written.
    """
    if (found := known(first.tape, iteration, reach)) is not None:
        return Opened(None, found)
    target = folder_of(first.tape) / f"{iteration}.tape"
    _check_place(target, Path(first.tape).name)
    with workshop(target.parent) as folder:
        asked = REACH if reach is None else reach
        again = around(
            first, iteration, folder, reach=asked, is_terse=True, is_agreed=is_agreed, tell=tell, seconds=seconds,
            source=source,
        )  # fmt: skip
        if not again.has_repeated:
            return Opened(again, None)
        begin, end, why = _whole(again)
        if not begin <= iteration <= end or again.comparison.until < iteration:
            return Opened(again, None, f"but it is not kept: {why or 'no number of that iteration could be compared'}")
        _put(again.tape, target, Lineage(_identity(first.tape), Path(first.tape).name, iteration, begin, end))
    return Opened(replace(again, tape=str(target)), Relived(str(target), iteration, begin, end))


def onwards(
    first: Watched, pool: Pool, iteration: int, reach: int | None = None, *, tell: Tell = silent
) -> Opened | None:
    """Live an iteration again from the nearest checkpoint; None where none waits before it.

    Nobody has to agree to that, since it can write nothing. Nothing is kept where it could not, or came to another end.

    Args:
        first: the run that was watched.
        pool: what waits of it.
        iteration: the one that is meant.
        reach: how many iterations before and after it are to be in full too; None: one, if it has to be run.
        tell: is called now and then while it runs.

    Raises:
        UserError: there is nothing to live again, or the folder beside the tape cannot be written.
    """
    with pool.nearest(beginning(first.tape, iteration, reach)) as source:
        if source is None:
            return None
        try:
            return relive(first, iteration, reach, is_agreed=False, tell=tell, source=source)
        except CheckpointLost as error:
            return Opened(None, None, str(error))


def beginning(path: str, iteration: int, reach: int | None = None) -> int:
    """Return from which iteration on a run again is in full: it can go on from a checkpoint there, or before.

    Raises:
        UserError: the tape cannot be read.
    """
    try:
        with Tape.open(path) as tape:
            return begin_in_full(tape, iteration, REACH if reach is None else reach)
    except TapeError as error:
        raise UserError(str(error)) from error


def _identity(path: str) -> str:
    try:
        with Tape.open(path, is_over=True) as tape:
            return identity(tape) if tape.is_finished else identity_so_far(tape)
    except TapeError as error:
        raise UserError(str(error)) from error


def _check_place(target: Path, name: str) -> None:
    """Make sure that only what was made for a tape of that name is ever replaced.

    Raises:
        UserError: there is something else.
    """
    if not os.path.lexists(target):
        return
    found = read_lineage(target)
    if not isinstance(found, Lineage) or found.tape != name:
        raise UserError(f"{target} is there already, and was not made of {name}: move it away")


def _whole(again: Again) -> tuple[int, int, str]:
    """Return the first and the last iteration that the second run has in full, and why it has no more."""
    try:
        with Tape.open(again.tape, is_over=True) as tape:
            training = tape.frame(tape.head).training
    except TapeError as error:
        raise UserError(str(error)) from error
    since = again.checkpoint.event or 0
    depths = [mark for mark in training.marks if mark.what == "record" and mark.event > since]
    if again.first == 1:
        return 1, *_until(depths, training)
    begins = next((index for index, mark in enumerate(depths) if mark.value == "full"), None)
    if begins is None:
        return training.iterations + 1, 0, "it was not recorded in full"
    return depths[begins].iteration + lead(training), *_until(depths[begins + 1 :], training)


def _until(depths: list[InterventionMark], training: Training) -> tuple[int, str]:
    broken = next((mark for mark in depths if mark.value == "watch"), None)
    return (training.iterations, "") if broken is None else (broken.iteration - 1, broken.reason)


def _put(tape: str, target: Path, origin: Lineage) -> None:
    """Give a tape its lineage, and have it take its place."""
    try:
        pare(tape, origin.first)
        lineage.write(tape, origin)
        Path(tape).replace(target)
    except (OSError, sqlite3.Error) as error:
        raise UserError(f"cannot write {target}: {trouble.why(error) or error}") from error
