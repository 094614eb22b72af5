"""Says of two tapes how their runs are related: one is a branch of the other, or both are of the same run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gradb.debugger.branches.beside import identity
from gradb.debugger.branches.changes import label
from gradb.frame.reader import Tape
from gradb.tape import branching
from gradb.tape.branching import Origin


@dataclass(frozen=True, slots=True)
class Kinship:
    """A run that is a branch of another one."""

    branch: str
    """What its tape is called."""
    of: str
    """What the tape of the other one is called."""
    origin: Origin

    @property
    def sentence(self) -> str:
        """Return it in words."""
        origin = self.origin
        where = f"from right after event {origin.place}, in iteration {origin.iteration:,}, on"
        change = label(origin.what, origin.value)
        return f"{self.branch} is a branch of {self.of}: {change} {where if origin.iteration else 'from the start on'}"


def kinship(left: Tape, right: Tape, labels: tuple[str, str]) -> tuple[Kinship, ...]:
    """Return which of two runs is a branch of the other; where neither is, what each is a branch of."""
    origins = [branching.read(tape.fact(branching.KEY)) for tape in (left, right)]
    runs = [identity(tape) for tape in (left, right)]
    found = []
    for mine, other in ((0, 1), (1, 0)):
        origin = origins[mine]
        if origin is not None:
            of = labels[other] if origin.run == runs[other] else Path(origin.tape).name
            found.append(Kinship(labels[mine], of, origin))
    direct = [one for one in found if one.of in labels]
    return tuple(direct or found)
