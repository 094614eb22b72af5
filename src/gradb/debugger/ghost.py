"""The ghost: a second run whose losses are looked at beside those of the first.

Either the same script started once more with the other zero_grad policy, or a recording. It has a tape and a process of
its own and knows the run that it is compared with only by its spec and its series. Nothing in it waits.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.folders import temporary
from gradb.debugger.rerun.orders import unattended
from gradb.debugger.run import Run
from gradb.frame.reader import TapeError
from gradb.frame.training import Training
from gradb.link.spec import Intervention, RunSpec
from gradb.tape.series import Series


class Ghost:
    """Another run, live or recorded, and what may be said of it beside the first."""

    def __init__(self, run: Run, label: str, folder: tempfile.TemporaryDirectory[str] | None = None) -> None:
        self.run = run
        self.label = label
        """What tells it from the first run: ``zero_grad off``, or the name of a tape."""
        self._folder = folder
        self._series: tuple[Series, ...] = ()
        self._trouble = ""

    @classmethod
    def launch(cls, debugger: Debugger) -> Ghost:
        """Start the script of a debugger once more, with the other policy, and return at once.

        Raises:
            UserError: the debugger has no script to start, or no process can be started.
        """
        spec = debugger.run.spec
        if spec is None:
            raise UserError(
                "a ghost runs the script again, and this is a recording: `ghost FILE` plots the losses of another"
                " recording, and so does `gradb compare A.tape B.tape --screen`"
            )
        training = None if debugger.tape is None else debugger.frame().training
        policy = other_policy(training)
        folder = temporary("gradb-ghost-")
        try:
            run = Run.launch(
                ghost_spec(spec, policy, training, str(Path(folder.name) / "ghost.tape")), debugger.run.command
            )
        except UserError:
            folder.cleanup()
            raise
        return cls(run, f"zero_grad {policy}", folder)

    @classmethod
    def open(cls, path: str) -> Ghost:
        """Open a recording.

        Raises:
            UserError: it is not a tape that can be read.
        """
        ghost = cls(Run.open(path), Path(path).name)
        ghost._read()
        return ghost

    @property
    def is_running(self) -> bool:
        """True while its process is there."""
        return self.run.is_live

    @property
    def series(self) -> tuple[Series, ...]:
        """All its series, as far as they were recorded when it was last pumped."""
        return self._series

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``pump`` has something to do; -1 when its process is gone."""
        return self.run.fileno()

    def pump(self) -> bool:
        """Take in what its process said, without waiting; return whether there is anything new."""
        was_running = self.is_running
        has_changed = bool(self.run.pump(0.0)) or was_running != self.is_running
        if has_changed:
            self._read()
        return has_changed

    def _read(self) -> None:
        tape = self.run.tape
        try:
            self._series = self._series if tape is None else tape.series
        except TapeError as error:
            self._trouble = str(error)

    def note(self, own: Sequence[Series]) -> str:
        """Say what has to be known before the losses are compared; ``own`` are the series of the first run."""
        ended = self._trouble or self.run.failure or self._end()
        parts = [f"the ghost ended: {ended}"] if ended else []
        parts += [f"of the ghost: {sentence}" for sentence in self.run.closing]
        parts += [f"of the ghost: {self.run.passed}"] if self.run.passed else []
        return "; ".join([*parts, *self._about_seed(own)])

    def _end(self) -> str:
        return "" if self.is_running or self.run.status in {"finished", "running"} else self.run.status

    def _about_seed(self, own: Sequence[Series]) -> list[str]:
        """Say that no seed was given, unless the first losses are the same in both runs."""
        if self.run.spec is None or self.run.spec.seed is not None:
            return []
        first, other = first_loss(own), first_loss(self._series)
        if first is None or other is None:
            return ["no --seed was given: initialisations may differ"]
        is_same = first == other or (math.isnan(first) and math.isnan(other))
        return [] if is_same else ["no --seed was given: give one, so that both begin alike"]

    def stop(self) -> None:
        """End its process with all its children; what it has recorded stays."""
        self.run.close()
        self._read()

    def close(self) -> None:
        """End its process with all its children, and remove its tape; safe to call twice."""
        self.run.close()
        if self._folder is not None:
            self._folder.cleanup()


def first_loss(series: Sequence[Series]) -> float | None:
    """Return the first value of the first loss, or None where there is none yet."""
    return next((one.values[0] for one in series if one.kind == "loss" and one.count), None)


def other_policy(training: Training | None) -> str:
    """Return the policy to compare with: what the script does where the policy is off, else off."""
    policy = None if training is None else training.policy
    return "script" if policy is not None and policy.value == "off" else "off"


def ghost_spec(spec: RunSpec, policy: str, training: Training | None, tape: str) -> RunSpec:
    """Return the order for the second run: everything as in the first but the policy, and only watched."""
    marks = () if training is None else training.marks
    rates = [intervention for intervention in spec.interventions if intervention.what == "lr"]
    rates += [Intervention("lr", mark.value, mark.iteration) for mark in marks if mark.what == "lr"]
    by_iteration = {intervention.iteration: intervention for intervention in rates}
    interventions = (Intervention("zero_grad", policy), Intervention("record", "watch"), *by_iteration.values())
    return unattended(spec, tape=tape, interventions=interventions)
