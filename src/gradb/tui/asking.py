"""What `why` does on the screen: it tells what is found, and where that was only watched it has the script run again.

How that is run and followed is ``again``'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.screen import Screen

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.frame.called import Called
from gradb.tui.again import Again

if TYPE_CHECKING:
    from gradb.debugger.why import Answer, Offer
    from gradb.diagnosis.fault import Fault
    from gradb.diagnosis.nonfinite.explanation import Explanation, Nothing


class Asking:
    """Carries out `why` for the debug screen.

    Args:
        screen: over which the answer is laid.
        again: has the script run again.
        notice: says a sentence to the user.
        go: goes to an event, by its name.
    """

    def __init__(
        self, screen: Screen[None], again: Again, notice: Callable[..., None], go: Callable[[str], None]
    ) -> None:
        self._screen, self._again, self._notice, self._go = screen, again, notice, go

    def ask(self, debugger: Debugger | None, argument: str) -> None:
        """Tell what is found; `again`: of the run, what a run again would show.

        Raises:
            UserError: there is nothing to ask, or nothing that a run again would show.
        """
        if debugger is None or debugger.tape is None:
            raise UserError(
                "there is no run yet to ask" if debugger is None else debugger.failure or "nothing is recorded"
            )
        self._again.check_idle()
        from gradb.debugger.why import AGAIN, ask, why  # with all rules: the first paint is not to wait for it
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
            from gradb.debugger.why import run_again

            self._again.start(lambda tell: run_again(offered.first, offered.found, tell), self._show)
        elif chosen:
            self._go(called(chosen))

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
