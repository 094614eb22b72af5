"""The numerical check of one element of one leaf: the script is run again, with the element changed by a little.

First the script is run as it is, to find the leaf and the backward; then once more, to see whether it does the same
again; then with the element a little larger and smaller, twice, and another four times where that leaves a doubt. Every
run ends as soon as it has told its root. Nothing here waits but ``wait``; what is said of the numbers is
``differences``', where and when the leaf is changed is ``nudges``'.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gradb.algebra.differences import Result, Sample, Samples, Verdict, better, epsilon, first_step, judge, next_step
from gradb.algebra.figures import number
from gradb.debugger.errors import UserError
from gradb.debugger.gradcheck.target import Request, Target, count_backwards, locate, roots_of
from gradb.debugger.gradcheck.trial import Trial, leaf_reading, reading, trouble
from gradb.frame.reader import Tape, TapeError
from gradb.frame.training import Training
from gradb.link.spec import Intervention, RunSpec
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.stops import Stop
from gradb.tape.values import TensorValue

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger

_EVERY = 0.05
_MOST_AT_ONCE = 4
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """What one nudged run has told."""

    sample: Sample
    before: float
    """The element before it was changed."""
    gradient: float | None
    """The engine's, where the run was to tell it."""
    roots: tuple[TensorValue, ...] | None


_Batch = list[Trial[Any]]


class GradCheck:
    """A check under way.

    Args:
        spec: the run whose gradient is checked.
        request: which element, and which backward.
        step: the first step; None: one that suits the dtypes.
        command: what is started in place of the tracer, in tests.
    """

    def __init__(
        self, spec: RunSpec, request: Request, step: float | None = None, command: Sequence[str] | None = None
    ) -> None:
        self._spec, self._request, self._step, self._command = spec, request, step, command
        self.result: Result | None = None
        self.runs = 0
        """Runs that are over."""
        self.passed = ""
        """What is to be said of the script's own breakpoints, as the first run came to them."""
        self.doing = "running the script to find the leaf"
        self._plan = self._make_plan()
        self._waiting: _Batch = next(self._plan)
        self._batch = list(self._waiting)

    @property
    def is_running(self) -> bool:
        """True until there is a result."""
        return self.result is None

    def pump(self, timeout: float = 0.0) -> bool:
        """Take in what the runs have said; return whether the check is over.

        Raises:
            UserError: it cannot be done; every run is ended then.
        """
        try:
            for trial in list(self._waiting[: at_once()]):
                if trial.pump(timeout):
                    self._waiting.remove(trial)
                    self.runs += 1
                    self.passed = self.passed or trial.passed
            while not self._waiting and self.result is None:
                self._go_on()
        except BaseException:
            self.close()
            raise
        return self.result is not None

    def wait(self, seconds: float | None = None, tell: Callable[[], object] = lambda: None) -> Result:
        """Pump until the check is over, calling ``tell`` every now and then.

        Raises:
            UserError: it cannot be done, or not in so many seconds.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self.pump(_EVERY):
            tell()
            if deadline is not None and time.monotonic() > deadline:
                self.close()
                raise UserError(f"no result after {number(float(seconds or 0))} seconds, with {self.runs} runs made")
        assert self.result is not None
        return self.result

    def close(self) -> None:
        """End every run; safe to call twice."""
        for trial in self._batch:
            trial.close()
        self._plan.close()

    # --- the plan -----------------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        try:
            self._waiting = self._plan.send([trial.answer for trial in self._batch])
            self._batch = list(self._waiting)
        except StopIteration as stop:
            self.result = stop.value

    def _make_plan(self) -> Generator[_Batch, list[Any], Result]:
        """Yield the runs to make next, and get their answers."""
        (target,) = yield [self._finding_run()]
        self.doing = f"running the script again, to see whether it does the same ({target.label})"
        (base,) = yield [self._nudged_run(target, 0.0)]
        engine = engine_gradient(target, base, has_seed=self._spec.seed is not None)
        eps = epsilon(target.dtypes)
        step = self._step or first_step(base.sample.x, eps)
        rows: list[Samples] = []
        verdict: Verdict | None = None
        for _ in range(_ROUNDS):
            self.doing = f"running the script with {target.label} ± {number(step)} and ± {number(step / 2)}"
            shifts = (-step, step, -step / 2, step / 2)
            answers = yield [self._nudged_run(target, shift) for shift in shifts]
            samples = [_same_start(base, answer) for answer in answers]
            rows += [Samples(step, samples[0], samples[1]), Samples(step / 2, samples[2], samples[3])]
            found = self._judged(base, rows, engine, eps, verdict)
            verdict = found if verdict is None else better(found, verdict)
            following = next_step(found, step)
            if following is None or self._step is not None:
                break
            step = following
        assert verdict is not None
        return Result(
            target.label, target.root, target.nudge.backward, target.where, target.dtypes,
            base.sample, tuple(rows), verdict, 2 + 2 * len(rows),
        )  # fmt: skip

    def _judged(self, base: Reading, rows: list[Samples], engine: float, eps: float, so_far: Verdict | None) -> Verdict:
        try:
            return judge(base.sample, rows[-2], rows[-1], engine, eps)
        except ValueError as error:
            if so_far is not None:
                return so_far
            raise UserError(str(error)) from error

    # --- the runs -----------------------------------------------------------------------------------------------------

    def _finding_run(self) -> Trial[Target]:
        return Trial(self._spec, "as it is", _Finder(self._request), "backward_end", command=self._command)

    def _nudged_run(self, target: Target, delta: float) -> Trial[Reading]:
        nudge = replace(target.nudge, delta=delta)
        is_base = delta == 0
        about = "a second time" if is_base else f"with {target.label} {'-+'[delta > 0]} {number(abs(delta))}"
        return Trial(
            self._spec, about, lambda tape, is_over: _read(tape, target, is_base, is_over),
            "backward_end" if is_base else "backward_start", nudge, self._command,
        )  # fmt: skip


def engine_gradient(target: Target, base: Reading, *, has_seed: bool) -> float:
    """Return the engine's gradient of the element, from the second run of the script as it is.

    Raises:
        UserError: the second run was not the same as the first, or no gradient was seen.
    """
    if base.roots != target.roots:
        hint = "" if has_seed else ": give it a seed by --seed"
        raise UserError(
            f"two runs of the script do not compute the same {target.root}, so nothing can be said of a third{hint}"
        )
    if base.gradient is None:
        raise UserError(f"the engine's gradient of {target.label} was not seen")
    return base.gradient


class _Finder:
    """Looks for the target, not after every backward: the search begins at the start of the tape each time."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._pauses, self._due = 0, request.backward or 1

    def __call__(self, tape: Tape, is_over: bool) -> Target | None:
        self._pauses += 1
        if self._pauses < self._due and not is_over:
            return None
        self._due = self._pauses + 1 + self._pauses // 4
        return locate(tape, self._request, is_over=is_over)


