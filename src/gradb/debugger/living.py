"""What `relive` asks for: which iteration, where it is seen in full already, and else the run again that would open it.

How somebody is asked whether the script may be run again, and how that is followed, is the front ends'.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gradb.debugger.checkpoints.pool import Pool
from gradb.debugger.errors import UserError
from gradb.debugger.interventions import parse_iteration
from gradb.debugger.lived import Lived
from gradb.debugger.rerun.following import Tell, silent
from gradb.debugger.rerun.relived import Relived, beside
from gradb.debugger.rerun.reliving import Opened, beginning, known, onwards, relive
from gradb.debugger.rerun.watched import Watched, of_run, of_tape
from gradb.frame.called import Place
from gradb.frame.reader import TapeError
from gradb.link.spec import RunSpec
from gradb.tape.kinds.event import Event

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger

_FROM_START = "from its start a script is run again only once it has come to its end (`finish`)"
_ALIKE = (frozenset({"loss", "backward_start"}), frozenset({"step"}))
"""Kinds of events that are told of the same, be it only watched or in full."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An iteration that is to be seen in full."""

    tape: str
    """Path of the first run's tape."""
    iteration: int
    found: Relived | None
    """Where it is in full already; None: the script would have to be run again."""
    pool: Pool = field(default_factory=Pool)
    """What waits of the first run."""
    spec: RunSpec | None = None
    """What the first run was started with; None where it is a recording."""
    is_live: bool = False
    """Whether its script has not come to its end yet: then only a checkpoint can be gone on from."""

    @property
    def reach(self) -> int | None:
        """How many iterations before and after it are lived again too; None: as usual."""
        return 0 if self.is_live else None

    @property
    def has_checkpoint(self) -> bool:
        """True where it can be lived again from a checkpoint, which nobody has to agree to.

        Raises:
            UserError: the tape cannot be read.
        """
        begin = beginning(self.tape, self.iteration, self.reach)
        return bool(len(self.pool)) and self.pool.before(begin) is not None

    def go_on(self, tell: Tell = silent) -> Opened:
        """Live it again from the nearest checkpoint: see ``onwards``.

        Raises:
            UserError: the iteration cannot be put beside the tape.
        """
        assert self.spec is not None
        opened = onwards(of_run(self.spec, self.tape), self.pool, self.iteration, self.reach, tell=tell)
        return opened if opened is not None else Opened(None, None, "the checkpoint before it is gone")

    def first(self) -> Watched:
        """Return the first run, and what has to be agreed to before it is run again.

        Raises:
            UserError: it cannot be run again.
        """
        if self.is_live:
            raise UserError(_FROM_START)
        first = of_tape(self.tape)
        return first if self.spec is None else replace(first, consent=replace(first.consent, is_from_tape=False))

    def run(self, first: Watched, tell: Tell = silent) -> Opened:
        """Run the script again; somebody has agreed to ``first.consent``.

        Raises:
            UserError: it cannot be run again, or the iteration not be put beside the tape.
        """
        return relive(first, self.iteration, is_agreed=True, tell=tell)


def wanted(debugger: Debugger, argument: str) -> Wanted:
    """Return what an argument asks for: ``3000`` or ``@3000`` an iteration, nothing: that of the position.

    Raises:
        UserError: there is no such iteration, or nothing to compare; or the script has not come to its end, and no
            checkpoint waits before it.
    """
    tape = debugger.run.tape
    if tape is None:
        raise UserError(debugger.failure or f"nothing is recorded yet ({debugger.status})")
    iteration = _iteration(debugger, argument)
    run = debugger.run
    asked = Wanted(tape.path, iteration, known(tape.path, iteration), run.checkpoints, run.spec, run.is_live)
    if asked.found is None and asked.is_live:
        _check_live(debugger, asked)
    return asked


def _check_live(debugger: Debugger, asked: Wanted) -> None:
    """Make sure that an iteration can be lived again beside a script that has not come to its end.

    Raises:
        UserError: it is running, or in that iteration; or no checkpoint waits before it.
    """
    if debugger.is_running:
        raise UserError("the script is running: pause it first")
    if asked.iteration >= debugger.iteration:
        raise UserError(f"iteration {asked.iteration:,} is not over yet: it is lived again once it is")
    if not asked.has_checkpoint:
        raise UserError(f"no checkpoint waits before iteration {asked.iteration:,}, and {_FROM_START}")


def _iteration(debugger: Debugger, argument: str) -> int:
    if text := argument.strip():
        return parse_iteration(text.removeprefix("@").strip())
    if (here := debugger.event()) is None:
        raise UserError("the position is in no iteration yet: say which, e.g. `relive 3000`")
    training = debugger.training()
    return training.iterations if training is not None and here.iteration > training.total > 0 else here.iteration


def arrive(debugger: Debugger, asked: Wanted, found: Relived) -> tuple[str, str]:
    """Put an iteration in its place that is in full; return the statement that goes there, and what is to be said.

    The statement is empty where the position is in it already. Where the position is at a loss or a step of that
    iteration as it was watched, it leads to that very backward or step, else to the first event.

    Raises:
        UserError: its tape cannot be read.
    """
    if found.path == asked.tape:
        return f"iteration @{asked.iteration}", f"iteration {asked.iteration:,} is in full as it is recorded"
    here = debugger.event()
    if debugger.spot.lived is not None and here is not None and here.iteration == asked.iteration:
        return "", f"iteration {asked.iteration:,} is in full here already"
    try:
        if debugger.run.tape is not None:
            debugger.put_in_place(beside(debugger.run.tape))
        lived = debugger.inplace.covering(asked.iteration)
        event = 1 if lived is None or here is None else _same(debugger, here, lived, asked.iteration)
    except TapeError as error:
        raise UserError(str(error)) from error
    lies = "/".join(Path(found.path).parts[-2:])
    return f"goto {Place(event, asked.iteration)}", f"iteration {asked.iteration:,} is in full here, from {lies}"


def _same(debugger: Debugger, here: Event, lived: Lived, iteration: int) -> int:
    """Return which event of an iteration is the backward or step that was watched at ``here``; 1: it is neither."""
    kinds = next((kinds for kinds in _ALIKE if here.kind in kinds), None)
    if kinds is None or here.iteration != iteration or debugger.spot.lived is not None or debugger.run.tape is None:
        return 1
    nth, seq = 0, here.seq
    while seq and (event := debugger.run.tape.event(seq)).iteration == iteration:
        nth, seq = nth + (event.kind in kinds), seq - 1
    begin = lived.called.begin(iteration)
    for event in lived.tape.events(begin):
        nth -= event.kind in kinds
        if not nth or event.iteration != iteration:
            return 1 if nth else event.seq - begin + 1
    return 1
