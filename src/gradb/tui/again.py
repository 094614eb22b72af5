"""A script that is run again beside the screen: on a thread of its own, which tells how far it is.

It is given up when the screen is left. What is run, and what becomes of it, is the affair of who asks for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from textual.screen import Screen
from textual.worker import Worker, get_current_worker

from gradb.algebra.figures import number
from gradb.debugger.errors import UserError
from gradb.debugger.rerun.following import Tell
from gradb.debugger.run import Run
from gradb.present.lines.underway import again_line

_EVERY = 0.25  # seconds between two words on how far it is
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Task(Generic[Result]):
    """What is run, and what becomes of it: see ``Again.start``."""

    run: Callable[[Tell], Result]
    show: Callable[[Result], None]
    drop: Callable[[Result], object]
    doing: str
    fail: Callable[[], object]


class Again:
    """Has a script run again, one at a time.

    Args:
        screen: beside which it runs.
        notice: says a sentence to the user.
    """

    def __init__(self, screen: Screen[None], notice: Callable[..., None]) -> None:
        self._screen, self._notice = screen, notice
        self._worker: Worker[None] | None = None
        self._far = ""
        self.then = ""
        """What is done once it is over, as that is said; empty: nothing was asked for."""

    @property
    def is_running(self) -> bool:
        """True while the script is run again."""
        return self._worker is not None and self._worker.is_running

    @property
    def far(self) -> str:
        """What it is run again for, and how far it is; empty where it is not."""
        return self._far if self.is_running else ""

    def give_up(self) -> bool:
        """Give up the run again, if there is one; return whether there was."""
        if self._worker is None or not self._worker.is_running:
            return False
        self._worker.cancel()
        return True

    def check_idle(self) -> None:
        """Make sure that nothing is run again.

        Raises:
            UserError: something is.
        """
        if self.is_running:
            raise UserError("the script is being run again: its answer comes when that is over")

    def start(
        self,
        run: Callable[[Tell], Result],
        show: Callable[[Result], None],
        drop: Callable[[Result], object] = lambda result: None,
        said: str = "the script is run again",
        doing: str = "run again",
        fail: Callable[[], object] = lambda: None,
    ) -> None:
        """Run something on a thread, and have what comes of it shown.

        Args:
            run: does it, and tells how far it is, by which it is ended where it was given up; may raise UserError.
            show: takes what came of it.
            drop: lets go, on that thread, of what came of it where it was given up by then.
            said: is said when it begins.
            doing: what it is run again for, as it is said while it runs.
            fail: hears that nothing came of it.
        """
        self._notice(said)
        self._far, self.then = doing, ""
        self._worker = self._screen.run_worker(
            lambda: self._run(_Task(run, show, drop, doing, fail)), thread=True, exit_on_error=False
        )

    # --- on the thread ------------------------------------------------------------------------------------------------

    def _run(self, task: _Task[Result]) -> None:
        worker, said, began = get_current_worker(), 0.0, time.monotonic()

        def tell(news: Run) -> None:
            nonlocal said
            if worker.is_cancelled:
                raise UserError("the run again was given up")
            if time.monotonic() - said > _EVERY:
                said = time.monotonic()
                self._screen.call_later(self._tell, task.doing, _how_far(news), said - began)

        try:
            result = task.run(tell)
        except UserError as error:
            self._screen.call_later(self._fail, task.fail, "" if worker.is_cancelled else str(error))
        else:
            if worker.is_cancelled or not self._screen.call_later(task.show, result):
                task.drop(result)
                self._screen.call_later(task.fail)

    # --- in the loop --------------------------------------------------------------------------------------------------

    def _tell(self, doing: str, done: str, seconds: float) -> None:
        doing += f", then {self.then}" if self.then else ""
        self._far = f"{doing}: {done}" if done else doing
        self._notice(again_line(doing, done, seconds))

    def _fail(self, fail: Callable[[], object], why: str) -> None:
        if why:
            self._notice(f"the script could not be run again: {why}", "warning")
        fail()


def _how_far(run: Run) -> str:
    news = run.pace.news
    loss = f", loss {number(news.loss)}" if news.loss is not None else ""
    return f"iteration {news.iteration:,}{loss}" if news.iteration else ""
