"""Running a script once more, with what is around one iteration recorded in full, and holding it against the first run.

The second run is killed as soon as the last iteration that is wanted is on its tape: nothing of what the script does on
its way out is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gradb.debugger.checkpoints.waiting import Waiting
from gradb.debugger.ending import killed
from gradb.debugger.errors import UserError
from gradb.debugger.folders import Kept, room
from gradb.debugger.rerun import orders, origin
from gradb.debugger.rerun.attempts import attempt
from gradb.debugger.rerun.begun import FROM_THE_START, Begun
from gradb.debugger.rerun.comparison import BY_HAND, Comparison, compare
from gradb.debugger.rerun.consent import agree
from gradb.debugger.rerun.following import Tell, follow, silent
from gradb.debugger.rerun.noticing import Differs, Noticing
from gradb.debugger.rerun.reasons import Reason, reasons
from gradb.debugger.rerun.watched import Watched
from gradb.debugger.run import Run
from gradb.diagnosis.uncaught import uncaught
from gradb.frame.reader import Tape, TapeError
from gradb.frame.training import Training
from gradb.link.spec import RunSpec
from gradb.present.draw.safe import plain

_MESSAGE = 80
"""Columns of an error."""
_DIFFERED = "ended by gradb: it did not do the same"


@dataclass(frozen=True, slots=True)
class Again(Kept):
    """The second run, and what it has in common with the first."""

    tape: str
    """Path of its tape: in full from ``first`` on."""
    iteration: int
    """The one that is meant."""
    first: int
    """The first one that was to be recorded in full."""
    last: int
    """The last one that was wanted."""
    reached: int
    """The last iteration of which it has a loss or a step."""
    status: str
    """How it ended: ``ended by gradb after iteration 7`` where it went as far as it was to."""
    comparison: Comparison
    reasons: tuple[Reason, ...]
    """Why it may have gone otherwise, where it has."""
    closing: tuple[str, ...] = ()
    """What is to be said of its recording: one sentence for each thing that is missing."""
    checkpoint: Begun = FROM_THE_START
    """From where it went on."""
    tried: str = ""
    """What it tried that what goes on from a checkpoint may not; empty: nothing."""

    @property
    def has_repeated(self) -> bool:
        """True where it came as far as it was to, and every number on the way was the same, bit for bit."""
        found, is_whole = self.comparison, not (self.tried or self.was_killed)
        return found.difference is None and found.count > 0 and self.reached >= self.last and is_whole

    @property
    def was_killed(self) -> bool:
        """True where it was ended from outside, and not by gradb: what came of it says nothing of the script."""
        return bool(killed(self.status))

    @property
    def sentences(self) -> list[str]:
        """What is to be said of it: that it repeated, or where and why it did not."""
        found, difference, again = self.comparison, self.comparison.difference, self.checkpoint.words
        if self.tried:
            return [f"{again}, the script {self.tried}, which it may not there"]
        if difference is not None:
            return [f"{again}, the script did not do the same: {difference.text}", *self._why()]
        if self.was_killed:
            return [f"{self.checkpoint.who} {killed(self.status)}: iteration {self.reached:,} was its last"]
        if self.reached < self.last:
            where = f"iteration {self.reached:,} was its last, and it ended: {self.status}"
            lacks = self.iteration if self.reached < self.iteration else self.last
            return [f"{again}, the script did not come to iteration {lacks:,}: {where}", *self._why()]
        if not found.count:
            return [f"{again}, the script has no loss and no gradient norm to compare"]
        begin = self.checkpoint.iteration
        span = f"iterations {begin:,} to {found.until:,}" if found.until > begin else f"iteration {begin:,}"
        return [f"{again}, the script did the same: {found.count:,} numbers of {span} are equal bit for bit"]

    def _why(self) -> list[str]:
        if self.checkpoint.event is not None:
            return []  # what the reasons are about was done before
        known = [reason.text for reason in self.reasons if reason.is_known]
        likely = [reason.text for reason in self.reasons if not reason.is_known]
        lines = [f"what is known to be different: {'; '.join(known)}"] if known else []
        lines += [f"what likely makes it differ: {'; '.join(likely)}"] if likely else []
        return lines or ["nothing in the script is known to gradb that would explain it"]


def around(
    first: Watched,
    iteration: int,
    folder: str | None = None,
    *,
    reach: int = 1,
    is_terse: bool = False,
    is_agreed: bool,
    tell: Tell = silent,
    seconds: float | None = None,
    source: Waiting | None = None,
) -> Again:
    """Run a script once more, with the iterations around one of them recorded in full, and compare.

    What it prints is on the tape alone. A KeyboardInterrupt ends it at once, by SIGKILL, and so does a number that is
    another one than in the first run, as soon as it is noticed.

    Args:
        first: the run that was watched.
        iteration: the one that is meant.
        folder: where the tape is kept; None: in a folder of its own, until ``close``.
        reach: how many iterations before and after it are recorded in full too, as far as the first run has them.
        is_terse: whether of what is before these the numbers alone are enough.
        is_agreed: whether somebody has agreed to what ``first.consent`` tells.
        tell: is called now and then while it runs.
        seconds: how long it may take; None: as long as it does.
        source: a checkpoint of the first run, not after what is to be in full, from which it goes on: nobody has to
            agree to that, since it can write nothing. None: it is run from its start.

    Raises:
        UserError: nobody has agreed, it cannot be run or leaves no tape, or it takes too long: then it has been ended.
    """
    if source is None:
        agree(first.consent, is_agreed=is_agreed, ask=None)
        origin.check_stdin(first.spec.stdin)
    begun = FROM_THE_START if source is None else Begun(source.iteration, source.head)
    with room(folder, "again.tape") as (path, own), _open(first.tape) as tape:
        if source is None and first.consent.is_from_tape:
            origin.spec_of(tape)  # what it was when it was agreed to may be long ago
        begin, last = span(tape, iteration, reach)
        spec = orders.around(first.spec, begin, last, path, origin.hash_seed(tape), is_terse=is_terse)
        if source is not None:
            spec = orders.onwards(first.spec, begin, last, path, origin.changes(tape, source.head))
        closing, differs = _run(spec, Noticing(tape, tell, begun.iteration), seconds, source)
        with _open(path) as again:
            reached = again.frame(again.head).training.iterations
            end, is_cut = min(reached, last), _is_cut(tape, last)
            cuts = {"is_cut": is_cut, "is_again_cut": bool(killed(again.run.status)) or again.is_partial}
            comparison = compare(tape.series, again.series, end, begin=begun.iteration, **cuts)
            has_repeated = comparison.difference is None and (reached >= last or cuts["is_again_cut"])
            why = () if has_repeated or source is not None else tuple(reasons(tape, again))
            begin = orders.full_from(begin)
            status = _DIFFERED if differs else again.run.status
            tried = "" if source is None else attempt(again)
            status += f" ({error})" if source is not None and (error := error_of(again)) else ""
        return Again(path, iteration, begin, last, reached, status, comparison, why, closing, begun, tried, folder=own)


def begin_in_full(tape: Tape, iteration: int, reach: int) -> int:
    """Return from which iteration on everything would be recorded: a checkpoint at it, or before, will do."""
    return orders.full_from(span(tape, iteration, reach)[0])


def span(tape: Tape, iteration: int, reach: int) -> tuple[int, int]:
    """Return from which iteration on, and to which, a run again is to be recorded so that some around one are whole."""
    training = tape.frame(tape.head).training
    last = min(iteration + reach, training.iterations) if iteration <= training.iterations else iteration + reach
    return max(1, iteration - reach - lead(training)), last


def lead(training: Training) -> int:
    """Return how many iterations go before the first that is whole, where recording in full begins with an iteration.

    Where parameters are updated by hand one begins unseen as long as it is only watched: then it is 1, else 0.
    """
    return 0 if any(one.kind == "grad_norm" and one.name != BY_HAND for one in training.series) else 1


def _is_cut(tape: Tape, last: int) -> bool:
    """Tell whether ``last`` is the iteration in which a run was ended from outside, perhaps in its middle."""
    is_ended = bool(killed(tape.run.status)) or tape.is_partial or bool(tape.fact("ended_after"))
    return is_ended and last >= tape.frame(tape.head).training.iterations


def _run(spec: RunSpec, tell: Tell, seconds: float | None, source: Waiting | None) -> tuple[tuple[str, ...], bool]:
    """Run what is asked for, and return what is to be said of the recording, and whether it was ended as it differs."""
    run, differs = Run.launch(spec, source=source), False
    try:
        follow(run, tell, seconds)
    except Differs:
        differs = True
    finally:
        run.close()
    if run.failure:
        raise UserError(run.failure)
    return tuple(run.closing), differs


def _open(path: str) -> Tape:
    try:
        return Tape.open(path, is_over=True)
    except TapeError as error:
        raise UserError(str(error)) from error


def error_of(tape: Tape) -> str:
    """Return the error that ended the script, in a few words; empty where none did.

    Raises:
        TapeError: the tape is damaged.
    """
    found = uncaught(tape)
    if found is None:
        return ""
    event, lines = tape.event(found.event), found.detail.message.splitlines()
    where = f" at {Path(event.file).name}:{event.line}" if event.file and event.line else ""
    return plain(f"{found.detail.type}{where}: {lines[0] if lines else ''}".removesuffix(": "), _MESSAGE)
