"""Lives stretches of scripts again from checkpoints, at random: ``python -m tests.e2e.relives [--count N] [--seed N]``.

Each round watches a script, with one thread or two, has checkpoints made at random iterations, and has a runner go on
from each, beside the script or once that is over; some with something changed. Every loss and norm must be the same,
bit for bit, as in the script's run (in a run from the start with the same change), or the reason be one that is true of
the script. What the script prints, the files that it leaves and its exit code must be what they are without gradb, and
no process and no file of ours be left. Ends with exit code 1 and the rounds that did not hold.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from gradb.debugger.rerun import orders
from gradb.debugger.rerun.comparison import compare
from gradb.debugger.run import Run
from gradb.frame.reader import Tape
from gradb.link.checkpoints import NotStarted
from gradb.link.spec import Intervention, RunSpec
from tests.e2e.checkpointed import Script, begun, full, printed, script
from tests.e2e.gradb_process import (
    DEADLINE,
    ROOT,
    SCENARIOS,
    SCRIPTS,
    Done,
    WarmParts,
    bare,
    wait_until_none_with,
)

_TRAININGS, _WORKLOADS = SCRIPTS / "trainings", ROOT / "tests" / "bench" / "workloads"
_STEPS = 40
_SETTLED = 12


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
    "loader_workers": r"started \d other process|tried to write /dev/shm|exit code 1 .*Permission denied",
    "files_by_path": r"tried to write .*/kept/(lines\.jsonl|new\.pt)",
    "saves_anyway": r"tried to write .*/now\.pt",
    "database": r"an SQLite database is open \(.*/runs\.db\)",
    "fed_by_a_thread": r"another thread \(feeder\)",
    "ends_badly": r"tried to write .*/left\.txt",
}
CASES = [
    *(Case(path, why=_WHY.get(path.stem, "")) for path in sorted(_TRAININGS.glob("*.py"))),
    Case(SCENARIOS / "two_models.py", (), steps=200),
    Case(SCENARIOS / "zero_grad.py", (), steps=1000),
    Case(_WORKLOADS / "w1_thermometer.py", prints=False),
    Case(_WORKLOADS / "w2_mlp.py", prints=False),
    Case(_WORKLOADS / "w3_gpt.py", ("20",), steps=20, prints=False),
]
_CHANGES = (Intervention("zero_grad", "off"), Intervention("lr", "0.003"))


@dataclass
class Stretch:
    """What a runner lives again."""

    begin: int
    """The iteration at which its checkpoint waits."""
    first: int
    """From which one on it records in full."""
    last: int
    """After which it ends."""
    change: Intervention | None
    tape: Path
    run: Run | None = None
    why: str = ""
    """Why there is no runner."""
    is_whole: bool = False
    """Whether it has come as far as it was to."""


@dataclass
class Round:
    """One script, watched once."""

    case: Case
    seed: int
    folder: Path
    outcomes: list[str] = field(default_factory=list)
    """What came of each stretch."""
    faults: list[str] = field(default_factory=list)
    """What did not hold."""

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._threads, self._is_late = self._chance.choice((1, 2)), self._chance.random() < 0.5
        self._spec = RunSpec(
            "script.py", str(self.folder / "tapes" / "x.tape"), arguments=self.case.words,
            cwd=str(self.folder / "run"), seed=5, hash_seed=7,
        )  # fmt: skip

    def hold(self) -> None:
        """Do it."""
        text = f"import torch; torch.set_num_threads({self._threads})\n{self.case.path.read_text()}"
        for name in ("bare", "run", "tapes"):
            (self.folder / name).mkdir()
            (self.folder / name / "script.py").write_text(text)
        (self.folder / "bare" / "main.py").write_text(_BARE)
        alone = bare("main.py", *self.case.words, cwd=self.folder / "bare")
        (self.folder / "bare" / "main.py").unlink()
        with script(self._spec) as one:
            stretches = [stretch for at in self._moments() for stretch in self._live(one, at)]
            one.end()
            self._compare(one, alone)
            for stretch in stretches:
                self._begin(one, stretch)
            self.outcomes += [self._come_of(stretch) for stretch in stretches]
            self.outcomes += [self._held_against(stretch) for stretch in stretches if stretch.is_whole]
        wait_until_none_with(str(self.folder))
        left = [path.name for path in (self.folder / "tapes").iterdir() if path.suffix not in {".tape", ".py"}]
        self.faults += [f"left behind: {left}"] if left else []

    def _moments(self) -> list[int]:
        return sorted(self._chance.sample(range(_SETTLED, self.case.steps - 4), 3))

    def _live(self, one: Script, at: int) -> Iterator[Stretch]:
        """Go on with the script until there is a checkpoint, or none can be made."""
        if not one.run.is_live:
            return
        known, told = len(one.waiting), len(one.said)
        one.go_to_iteration(at)
        if one.run.is_live:
            one.make_one()
            one.go_on()
            one.until(lambda: len(one.waiting) > known or len(one.said) > told or not one.run.is_live)
        self.outcomes += [f"no checkpoint: {said.why}" for said in one.said[told:]]
        for waiting in one.waiting[known:]:
            first = waiting.iteration + self._chance.choice((0, 0, 1, 3))
            last = min(first + self._chance.choice((0, 1, 2, 9)), self.case.steps)
            change = self._chance.choice((None, None, *_CHANGES))
            tape = self.folder / "tapes" / f"{waiting.number}.tape"
            stretch = Stretch(waiting.iteration, first, max(first, last), change, tape)
            if not self._is_late:
                self._begin(one, stretch)
            yield stretch

    def _begin(self, one: Script, stretch: Stretch) -> None:
        """Have a runner go on, where none has yet."""
        if stretch.run is not None or stretch.why:
            return
        waiting = next(waiting for waiting in one.waiting if waiting.iteration == stretch.begin)
        changes = () if stretch.change is None else (replace(stretch.change, iteration=stretch.first),)
        try:
            stretch.run = begun(
                waiting, one.spec, stretch.tape, interventions=(*changes, *full(stretch.first)), ends_after=stretch.last
            )
        except NotStarted as error:
            stretch.why = str(error)

    def _come_of(self, stretch: Stretch) -> str:
        """Wait for the end of a runner, and return how it has ended."""
        run = stretch.run
        if run is None:
            return f"not started: {stretch.why}"
        deadline = time.monotonic() + DEADLINE
        while run.is_live and time.monotonic() < deadline:
            run.pump(0.05)
        if run.is_live:
            self.faults.append(f"the runner from {stretch.begin} does not end")
        status = run.failure or run.status
        run.close()
        stretch.is_whole = status == f"ended by gradb after iteration {stretch.last}"
        if not stretch.is_whole and "tried" not in status:
            status = f"{status} {' '.join(printed(stretch.tape)[-3:])}"
        return _WHOLE if stretch.is_whole else status

    def _held_against(self, stretch: Stretch) -> str:
        """Hold what a runner has told against a run from the start."""
        path = self._spec.tape if stretch.change is None else self._changed(stretch)
        with Tape.open(path, is_over=True) as tape, Tape.open(str(stretch.tape), is_over=True) as again:
            found = compare(tape.series, again.series, stretch.last)
            ops = {event.iteration for event in again.events() if event.kind == "op"}
        if found.difference is not None:
            return f"from {stretch.begin}: {found.difference}"
        if found.until < stretch.last or not set(range(stretch.first, stretch.last + 1)) <= ops:
            return f"from {stretch.begin}: compared to {found.until}, and in full are {sorted(ops)}"
        return _SAME if stretch.change is None else _SAME_CHANGED

    def _changed(self, stretch: Stretch) -> str:
        """Return the tape of a run from the start with the same change."""
        assert stretch.change is not None
        path = str(self.folder / "tapes" / f"changed{stretch.begin}.tape")
        watching = orders.watching(self._spec, path)
        changes = (*watching.interventions, replace(stretch.change, iteration=stretch.first))
        with closing(Run.launch(replace(watching, interventions=changes, ends_after=stretch.last + 1))) as run:
            while run.is_live:
                run.pump(0.05)
        return path

    def _compare(self, one: Script, alone: Done) -> None:
        """Hold the script against itself without gradb."""
        told = (alone.out + alone.err).splitlines()
        if self.case.prints and not alone.err and printed(self._spec.tape) != told:
            self.faults.append("it has printed something else")
        if one.run.return_code != alone.code:
            self.faults.append(f"its exit code is {one.run.return_code}, and {alone.code} without gradb")
        self.faults += _different(self.folder / "bare", self.folder / "run")

    def strange(self) -> list[str]:
        """Return the outcomes that are none of those that may be."""
        return [
            why for why in self.outcomes if why not in _FINE and not (self.case.why and re.search(self.case.why, why))
        ]


_WHOLE, _SAME, _SAME_CHANGED = "whole", "the same", "the same, with a change"
SAME = {_SAME, _SAME_CHANGED}
_FINE = {_WHOLE, *SAME}
_BARE = """
import random, sys
random.seed(5)
import torch
torch.manual_seed(5)
try:
    import numpy
    numpy.random.seed(5)
