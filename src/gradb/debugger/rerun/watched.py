"""A run of a script that was only watched: how it ended, and where its numbers were first not finite."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from gradb.debugger.checkpoints.pool import Pool
from gradb.debugger.errors import UserError
from gradb.debugger.folders import Kept, room
from gradb.debugger.rerun import orders, origin
from gradb.debugger.rerun.consent import Consent, consent_to
from gradb.debugger.rerun.following import Tell, follow, silent
from gradb.debugger.run import Run
from gradb.frame.reader import Tape, TapeError
from gradb.frame.training import Onset
from gradb.link.spec import RunSpec


@dataclass(frozen=True, slots=True)
class Watched(Kept):
    """The first run. It can be run again by its ``spec``; its tape goes with ``close`` where it lies in our folder."""

    spec: RunSpec
    """What was run, with the seed that it had."""
    tape: str
    """Path of its tape."""
    status: str
    """``finished``, ``exit code 3``, ``killed by SIGKILL`` ..."""
    return_code: int | None
    """Of its process; negative: the signal. None of a recording."""
    onset: Onset | None
    """Where a loss or a gradient norm was first a NaN or an infinity; None where none was."""
    consent: Consent
    """What has to be agreed to before it is run again."""
    closing: tuple[str, ...] = ()
    """What is to be said of its recording: one sentence for each thing that is missing."""
    passed: str = ""
    """What is to be said of the script's own breakpoints; empty where it came to none."""
    interrupted: int = 0
    """The signal that the user has sent and that has ended it; 0: none."""
    checkpoints: Pool = field(default_factory=Pool, repr=False, compare=False)
    """What waits of it, as long as it is not closed."""

    @property
    def iteration(self) -> int | None:
        """The first iteration with a loss or a gradient norm that is not finite; None: none has."""
        return None if self.onset is None else self.onset.iteration

    def close(self) -> None:
        """Let its checkpoints go, and remove the tape, if that is to go; safe to call twice."""
        self.checkpoints.close()
        Kept.close(self)


def watched(
    spec: RunSpec, path: str | None = None, *, full: int = 0, tell: Tell = silent, seconds: float | None = None
) -> Watched:
    """Run a script to its end, and only watch it. Signals go to the script, as in a recording.

    Args:
        spec: what to run; how much is recorded, and where, is decided here.
        path: of its tape, where that is kept; None: it is in a folder of its own, until ``close``.
        full: how many iterations are recorded in full before it is only watched.
        tell: is called now and then while it runs.
        seconds: how long it may take; None: as long as it does.

    Raises:
        UserError: it cannot be run or leaves no tape, its standard input cannot be read twice, or it takes too long:
            then the script has been ended.
    """
    origin.check_stdin(spec.stdin)
    with room(path and str(Path(path).parent), Path(path or "watched.tape").name) as (tape, own):
        run = Run.launch(orders.watching(spec, tape, full))
        try:
            with run.relaying() as relay:
                follow(run, tell, seconds)
            pool = run.release_checkpoints()
        finally:
            run.close()
        if run.failure:
            pool.close()
            raise UserError(run.failure)
        code = run.return_code
        signals = relay.passed if relay is not None else set()
        is_interrupted = code is not None and -code in signals
        return _read(
            run.spec or spec, tape, code, is_from_tape=False, closing=tuple(run.closing), checkpoints=pool,
            interrupted=-code if is_interrupted and code is not None else 0, folder=own, passed=run.passed,
        )  # fmt: skip


def of_tape(path: str) -> Watched:
    """Return what a recording tells, as if its run had been made just now; nothing is run.

    Raises:
        UserError: it is no tape that can be read, or its script cannot be run again here as it was.
    """
    run = Run.open(path)
    try:
        assert run.tape is not None
        spec = origin.spec_of(run.tape)
        remarks = tuple(origin.versions(run.tape))
    finally:
        run.close()
    return _read(spec, path, None, is_from_tape=True, remarks=remarks, closing=tuple(run.closing))


def of_run(spec: RunSpec, path: str) -> Watched:
    """Return what the tape of a run tells that has a process of its own still waiting; nothing is run.

    What lies where the script was may be another by now.

    Raises:
        UserError: the tape cannot be read.
    """
    return _read(spec, path, None, is_from_tape=True)


def _read(
    spec: RunSpec,
    path: str,
    code: int | None,
    *,
    is_from_tape: bool,
    remarks: tuple[str, ...] = (),
    closing: tuple[str, ...] = (),
    interrupted: int = 0,
    passed: str = "",
    folder: tempfile.TemporaryDirectory[str] | None = None,
    checkpoints: Pool | None = None,
) -> Watched:
    try:
        with Tape.open(path, is_over=True) as tape:
            onset = tape.frame(tape.head).training.first_nonfinite
            spec = replace(spec, cwd=tape.run.cwd or spec.cwd)
            consent = consent_to(spec, tape.writes, is_from_tape=is_from_tape, remarks=remarks)
            status = tape.run.status
    except TapeError as error:
        raise UserError(str(error)) from error
    pool = Pool() if checkpoints is None else checkpoints
    return Watched(spec, path, status, code, onset, consent, closing, passed, interrupted, pool, folder=folder)
