"""What the commands `find` and `jump` do on the screen."""

from __future__ import annotations

from textual.screen import Screen

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.seeking import node_called
from gradb.tui.find import FindLine
from gradb.tui.keybar import KeyBar
from gradb.tui.pane import Pane


def open_find(screen: Screen[None], pane: Pane, text: str) -> None:
    """Open the find line for a pane, in the place of the key bar; with a text it is looked for at once."""
    screen.query_one(KeyBar).display = False
    screen.query_one(FindLine).open(pane, pane.search, text)


def node_to_jump_to(debugger: Debugger | None, name: str) -> int:
    """Return the node that a name means, or without one the node that the event is about.

    Raises:
        UserError: there is none.
    """
    if debugger is None:
        raise UserError("there is no run yet")
    return node_called(debugger, name)