except ImportError:
    pass
sys.argv[0] = "script.py"
exec(compile(open("script.py").read(), "script.py", "exec"))
"""


def _different(one: Path, other: Path) -> list[str]:
    """Return which files of two folders are not the same."""
    files = [
        {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()} for folder in (one, other)
    ]
    names = sorted({*files[0], *files[1]})
    return [
        f"{name} is another file"
        for name in names
        if name not in files[0] or name not in files[1] or files[0][name].read_bytes() != files[1][name].read_bytes()
    ]


def main() -> None:
    """Run the rounds, and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.relives", description="Live stretches again.")
    parser.add_argument("--count", type=int, default=300, help="stretches that are lived again or refused")
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--only", help="part of a script's name")
    options = parser.parse_args()
    subprocess.Popen = WarmParts  # type: ignore[misc]
    cases = [case for case in CASES if (options.only or "") in case.path.stem]
    seed, found, failed = options.seed, Counter[str](), list[int]()
    while found.total() < options.count:
        case = cases[seed % len(cases)]
        with tempfile.TemporaryDirectory(prefix="gradb-relives-") as folder:
            one = Round(case, seed, Path(folder).resolve())
            one.hold()
        found.update(why if why in _FINE else "refused, or to be looked at" for why in one.outcomes if why != _WHOLE)
        bad = [*one.strange(), *one.faults]
        failed += [seed] if bad else []
        print(f"{seed} {case.path.stem}: {'; '.join(bad) if bad else ', '.join(one.outcomes)}", flush=True)
        seed += 1
    print(f"{dict(found)}; rounds that did not hold: {failed or 'none'}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
