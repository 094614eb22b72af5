"""Results of cases: one line of JSON each, so that a run that was broken off goes on where it ended."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAX_PROBLEMS = 20


@dataclass(slots=True)
class Result:
    """What a case came to."""

    op: str
    dtype: str
    asked: int = 0
    """How many samples were asked for at most; 0: all."""
    samples: int = 0
    raised: int = 0
    """Samples at which plain torch itself raises, and the traced run raises the same."""
    unsteady: int = 0
    """Samples whose results differ, of a case in which plain torch's own do from run to run."""
    nodes: int = 0
    checked: int = 0
    """Edges whose product was compared with the engine's and agrees."""
    sums: int = 0
    """Nodes whose contributions were compared with what arrived and agree."""
    unprobed: dict[str, int] = field(default_factory=dict)
    """Edges without a compared product, by reason."""
    problems: list[str] = field(default_factory=list)
    """What is wrong, each with the number of the sample; at most ``MAX_PROBLEMS``."""
    seconds: float = 0.0

    @property
    def key(self) -> tuple[str, str]:
        """Op and dtype."""
        return self.op, self.dtype

    @property
    def conforms(self) -> bool:
        """True where nothing is wrong."""
        return not self.problems

    def json(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return dataclasses.asdict(self)


def load(path: Path) -> list[Result]:
    """Return the results in a file, the last one of each case; none where there is no file."""
    if not path.exists():
        return []
    found = [Result(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return list({result.key: result for result in found}.values())


def append(path: Path, result: Result) -> None:
    """Add a result to a file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(result.json()) + "\n")