def at_once() -> int:
    """Return how many runs are made at the same time."""
    return max(1, min(_MOST_AT_ONCE, os.cpu_count() or 1))


def _read(tape: Tape, target: Target, is_base: bool, is_over: bool) -> Reading | None:
    """Return what a nudged run has told, or None where it has not come so far."""
    why = trouble(tape)
    if why is not None:
        raise UserError(f"{target.root} cannot be read: {why}")
    root, leaf = reading(tape, "root"), leaf_reading(tape)
    if root is None:
        return None
    if leaf is None:
        raise UserError(f"no call before {target.where} used {target.label} when the script was run again")
    gradient = reading(tape, "gradient")
    if is_base and gradient is None and not is_over:
        return None
    roots = roots_of(tape, target.nudge.backward) if is_base else None
    return Reading(Sample(leaf[1], root), leaf[0], gradient, roots)


def _same_start(base: Reading, other: Reading) -> Sample:
    """Return the sample of a run.

    Raises:
        UserError: the element was not what it is in the script, before it was changed.
    """
    if other.before != base.before:
        raise UserError("the element is not the same in every run: the script does not do the same again")
    return other.sample


def start(debugger: Debugger, argument: str) -> GradCheck:
    """Begin the check that the command ``gradcheck`` asks for, in the backward that the position is in or after.

    Raises:
        UserError: there is no script to run, or nothing to check at the position.
    """
    spec, tape, position = debugger.run.spec, debugger.tape, debugger.position
    if spec is None:
        raise UserError(
            "gradcheck runs the script again, and this is a recording: `gradb gradcheck SCRIPT` starts from the script"
        )
    leaf, ordinal, training = argument.strip(), 0, None
    if tape is not None:
        try:
            leaf = leaf or _current(tape, position)
            ordinal, training = count_backwards(tape, position), tape.frame(position).training
        except TapeError as error:
            raise UserError(str(error)) from error
    return GradCheck(_as_changed(spec, training), Request(leaf, ordinal or None), command=debugger.run.command)


def _current(tape: Tape, position: int) -> str:
    """Return the leaf of the accumulation at a position, or of the last before it; empty where there is none."""
    is_here = position > 0 and tape.event(position).kind == "accumulate"
    seq = position if is_here else tape.find(Stop("kind", "accumulate"), position, -1)
    detail = tape.detail(seq) if seq else None
    return detail.parameter if isinstance(detail, AccumulateDetail) else ""


def _as_changed(spec: RunSpec, training: Training | None) -> RunSpec:
    """Return the order with what was changed on the way, too."""
    marks = () if training is None else training.marks
    interventions = [
        Intervention(mark.what, mark.value, mark.iteration) for mark in marks if mark.what in {"lr", "zero_grad"}
    ]
    return replace(spec, interventions=(*spec.interventions, *interventions))
