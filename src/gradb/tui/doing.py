"""What the commands about the screen do: one row each, the names being those of the registry.

Each is a small function of the debug screen and the command's argument.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gradb.debugger.errors import UserError
from gradb.tui.help import HelpScreen
from gradb.tui.keys import help_groups
from gradb.tui.layout import PANE_NAMES

if TYPE_CHECKING:
    from gradb.tui.screen import DebugScreen


def focus_pane(screen: DebugScreen, name: str) -> None:
    """Bring a pane to the front and put the keyboard there."""
    if name not in PANE_NAMES:
        raise UserError(f"there is no pane {name!r}: the panes are {', '.join(PANE_NAMES)}")
    if name in ("source", "output"):
        screen.front = name
    if screen.zoomed:
        screen.zoomed = name
    screen.set_focus(screen.panes[name], scroll_visible=False)


def _to(name: str) -> Callable[[DebugScreen, str], None]:
    return lambda screen, _: focus_pane(screen, name)


def _output(screen: DebugScreen, _: str) -> None:
    focus_pane(screen, "source" if screen.last_pane == "output" else "output")


def _turn(step: int) -> Callable[[DebugScreen, str], None]:
    """Make the command that goes to the next (1) or previous (-1) pane; a zoomed pane hands over its place."""

    def run(screen: DebugScreen, _: str) -> None:
        shown = PANE_NAMES if screen.zoomed else [name for name in PANE_NAMES if screen.panes[name].display]
        here = shown.index(screen.last_pane) if screen.last_pane in shown else 0
        focus_pane(screen, shown[(here + step) % len(shown)])

    return run


def _zoom(screen: DebugScreen, _: str) -> None:
    screen.zoomed = "" if screen.zoomed else screen.last_pane


def _copy(screen: DebugScreen, _: str) -> None:
    expression = screen.expression()
    if not expression:
        raise UserError("no variable is known from which this node can be reached")
    screen.app.copy_to_clipboard(expression)
    screen.show_notice(f"copied: {expression}")


def _help(screen: DebugScreen, _: str) -> None:
    pane = screen.panes[screen.last_pane]
    screen.app.push_screen(HelpScreen(pane.LABEL, pane.HELP, help_groups()))


SCREEN_COMMANDS: dict[str, Callable[[DebugScreen, str], None]] = {
    "show": focus_pane,
    "source": _to("source"),
    "graph": _to("graph"),
    "chain": _to("chain"),
    "grads": _to("grads"),
    "output": _output,
    "next-pane": _turn(1),
    "previous-pane": _turn(-1),
    "zoom": _zoom,
    "copy": _copy,
    "prompt": lambda screen, text: screen.open_prompt(text),
    "palette": lambda screen, _: screen.app.action_command_palette(),
    "help": _help,
    "quit": lambda screen, _: screen.app.exit(0),
}
