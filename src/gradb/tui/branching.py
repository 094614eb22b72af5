"""What `branch` and `branches` do on the screen: a branch is asked for, made and gone to, or chosen from a list.

How a run again is followed is ``again``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from gradb.debugger.errors import CheckpointLost, UserError
from gradb.debugger.rerun.following import Tell
from gradb.present.lines.branches import branch_rows
from gradb.present.options import Listed
from gradb.tui.again import Again
from gradb.tui.session import Session

if TYPE_CHECKING:
    from gradb.debugger.branches.making import Made, Wanted
    from gradb.debugger.commands.language import Statement

_EVERY = 0.4
"""Seconds between two looks at the runs that are listed."""
_RUN_ON = frozenset({"finish", "continue"})
"""Commands that are for the branch that is on its way: the run before it would go far, or to its end."""
_MOST_KEPT = 20
_ALONE = "There is but the first run. `branch zero_grad off` starts another from the position."


Found = TypeVar("Found", "Made", "Made | CheckpointLost")


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
        self._coming = ""
        """The branch that is on its way; empty: none is."""
        self._kept: list[str] = []
        """What is to be carried out there."""

    def ask(self, argument: str) -> None:
        """Make a branch at the position, where the script may be run again; what follows on the line is for it.

        Raises:
            UserError: it cannot be read, or made.
        """
        debugger = self._session.debugger
        if debugger is None:
            raise UserError("there is no run yet that could branch off")
        self._again.check_idle()
        from gradb.debugger.branches.making import wanted  # with what runs a script again: see ``Reliving``

        asked = wanted(debugger, argument)
        if asked.has_checkpoint:
            self._kept = self._session.take_waiting()
            self._start(
                partial(_gone_on, asked), partial(self._went_on, asked), self._called(asked), "from a checkpoint"
            )
        else:
            self._ask(asked)

    def _went_on(self, asked: Wanted, found: Made | CheckpointLost) -> None:
        """Take what came of a checkpoint; where that is nothing, have it made from the start."""
        if not isinstance(found, CheckpointLost):
            self._take(asked, found)
            return
        try:
            self._ask(asked.from_start(str(found)))
        except UserError as error:
            self._give_up()
            self._notice(str(error), "warning")

    def _ask(self, asked: Wanted) -> None:
        from gradb.tui.consent import ConsentScreen

        consent = asked.consent()
        self._kept += self._session.take_waiting()
        if consent.is_needed:
            self._screen.app.push_screen(
                ConsentScreen(consent), lambda is_agreed: self._begin(asked) if is_agreed else self._give_up()
            )
        else:
            self._begin(asked)

    def keeps(self, statement: Statement) -> bool:
        """Keep a statement for the branch that is on its way, where it would have the run before it run on."""
        if not self._coming or statement.command.name not in _RUN_ON or not self._again.is_running:
            return False
        self._kept = [*self._kept, statement.text][-_MOST_KEPT:]
        self._again.then = " and ".join(f"`{text}`" for text in self._kept)
        self._notice(f"`{statement.text}` waits for {self._coming}, and is done there; Esc gives both up")
        return True

    def _begin(self, asked: Wanted) -> None:
        self._start(asked.run, partial(self._take, asked), self._called(asked), "the script is run again up to there")

    def _called(self, asked: Wanted) -> str:
        return f"branch {asked.label} from {_place(asked.place.iteration)}"

    def _start(self, run: Callable[[Tell], Found], show: Callable[[Found], None], coming: str, how: str) -> None:
        self._coming = coming
        self._again.start(run, show, _drop, said=f"{coming} is on its way: {how}", doing=coming, fail=self._give_up)

    def _take(self, asked: Wanted, made: Made) -> None:
        family, kept = self._session.family, self._kept
        self._coming, self._kept = "", []
        if family is None:  # the app is being left
            made.run.close()
            return
        self._session.look_at(family.add(made))
        self._front("training")
        self._notice(f"{family.here.name}: {asked.label} {made.said}")
        if kept:
            self._session.submit("; ".join(kept))

    def _give_up(self) -> None:
        """Forget what was meant for a branch that does not come."""
        self._coming, self._kept = "", []

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

        self._screen.app.push_screen(
            BranchesScreen(lambda: listed(family), lambda: self._coming and self._again.far), self._chosen
        )

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
            kept = self._session.take_waiting()
            self._session.look_at(family.go(key))
            self._notice(place_told(family))
            if kept:
                self._session.submit("; ".join(kept))


def _gone_on(asked: Wanted, tell: Tell) -> Made | CheckpointLost:
    """Have a branch go on from a checkpoint, or return why it cannot."""
    try:
        return asked.go_on(tell)
    except CheckpointLost as error:
        return error


def _drop(found: Made | CheckpointLost) -> None:
    """Let go of what came too late."""
    if not isinstance(found, CheckpointLost):
        found.run.close()


class BranchesScreen(ModalScreen[str | None]):
    """The runs as they are, to choose one from; it is left with what that is gone to by.

    Args:
        runs: returns the runs, as they are now.
        coming: returns what is said of a branch that is on its way; empty where none is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,T", "leave", "Close")]

    def __init__(self, runs: Callable[[], Sequence[Listed]], coming: Callable[[], str]) -> None:
        super().__init__()
        self._look, self._coming = runs, coming
        self._runs: Sequence[Listed] = ()

    def compose(self) -> ComposeResult:
        """Lay out what there is to say, and a row for each run."""
        with Vertical(id="why") as box:
            box.border_title = "branches"
            box.border_subtitle = "Enter goes there, Esc closes"
            yield Static(id="why-text", markup=False)
            yield OptionList(id="why-road")

    def on_mount(self) -> None:
        """Begin at the run that one looks at, and look now and then what has become of the runs."""
        self._update()
        self.set_interval(_EVERY, self._update)

    def _update(self) -> None:
        """Draw what is new."""
        runs, before = tuple(self._look()), self._runs
        self._say(runs)
        if runs == before:
            return
        self._runs, rows = runs, self.query_one(OptionList)
        if [one.key for one in runs] == [one.key for one in before]:
            for index, one in enumerate(runs):
                rows.replace_option_prompt(one.key, BranchRow(runs, index))
        else:
            chosen = None if rows.highlighted is None else before[rows.highlighted].key
            rows.clear_options()
            rows.add_options(Option(BranchRow(runs, index), id=one.key) for index, one in enumerate(runs))
            rows.highlighted = next((index for index, one in enumerate(runs) if one.key == chosen), None)
        if _here(before) != _here(runs):
            rows.highlighted = _here(runs)

    def _say(self, runs: Sequence[Listed]) -> None:
        """Say that a branch is on its way, or where there is none how one is made."""
        coming = self._coming()
        said = f"on its way: {coming}" if coming else _ALONE if len(runs) == 1 else ""
        text = self.query_one("#why-text", Static)
        text.update(Text(said))
        text.display = bool(said)

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """Go to the run of the row."""
        self.dismiss(message.option_id)

    def action_leave(self) -> None:
        """Stay."""
        self.dismiss(None)


@dataclass(frozen=True, slots=True)
class BranchRow:
    """The row of one of the runs as a renderable: on two lines where the list is too narrow for one of them."""

    runs: Sequence[Listed]
    index: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        yield branch_rows(self.runs, options.max_width)[self.index]


def _place(iteration: int) -> str:
    return f"iteration {iteration:,}" if iteration else "the start"


def _here(runs: Sequence[Listed]) -> int | None:
    """Return which run one looks at."""
    return next((index for index, one in enumerate(runs) if one.is_here), None)
