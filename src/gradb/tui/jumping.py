"""What the command `jump` does on the screen."""

from __future__ import annotations

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.seeking import node_called


def node_to_jump_to(debugger: Debugger | None, name: str) -> int:
    """Return the node that a name means, or without one the node that the event is about.

    Raises:
        UserError: there is none.
    """
    if debugger is None:
        raise UserError("there is no run yet")
    return node_called(debugger, name)
