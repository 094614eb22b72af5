"""Which panes are on the screen: one that has the whole body, which of those that share a place is in front, how much
room each has.

It shows and hides the panes of one screen by what `gradb.tui.layout` says; what they draw is no affair of its own. What
the user has made of a size of the terminal holds for that size, and is remembered where there is a memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from textual.geometry import Size

from gradb.debugger.errors import UserError
from gradb.debugger.numerals import read_whole
from gradb.present.panes.table import PANES, sharing
from gradb.tui.layout import Plan, Shape, SizeClass, brought, is_too_small, place_of, size_class, visible_panes
from gradb.tui.pane import Pane
from gradb.tui.shaping import heightened, hiding, revealing, widened
from gradb.tui.telling import Tone

_COLUMNS, _LINES = 4, 1  # that a border moves without a number
_MOST = 500


class Memory(Protocol):
    """Keeps what the user makes of each size from one run to the next."""

    def load(self) -> tuple[Mapping[SizeClass, Shape], str]:
        """Return what is remembered, and why nothing is where that is worth a sentence."""

    def save(self, shapes: Mapping[SizeClass, Shape]) -> str:
        """Remember; return why that cannot be, else nothing."""


class Arranged(Protocol):
    """The screen, as far as the room of the panes is concerned."""

    last_pane: str

    @property
    def panes(self) -> Mapping[str, Pane]:
        """The panes by their names."""

    @property
    def cells(self) -> Size:
        """Columns and lines of the terminal."""

    @property
    def body(self) -> Size:
        """Those that the panes share."""

    def give_keyboard(self, pane: str) -> None:
        """Put the keyboard into a pane."""

    def rearranged(self, plan: Plan, *, is_too_small: bool) -> None:
        """Hear that other panes may be seen, or elsewhere; ``is_too_small``: the terminal is, for any."""

    def notice(self, text: str, tone: Tone = "news") -> None:
        """Say something to the user."""


class Arranging:
    """Arranges the panes of one screen.

    Args:
        screen: whose panes they are.
        is_typing: tells whether a line to type on has the keyboard.
        memory: what remembers the layout; None: nothing does.
    """

    def __init__(self, screen: Arranged, is_typing: Callable[[], bool], memory: Memory | None = None) -> None:
        self._screen, self._is_typing, self._memory = screen, is_typing, memory
        self.zoomed = ""
        """Name of the pane that has the whole body, or empty."""
        self.fronts = frozenset(sharing(name)[0] for name in PANES)
        """Which of the panes that share a place has it where there is no room for all."""
        self.has_chosen = False
        """The user has chosen between graph and training, or the training has come to the front by itself."""
        self._shapes: dict[SizeClass, Shape] = {}
        self._hid: tuple[str, str] | None = None  # the pane hidden last, and that which has had the keyboard since

    @property
    def plan(self) -> Plan:
        """How the body is divided at the size that the terminal has."""
        size = size_class(*self._screen.cells)
        return Plan(size, self._shapes.get(size, Shape()))

    def begin(self) -> str:
        """Arrange the panes as they were left; return why that cannot be, else nothing."""
        complaint = ""
        if self._memory is not None:
            shapes, complaint = self._memory.load()
            self._shapes = dict(shapes)
        self.arrange()
        return complaint

    # --- which are seen -----------------------------------------------------------------------------------------------

    def show(self, pane: str) -> None:
        """Bring a pane to the front, hidden or not, and put the keyboard there.

        Raises:
            UserError: there is no pane of that name.
        """
        _check(pane)
        self.has_chosen = self.has_chosen or PANES[pane].place == "graph"
        self._take(pane if self.zoomed else "", brought(self.fronts, pane), revealing(pane, self.plan))
        self._screen.give_keyboard(pane)

    def bring_to_front(self, name: str) -> None:
        """Show a pane in the place that it shares; the keyboard goes with the place."""
        screen = self._screen
        behind = screen.last_pane in sharing(name)
        self._take(self.zoomed, brought(self.fronts, name), revealing(name, self.plan))
        if behind and not screen.panes[screen.last_pane].display and not self._is_typing():
            screen.give_keyboard(name)

    def zoom(self) -> None:
        """Give the whole body to the pane that has the keyboard, or give it back to all."""
        self._take("" if self.zoomed else self._screen.last_pane, self.fronts, self.plan.shape)

    def hide(self, pane: str) -> None:
        """Hide the place of a pane, or of the one that has the keyboard; what was hidden so comes back.

        Raises:
            UserError: there is no pane of that name, or it is the last one.
        """
        here, hid, panes = self._screen.last_pane, self._hid, self._screen.panes
        name = hid[0] if not pane and hid is not None and hid[1] == here and self.is_hidden(hid[0]) else pane or here
        _check(name)
        if self.is_hidden(name):
            self.show(name)
            return
        shape = hiding(name, self.plan)
        self.has_chosen = self.has_chosen or PANES[name].place == "graph"
        self._take("", self.fronts, shape)
        if not panes[here].display:
            here = next(each for each, shown in panes.items() if shown.display)
            self._screen.give_keyboard(here)
        self._hid = (name, here)

    def is_hidden(self, pane: str) -> bool:
        """Tell whether the user has hidden the place of a pane."""
        return place_of(PANES[pane], self.plan.size) in self.plan.shape.hidden

    # --- how much room ------------------------------------------------------------------------------------------------

    def widen(self, sign: int, argument: str) -> None:
        """Make the pane that has the keyboard wider (1) or narrower (-1) by a number of cells.

        Raises:
            UserError: that is no number, or there is no room.
        """
        by = sign * _number(argument, _COLUMNS)
        shape = widened(self._screen.last_pane, by, self._seen(), self.plan, *self._screen.body)
        self._take("", self.fronts, shape)

    def heighten(self, sign: int, argument: str) -> None:
        """Make it taller (1) or shorter (-1) by a number of lines.

        Raises:
            UserError: that is no number, or there is no room.
        """
        by = sign * _number(argument, _LINES)
        shape = heightened(self._screen.last_pane, by, self._seen(), self.plan, *self._screen.body)
        self._take("", self.fronts, shape)

    def reset(self) -> str:
        """Arrange the panes as at first, at this size of the terminal; return what to say."""
        was_shaped = bool(self.zoomed) or self.plan.shape != Shape()
        self._take("", self.fronts, Shape())
        return "the panes are where they were at first" if was_shaped else "the panes are as at first"

    def _seen(self) -> list[str]:
        if self.zoomed:
            raise UserError("one pane has the whole screen: z gives it back")
        return [name for name, pane in self._screen.panes.items() if pane.display]

    # --- the screen ---------------------------------------------------------------------------------------------------

    def arrange(self) -> None:
        """Show the panes for which there is room."""
        plan = self.plan
        seen = visible_panes(plan, self.zoomed, self.fronts)
        for name, pane in self._screen.panes.items():
            pane.display = name in seen
        self._screen.rearranged(plan, is_too_small=is_too_small(*self._screen.cells))

    def _take(self, zoomed: str, fronts: frozenset[str], shape: Shape) -> None:
        """Arrange the panes anew where that is another arrangement, and remember it."""
        plan = self.plan
        if (self.zoomed, self.fronts, plan.shape) == (zoomed, fronts, shape):
            return
        self.zoomed, self.fronts, self._shapes[plan.size] = zoomed, fronts, shape
        self.arrange()
        if self._memory is not None and shape != plan.shape and (complaint := self._memory.save(self._shapes)):
            self._memory = None
            self._screen.notice(complaint, "warning")


def _check(pane: str) -> None:
    if pane not in PANES:
        raise UserError(f"there is no pane {pane!r}: the panes are {', '.join(PANES)}")


def _number(argument: str, without: int) -> int:
    if not argument:
        return without
    if (found := read_whole(argument, least=1, most=_MOST)) is None:
        raise UserError(f"{argument!r} is not a number of cells from 1 to {_MOST}")
    return found
