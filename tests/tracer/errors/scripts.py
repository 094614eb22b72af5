"""Scripts that raise: recorded in the tests' own process, and held against the lines that are marked in them.

A mark is a comment: ``# culprit`` on the line that a finding must point at, ``# 1``, ``# 2 4`` on those of its steps.
"""

from __future__ import annotations

import re
import textwrap
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gradb.diagnosis.explaining import explanation_of_end
from gradb.diagnosis.finding import Finding
from gradb.frame.reader import Tape
from gradb.link.spec import Intervention
from tests.tracer.recording import record

_STEPS = re.compile(r"# ?(?:culprit )?((?:\d+ ?)+)$")


@dataclass(frozen=True, slots=True)
class Case:
    """A script that raises, and what is to be said of that."""

    id: str
    script: str
    tensors: tuple[str, ...] = ()
    """Names that the finding is about, in order."""
    says: tuple[str, ...] = ()
    """What its sentence or its advice must contain."""
    code: str = ""
    """Of the rule; empty where nothing is to be explained."""

    def __str__(self) -> str:
        """Return what the test is called."""
        return self.id


def record_script(path: Path, script: str, *, watches: bool = False) -> tuple[BaseException | None, Tape]:
    """Run a script under the tracer, or only watched; return what it raised and its tape."""
    file = path / "script.py"
    file.write_text("import torch\nimport torch.nn.functional as F\nfrom torch import nn\n" + textwrap.dedent(script))
    code = compile(file.read_text(), str(file), "exec", dont_inherit=True)
    run: Callable[[], None] = lambda: exec(code, {"__name__": "__main__"})
    changes = [Intervention("record", "watch")] if watches else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a script may be warned before it raises
        return record(path / "script.tape", run, keeps_error=True, changes=changes)


def check(path: Path, case: Case) -> Finding | None:
    """Record a script, and hold what is said of its error against the case and the marks."""
    error, tape = record_script(path, case.script)
    assert error is not None, "the script did not raise"
    with tape:
        found = explanation_of_end(tape)
        if not case.code:
            assert found is None, found
            return None
        assert found is not None, error
        lines = (path / "script.py").read_text().splitlines()
        assert found.code == case.code, found
        steps = {number: tape.event(step.event).line for number, step in enumerate(found.steps, 1)}
        assert [found.line] == [number for number, line in enumerate(lines, 1) if "# culprit" in line], found
        for number, expected in _steps(lines).items():
            assert steps.get(number) == expected, (number, steps, found)
        assert found.tensors == case.tensors, found
        for words in case.says:
            assert words in f"{found.message}; {found.advice}", found
        return found


def _steps(lines: list[str]) -> dict[int, int]:
    found = {}
    for number, line in enumerate(lines, 1):
        if told := _STEPS.search(line.rstrip()):
            found.update(dict.fromkeys(map(int, told[1].split()), number))
    return found
