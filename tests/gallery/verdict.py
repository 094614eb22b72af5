"""Holds what was found about a case to what its docstring says is right."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from tests.gallery.cases import Case
from tests.gallery.running import Found, Result


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is right and wrong about the findings of one case."""

    case: Case
    caught: tuple[str, ...]
    """Codes that had to be found, and were."""
    missed: tuple[str, ...]
    """Codes that had to be found, and were not."""
    false: tuple[Found, ...]
    """Warnings and errors that are not right."""
    wrong_line: tuple[Found, ...]
    """The finding that points elsewhere than the docstring says."""
    other_hints: tuple[Found, ...]
    """Hints that nobody asked for; no fault."""
    failures: tuple[str, ...]
    """What kept the case from being judged, or it from running as its docstring says."""

    @property
    def is_right(self) -> bool:
        """True where everything was caught, and nothing else."""
        return not (self.missed or self.false or self.wrong_line or self.failures)


def judge(case: Case, result: Result) -> Verdict:
    """Hold a result to its case."""
    wanted = (*case.findings, *case.hints)
    found = {one.code for one in result.findings}
    allowed = {*wanted, *case.may}
    others = [one for one in result.findings if one.code not in allowed]
    return Verdict(
        case=case,
        caught=tuple(code for code in wanted if code in found),
        missed=tuple(code for code in wanted if code not in found),
        false=tuple(one for one in others if one.severity != "hint"),
        wrong_line=_misplaced(case, result),
        other_hints=tuple(one for one in others if one.severity == "hint"),
        failures=_failures(case, result),
    )


def _misplaced(case: Case, result: Result) -> tuple[Found, ...]:
    """Return the findings of the first code where none of them points where it should."""
    code = next(iter((*case.findings, *case.hints)), None)
    found = tuple(one for one in result.findings if one.code == code)
    is_right = not case.lines or any(one.line in case.lines for one in found)
    return () if is_right else found


def _failures(case: Case, result: Result) -> tuple[str, ...]:
    """Say what went otherwise than the docstring says, the findings apart."""
    said = []
    if result.failure:
        said.append(f"the judge failed: {result.failure.strip().rpartition(chr(10))[2]}")
    if result.code == -signal.SIGKILL and case.ends_after is not None:
        return tuple(said)  # gradb has ended it
    if result.raised != case.raises or (result.code or 0) != bool(case.raises):
        said.append(f"ended with {result.raised or result.code}, not {case.raises or 'well'}: {result.err[-300:]}")
    return tuple(said)
