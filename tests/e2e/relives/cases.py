"""The scripts of which stretches are lived again, and what is true of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.e2e.gradb_process import ROOT, SCENARIOS, SCRIPTS

_TRAININGS, _WORKLOADS = SCRIPTS / "trainings", ROOT / "tests" / "bench" / "workloads"
_STEPS = 40


@dataclass(frozen=True)
class Case:
    """A script, and what is true of it."""

    path: Path
    words: tuple[str, ...] = (str(_STEPS),)
    why: str = ""
    """A pattern of the reasons for which a stretch may be refused; empty: it must not be."""
    steps: int = _STEPS
    prints: bool = True
    """Whether it prints the same each time."""


_WHY = {
    "bar": r"not run: no tqdm",
    "loader_workers": r"started \d other process|tried to write /dev/shm|exit code 1 .*Permission denied",
    "files_by_path": r"(tried to write|would have had) .*/kept/(lines\.jsonl|new\.pt)",
    "saves_anyway": r"(tried to write|would have had) .*/now\.pt",
    "database": r"an SQLite database is open \(.*/runs\.db\)",
    "fed_by_a_thread": r"another thread \(feeder\)",
    "ends_badly": r"(tried to write|would have had) .*/left\.txt",
}
CASES = [
    *(Case(path, why=_WHY.get(path.stem, "")) for path in sorted(_TRAININGS.glob("*.py"))),
    Case(SCENARIOS / "two_models.py", (), steps=200),
    Case(SCENARIOS / "zero_grad.py", (), steps=1000),
    Case(_WORKLOADS / "w1_thermometer.py", prints=False),
    Case(_WORKLOADS / "w2_mlp.py", prints=False),
    Case(_WORKLOADS / "w3_gpt.py", ("20",), steps=20, prints=False),
]
