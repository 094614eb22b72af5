"""What `branch` and `branches` do on the screen: a branch is asked for, made and gone to, or chosen from a list.

How a run again is followed is ``again``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from gradb.debugger.errors import UserError
from gradb.present.lines.branches import branch_rows
from gradb.present.options import Listed
from gradb.tui.again import Again
from gradb.tui.session import Session

if TYPE_CHECKING:
    from gradb.debugger.branches.making import Made, Wanted


class Branching:
    """Carries out `branch` and `branches` for the debug screen.

    Args:
        screen: over which it is asked.
        again: has the script run again.
        notice: says one or several lines to the user.
        session: whose runs they are.
        front: brings a pane to the front.
    """

    def __init__(
        self,
        screen: Screen[None],
        again: Again,
        notice: Callable[..., None],
        session: Session,
        front: Callable[[str], None],
    ) -> None:
        self._screen, self._again, self._notice, self._session, self._front = screen, again, notice, session, front

    def ask(self, argument: str) -> None:
        """Make a branch at the position, where the script may be run again.

        Raises:
            UserError: it cannot be read, or made.
        """
        debugger = self._session.debugger
        if debugger is None:
            raise UserError("there is no run yet that could branch off")
        self._again.check_idle()
        from gradb.debugger.branches.making import wanted  # with what runs a script again: see ``Reliving``
        from gradb.tui.consent import ConsentScreen

        asked = wanted(debugger, argument)
        consent = asked.consent()
        if consent.is_needed:
            self._screen.app.push_screen(
                ConsentScreen(consent), lambda is_agreed: self._begin(asked) if is_agreed else None
            )
        else:
            self._begin(asked)

    def _begin(self, asked: Wanted) -> None:
        self._again.start(asked.run, lambda made: self._take(asked, made), lambda made: made.run.close())

    def _take(self, asked: Wanted, made: Made) -> None:
        family = self._session.family
        if family is None:  # the app is being left
            made.run.close()
            return
        self._session.look_at(family.add(made))
        self._front("training")
        self._notice(f"{family.here.name}: {asked.label} {made.said}")

    def list(self, argument: str) -> None:
        """List the branches to choose from, or go to another run.

        Raises:
            UserError: there is none.
        """
        family = self._session.family
        if family is None:
            raise UserError("there is no run yet")
        family.find()
        family.haunt(self._session.ghost)
        if argument:
            self._go(argument)
            return
        from gradb.debugger.branches.telling import listed

        self._screen.app.push_screen(BranchesScreen(listed(family)), self._chosen)

    def _chosen(self, key: str | None) -> None:
        if key is not None:
            try:
                self._go(key)
            except UserError as error:
                self._notice(str(error), "warning")

    def _go(self, key: str) -> None:
        from gradb.debugger.branches.telling import place_told

        family = self._session.family
        if family is not None:
            self._session.look_at(family.go(key))
            self._notice(place_told(family))


class BranchesScreen(ModalScreen[str | None]):
    """The runs, to choose one from; it is left with what that is gone to by."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,T", "leave", "Close")]

    def __init__(self, runs: Sequence[Listed]) -> None:
        super().__init__()
        self._runs = runs

    def compose(self) -> ComposeResult:
        """Lay out a row for each run."""
        with Vertical(id="why") as box:
            box.border_title = "branches"
            box.border_subtitle = "Enter goes there, Esc closes"
            if len(self._runs) == 1:
                text = "There is but the first run. `branch zero_grad off` starts another from the position."
                yield Static(Text(text), id="why-text", markup=False)
            rows = zip(branch_rows(self._runs), self._runs, strict=True)
            yield OptionList(*(Option(row, id=one.key) for row, one in rows), id="why-road")

    def on_mount(self) -> None:
        """Begin at the run that one looks at."""
        self.query_one(OptionList).highlighted = next(
            (index for index, one in enumerate(self._runs) if one.is_here), None
        )

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """Go to the run of the row."""
        self.dismiss(message.option_id)

    def action_leave(self) -> None:
        """Stay."""
        self.dismiss(None)
