"""One script, watched once, of which stretches are lived again: see the package."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from gradb.debugger.errors import UserError
from gradb.debugger.rerun import orders
from gradb.debugger.rerun.comparison import compare
from gradb.debugger.run import Run
from gradb.frame.reader import Tape
from gradb.link.checkpoints import NotStarted, Waiting
from gradb.link.spec import Intervention, RunSpec
from tests.e2e.checkpointed import Script, begun, full, printed, script
from tests.e2e.gradb_process import DEADLINE, Done, bare, wait_until_none_with
from tests.e2e.relives.branching import branch, chosen, finish
from tests.e2e.relives.cases import Case

_SETTLED = 12
_OURS = {".tape", ".py", ".branches"}
WHOLE, _SAME, _SAME_CHANGED = "whole", "the same", "the same, with a change"
BRANCHED = "the same, branched off"
SAME = {_SAME, _SAME_CHANGED, BRANCHED}
FINE = {WHOLE, *SAME}
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
            if not (stretches or self.outcomes):
                self.outcomes.append(f"not run: {' '.join(printed(self._spec.tape)[-1:])}")
            self.outcomes += [self._come_of(stretch) for stretch in stretches]
            self.outcomes += [self._held_against(stretch) for stretch in stretches if stretch.is_whole]
            early = [waiting for waiting in one.waiting if waiting.iteration < self.case.steps]
            self.outcomes += [self._branched(one, waiting) for waiting in early if self._chance.random() < 0.4]
        wait_until_none_with(str(self.folder))
        left = [path.name for path in (self.folder / "tapes").iterdir() if path.suffix not in _OURS]
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
        return WHOLE if stretch.is_whole else status

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

    def _branched(self, one: Script, waiting: Waiting) -> str:
        """Have a command make a branch from a checkpoint, and hold it against a run from the start."""
        first, last = chosen(self._chance, waiting.iteration, self.case.steps)
        stretch = Stretch(waiting.iteration, first, last, self._chance.choice(_CHANGES), self.folder)
        assert stretch.change is not None
        try:
            run = branch(one, waiting, first, stretch.change)
        except UserError as error:
            return f"not branched: {error}"
        if status := finish(run, last):
            return status
        with (
            Tape.open(self._changed(stretch, "anew"), is_over=True) as tape,
            Tape.open(run.path, is_over=True) as again,
        ):
            found = compare(tape.series, again.series, last)
        if found.difference is not None or found.until < last:
            return f"the branch from {waiting.iteration} at {first}: {found.difference or f'ends at {found.until}'}"
        return BRANCHED

    def _changed(self, stretch: Stretch, name: str = "changed") -> str:
        """Return the tape of a run from the start with the same change."""
        assert stretch.change is not None
        path = str(self.folder / "tapes" / f"{name}{stretch.begin}.tape")
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
            why for why in self.outcomes if why not in FINE and not (self.case.why and re.search(self.case.why, why))
        ]


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
