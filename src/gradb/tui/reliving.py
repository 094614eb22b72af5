"""What `relive` does on the screen: it asks, has the script run again, and goes to the iteration that was opened."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.screen import Screen

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.tui.again import Again

if TYPE_CHECKING:
    from gradb.debugger.living import Wanted
    from gradb.debugger.rerun.relived import Relived
    from gradb.debugger.rerun.reliving import Opened
    from gradb.debugger.rerun.watched import Watched


class Reliving:
    """Carries out `relive` for the debug screen.

    Args:
        screen: over which it is asked.
        again: has the script run again.
        notice: says one or several lines to the user.
        state: carries out a statement.
    """

    def __init__(
        self, screen: Screen[None], again: Again, notice: Callable[..., None], state: Callable[[str], None]
    ) -> None:
        self._screen, self._again, self._notice, self._state = screen, again, notice, state

    def ask(self, debugger: Debugger | None, argument: str) -> None:
        """Go to an iteration that is in full; where it was only watched, offer to run the script again.

        Raises:
            UserError: there is no such iteration, or the script cannot be run again.
        """
        if debugger is None:
            raise UserError("there is no run yet, and so no iteration of it")
        self._again.check_idle()
        from gradb.debugger.living import wanted  # with what runs a script again: the first paint is not to wait for it

        asked = wanted(debugger, argument)
        if asked.found is not None:
            self._arrive(debugger, asked, asked.found)
        elif asked.has_checkpoint:
            said = f"iteration {asked.iteration:,} is lived again from a checkpoint"
            self._again.start(
                asked.go_on,
                lambda opened: self._went_on(debugger, asked, opened),
                lambda opened: self._came_late(debugger, opened),
                said=said,
            )
        else:
            self._ask(debugger, asked)

    def _went_on(self, debugger: Debugger, asked: Wanted, opened: Opened) -> None:
        """Show what came of a checkpoint; where that is nothing, offer to run the script from its start."""
        if opened.relived is None:
            try:
                self._ask(debugger, asked, tuple(opened.sentences))
            except UserError as error:
                self._notice(str(error), "warning")
        else:
            self._show(debugger, asked, opened)

    def _ask(self, debugger: Debugger, asked: Wanted, said: tuple[str, ...] = ()) -> None:
        from gradb.tui.consent import ConsentScreen

        try:
            first = asked.first()
        except UserError as error:
            raise UserError("; ".join([*said, str(error)])) from error
        self._screen.app.push_screen(
            ConsentScreen(first.consent, said),
            lambda is_agreed: self._left(debugger, asked, first) if is_agreed else None,
        )

    def _left(self, debugger: Debugger, asked: Wanted, first: Watched) -> None:
        self._again.start(
            lambda tell: asked.run(first, tell),
            lambda opened: self._show(debugger, asked, opened),
            lambda opened: self._came_late(debugger, opened),
        )

    def _came_late(self, debugger: Debugger, opened: Opened) -> None:
        """Take in, in the loop, what was put beside the tape before the run could be given up."""
        if (relived := opened.relived) is not None:
            self._screen.call_later(self._take, debugger, relived)

    def _take(self, debugger: Debugger, relived: Relived) -> None:
        from gradb.debugger.rerun.relived import beside

        if debugger.run.tape is None:  # the app is being left
            return
        with contextlib.suppress(UserError):
            debugger.put_in_place(beside(debugger.run.tape))
        self._state("")  # which shows that it is there
        at = relived.iteration
        self._notice(f"it was over before that: iteration {at:,} is in full, and `relive {at}` goes there")

    def _show(self, debugger: Debugger, asked: Wanted, opened: Opened) -> None:
        if opened.relived is None:
            self._notice("\n".join(opened.sentences), "warning")
        else:
            said = opened.sentences[0] if opened.again is not None else ""
            self._arrive(debugger, asked, opened.relived, said)

    def _arrive(self, debugger: Debugger, asked: Wanted, found: Relived, said: str = "") -> None:
        from gradb.debugger.living import arrive

        statement, where = arrive(debugger, asked, found)
        if statement:
            self._state(statement)
        self._notice("; ".join(filter(None, (where, said))))
