"""The pure part of a key: the movement, its Frame, and every pane that a screen of a size shows, as text."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from rich.console import Console

from gradb.debugger.commands.language import parse
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.frame.frame import Frame
from gradb.present.options import Grads, Options
from gradb.present.panes.table import PANES, sharing
from gradb.tui.layout import Cells, Plan, places, size_class, visible_panes
from tests.bench.reader.keys import Key, Times, turns

SIZE = (200, 60)
_FILLED = frozenset({"graph", "training", "grads"})  # drawn to the height that there is
_BORDER = 2


class Silent:
    """A front end that says nothing."""

    def notice(self, text: str) -> None:
        """Say nothing."""

    def show(self, pane: str) -> None:
        """Show nothing."""

    def gradcheck(self, argument: str) -> None:
        """Check nothing."""

    def answer(self, argument: str) -> None:
        """Judge nothing."""

    def find(self, argument: str) -> None:
        """Find nothing."""

    def jump(self, argument: str) -> None:
        """Go nowhere."""

    def why(self, argument: str) -> None:
        """Tell nothing."""

    def relive(self, argument: str) -> None:
        """Open nothing."""

    def branch(self, argument: str) -> None:
        """Make nothing."""

    def branches(self, argument: str) -> None:
        """List nothing."""

    def print(self, argument: str) -> None:
        """Print nothing."""


class Drawer:
    """Draws the panes of a screen as text."""

    def __init__(self, size: tuple[int, int] = SIZE) -> None:
        width, height = size
        plan = Plan(size_class(width, height))
        names = visible_panes(plan, "", frozenset(sharing(name)[0] for name in PANES))
        self._places = places(names, plan, width, height)
        self._console = Console(file=io.StringIO(), width=width, color_system=None)

    def draw(self, debugger: Debugger) -> list[str]:
        """Return the text of each pane."""
        frame, grads = debugger.frame(), debugger.grads
        return [self._text(name, cells, frame, grads) for name, cells in self._places.items()]

    def _text(self, name: str, cells: Cells, frame: Frame, grads: Grads) -> str:
        options = Options(width=cells.width - _BORDER, grads=grads)
        if name in _FILLED:
            options = replace(options, height=cells.height - _BORDER)
        with self._console.capture() as capture:
            self._console.print(PANES[name].render(frame, options), width=options.width)
        return capture.get()


def press(debugger: Debugger, statement: str) -> None:
    """Run a statement; what it does not find it says, and that is drawn too."""
    try:
        for one in parse(statement):
            one.run(debugger, Silent())
    except UserError:
        pass


def measure(path: str, keys: tuple[Key, ...], repeat: int, seed: int = 1) -> Iterator[tuple[str, list[Times]]]:
    """Yield what each press of a key took, the debugger's movement and all panes included, key by key."""
    drawer, debugger = Drawer(), Debugger.open(path)
    try:
        drawer.draw(debugger)
        for name, turned in groupby(turns(keys, debugger.head, repeat, seed), lambda turn: turn[0].name):
            yield name, [_time(drawer, debugger, here, statement) for _, here, statement in turned]
    finally:
        debugger.close()


def _time(drawer: Drawer, debugger: Debugger, here: int, statement: str) -> Times:
    """Go somewhere, and return what a statement takes there."""
    debugger.go(here)
    drawer.draw(debugger)
    began = Times.now()
    press(debugger, statement)
    drawer.draw(debugger)
    return Times.now().since(began)
