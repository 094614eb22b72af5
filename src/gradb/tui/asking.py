"""What `why` does on the screen: it tells what is found, and where that was only watched it has the script run again.

The run again is on a thread of its own, which tells how far it is; it is given up when the screen is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.worker import Worker, get_current_worker

from gradb.algebra.figures import number
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.run import Run
from gradb.frame.called import Called
from gradb.present.lines.underway import again_line

if TYPE_CHECKING:
    from gradb.debugger.why import Answer, Offer
    from gradb.diagnosis.fault import Fault
    from gradb.diagnosis.nonfinite.explanation import Explanation, Nothing

_EVERY = 0.25  # seconds between two words on how far it is


class Asking:
    """Carries out `why` for the debug screen.

    Args:
        screen: over which the answer is laid.
        notice: says a sentence to the user.
        go: goes to an event, by its name.
    """

    def __init__(self, screen: Screen[None], notice: Callable[..., None], go: Callable[[str], None]) -> None:
        self._screen, self._notice, self._go = screen, notice, go
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

    def ask(self, debugger: Debugger | None, argument: str) -> None:
        """Tell what is found; `again`: of the run, what a run again would show.

        Raises:
            UserError: there is nothing to ask, or nothing that a run again would show.
        """
        if debugger is None or debugger.tape is None:
            raise UserError(
                "there is no run yet to ask" if debugger is None else debugger.failure or "nothing is recorded"
            )
        if self.is_running:
            raise UserError("the script is being run again: its answer comes when that is over")
        from gradb.debugger.why import (
            AGAIN,
            ask,
            why,
        )  # with all rules: the first paint is not to wait for it
        from gradb.diagnosis.nonfinite import explanation
        from gradb.tui.why import WhyScreen

        is_again = argument.strip() == AGAIN
        found = ask(debugger.run.tape or debugger.tape) if is_again else why(debugger, argument)
        offered, refusal = _offered(debugger, found)
        if is_again and offered is None:
            raise UserError(refusal or "a run again would show no more than what is recorded")
        run = debugger.frame().run
        called = found.called if isinstance(found, explanation.Explanation) else run.called
        screen = WhyScreen(found, run, offered, (refusal,) if refusal else ())
        self._screen.app.push_screen(screen, lambda chosen: self._left(chosen, offered, called))

    def _left(self, chosen: int | None, offered: Offer | None, called: Called) -> None:
        from gradb.tui.why import RUN_AGAIN

        if chosen == RUN_AGAIN and offered is not None:
            self._notice("the script is run again")
            self._worker = self._screen.run_worker(lambda: self._run(offered), thread=True, exit_on_error=False)
        elif chosen:
            self._go(called(chosen))

    # --- on the thread ------------------------------------------------------------------------------------------------

    def _run(self, offered: Offer) -> None:
        from gradb.debugger.why import run_again

        worker, said, began = get_current_worker(), 0.0, time.monotonic()

        def tell(run: Run) -> None:
            nonlocal said
            if worker.is_cancelled:
                raise UserError("the run again was given up")
            if time.monotonic() - said > _EVERY:
                said = time.monotonic()
                self._screen.call_later(self._notice, _how_far(run, said - began))

        try:
            answer = run_again(offered.first, offered.found, tell)
        except UserError as error:
            if not worker.is_cancelled:
                self._screen.call_later(self._notice, f"the script could not be run again: {error}", "warning")
        else:
            self._screen.call_later(self._show, answer)

    def _show(self, answer: Answer) -> None:
        """Show what the run again has found: its events are of another recording, so no row leads anywhere."""
        from gradb.tui.why import WhyScreen

        self._notice("the script was run again")
        self._screen.app.push_screen(WhyScreen(answer.found, None, remarks=answer.remarks))


def _offered(debugger: Debugger, found: Explanation | Nothing | Fault) -> tuple[Offer | None, str]:
    """Return what is offered, and why nothing is where something would be."""
    from gradb.debugger.why import offer

    try:
        return offer(debugger, found), ""
    except UserError as error:
        return None, f"It cannot be looked at closer by a run again: {error}"


def _how_far(run: Run, seconds: float) -> str:
    news = run.pace.news
    loss = f", loss {number(news.loss)}" if news.loss is not None else ""
    return again_line("run again", f"iteration {news.iteration:,}{loss}", seconds)
