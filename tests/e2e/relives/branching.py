"""A branch that a command makes from a checkpoint, held against a run from the start with the same change."""

from __future__ import annotations

import random
import time
from typing import Any

from gradb.debugger.branches.making import Wanted
from gradb.debugger.branches.places import Place
from gradb.debugger.checkpoints.pool import Pool
from gradb.debugger.errors import UserError
from gradb.debugger.run import Run
from gradb.frame.called import begin_of
from gradb.frame.reader import Tape
from gradb.link.checkpoints import Waiting
from gradb.link.messages import Continue
from gradb.link.spec import Intervention
from gradb.tape.stops import Stop
from tests.e2e.checkpointed import Script
from tests.e2e.gradb_process import DEADLINE


class _Line:
    """Over which one checkpoint has come."""

    is_over = False

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = [waiting]

    def take(self) -> list[Any]:
        found, self._waiting = self._waiting, []
        return found

    def close(self) -> None:
        pass


def branch(one: Script, waiting: Waiting, first: int, change: Intervention) -> Run:
    """Have a branch made from a checkpoint with a change before an iteration; its run is held there.

    Raises:
        UserError: nothing came of it.
    """
    pool = Pool(_Line(waiting), most=8)
    pool.look()
    path = str(one.run.path)
    with Tape.open(path, is_over=True) as tape:
        position = begin_of(first, tape.event, tape.head) - 1
        iteration = tape.event(position).iteration if position else 0
    wanted = Wanted(Place(path, position, within=iteration), change, one.spec, pool=pool)
    if not wanted.has_checkpoint:
        raise UserError(f"the checkpoint at iteration {waiting.iteration} is not before {iteration}")
    return wanted.go_on().run


def finish(run: Run, last: int) -> str:
    """Have it go on until an iteration is over; return what ended it before that, empty where nothing did."""
    deadline = time.monotonic() + DEADLINE
    run.run_on(Continue(Stop("iteration", str(last + 1))))
    while run.is_live and run.is_running and time.monotonic() < deadline:
        run.pump(0.05)
    status = "" if run.is_live and not run.is_running else run.failure or run.status
    run.close()
    return "" if status == "finished" else status


def chosen(chance: random.Random, begin: int, steps: int) -> tuple[int, int]:
    """Return the iteration before which something is changed, and after which it is enough."""
    first = min(begin + chance.choice((1, 2, 5)), steps)
    return first, min(first + chance.choice((0, 1, 5)), steps)
