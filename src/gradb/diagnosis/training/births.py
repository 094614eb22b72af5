"""The rule about values that are not finite: where one was born that a loss, a gradient or a parameter has."""

from __future__ import annotations

from collections.abc import Iterable

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding, Step
from gradb.diagnosis.nonfinite import target
from gradb.diagnosis.nonfinite.explanation import Born, Explanation
from gradb.diagnosis.nonfinite.why import explain
from gradb.diagnosis.rule import DiagnosisRule
from gradb.diagnosis.training.wording import place
from gradb.tape.kinds.event import Event

_MOST_STEPS = 12


class Reached:
    """G016: a NaN or an infinity has reached a loss, a gradient or a parameter."""

    def __init__(self, evidence: Evidence) -> None:
        self._tape = evidence.tape
        self._filled: Event | None = None
        """The first gradient that was filled with one."""
        self._found: Finding | None = None

    def see(self, event: Event) -> None:
        """Look whether a gradient is filled with a value that is not finite."""
        if self._filled is None and event.has_nonfinite:
            self._filled = event

    def findings(self) -> Iterable[Finding]:
        """Return the first such value, with the road that it came: all others follow from it."""
        if self._found is None:
            reached = self._reached()
            self._found = None if reached is None else self._finding(self._tape.event(reached))
        return [] if self._found is None else [self._found]

    def _reached(self) -> int | None:
        """Return the event at which it is first seen to matter; what a GradScaler skips a step for does not."""
        onset = target.first_onset(self._tape.origins, self._tape.head)
        if self._filled is not None and not any(series.kind == "loss_scale" for series in self._tape.series):
            return self._filled.seq if onset is None else min(onset, self._filled.seq)
        return onset

    def _finding(self, reached: Event) -> Finding:
        found = explain(self._tape.origins, self._tape.head, at=reached.seq)
        name = f"{reached.name}.grad" if reached.kind == "accumulate" else reached.name
        if not isinstance(found, Explanation):
            message = f"{name} is not finite from iteration {reached.iteration} on; where that began was not recorded"
            return Finding("G016", reached.seq, message, reached.file, reached.line)
        first, *later = found.births
        born = later[-1] if later and first.kind == "given" else first
        became = [f"{one.call} makes {one.what} of it" for one in later if one is not born]
        file, line = (born.file, born.line) if born.line is not None else (reached.file, reached.line)
        if born.kind == "given" and born.what != "nan":  # as a mask is: what matters is where it came to
            file, line = reached.file, reached.line
        here = f"{found.here} in iteration {reached.iteration} ({place(reached, file)})"
        message = "; ".join((self._origin(born), *became, here))
        steps = tuple(Step(one.event, one.text) for one in found.road)
        shown = steps if len(steps) <= _MOST_STEPS else (*steps[: _MOST_STEPS - 1], steps[-1])
        return Finding("G016", reached.seq, message, file, line, shown, (born.name,) if born.name else ())

    def _origin(self, born: Born) -> str:
        """Say where it was born, and why where that is known."""
        name = f"{born.name or 'a value'}{list(born.element) if born.element else ''}"
        when = f"in iteration {born.iteration}"
        match born.kind:
            case "birth":
                return f"{born.call} makes {born.what} {when}{f': {born.reason.text}' if born.reason else ''}"
            case "given":
                if born.call.endswith("_"):  # __setitem__, fill_
                    return f"{born.what} was written into {name} at line {born.line} (from a number in the script)"
                return f"{born.call} was given {born.what} at line {born.line}, as a number in the script"
            case "outside":
                return f"{name} comes into the recording with {born.what} {when}"
            case "blank":
                return f"{name} is memory that nobody had written to (torch.empty) {when}"
            case "unrecorded":
                return f"{born.what} comes into {name} {when} by something that is not recorded (.data, NumPy)"
        return f"{name} has {born.what} {when}, and where from is not known: {born.why}"


RULES = (
    DiagnosisRule(
        "G016",
        "a value that is not finite reaches the training",
        "warning",
        "A NaN or an infinity was computed, and has reached a loss, a gradient or a parameter. A step that uses it"
        " leaves a NaN in the parameter, from where no later step can remove it.",
        "Ask `gradb why` for the whole road; keep the op away from where it has no finite value or derivative (clamp,"
        " eps, a mask before it and not after it).",
        frozenset({"accumulate", "backward_start"}),
        Reached,
    ),
)
