"""A script that is run again beside the screen: on a thread of its own, which tells how far it is.

It is given up when the screen is left. What is run, and what becomes of it, is the affair of who asks for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from textual.screen import Screen
from textual.worker import Worker, get_current_worker

from gradb.algebra.figures import number
from gradb.debugger.errors import UserError
from gradb.debugger.rerun.following import Tell
from gradb.debugger.run import Run
from gradb.present.lines.underway import again_line

_EVERY = 0.25  # seconds between two words on how far it is
Result = TypeVar("Result")


class Again:
    """Has a script run again, one at a time.

    Args:
        screen: beside which it runs.
        notice: says a sentence to the user.
    """

    def __init__(self, screen: Screen[None], notice: Callable[..., None]) -> None:
        self._screen, self._notice = screen, notice
        self._worker: Worker[None] | None = None

    @property
    def is_running(self) -> bool:
        """True while the script is run again."""
        return self._worker is not None and self._worker.is_running

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
    ) -> None:
        """Run something on a thread, and have what comes of it shown.

        Args:
            run: does it, and tells how far it is, by which it is ended where it was given up; may raise UserError.
            show: takes what came of it.
            drop: lets go of what came of it where it was given up by then.
            said: is said when it begins.
        """
        self._notice(said)
        self._worker = self._screen.run_worker(lambda: self._run(run, show, drop), thread=True, exit_on_error=False)

    # --- on the thread ------------------------------------------------------------------------------------------------

    def _run(
        self, run: Callable[[Tell], Result], show: Callable[[Result], None], drop: Callable[[Result], object]
    ) -> None:
        worker, said, began = get_current_worker(), 0.0, time.monotonic()

        def tell(news: Run) -> None:
            nonlocal said
            if worker.is_cancelled:
                raise UserError("the run again was given up")
            if time.monotonic() - said > _EVERY:
                said = time.monotonic()
                self._screen.call_later(self._notice, _how_far(news, said - began))

        try:
            result = run(tell)
        except UserError as error:
            if not worker.is_cancelled:
                self._screen.call_later(self._notice, f"the script could not be run again: {error}", "warning")
        else:
            if worker.is_cancelled or not self._screen.call_later(show, result):
                drop(result)


def _how_far(run: Run, seconds: float) -> str:
    news = run.pace.news
    loss = f", loss {number(news.loss)}" if news.loss is not None else ""
    return again_line("run again", f"iteration {news.iteration:,}{loss}", seconds)
