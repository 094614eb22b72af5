"""What the commands about the screen do: one row each, the names being those of the registry.

Each is a small function of the debug screen and the command's argument.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gradb.debugger.errors import UserError
from gradb.present.lines.readings import last_iteration
from gradb.present.options import Plot
from gradb.present.panes.table import PANES, sharing
from gradb.tui.ghost import ghost_for
from gradb.tui.graph_commands import fold, norms
from gradb.tui.help import HelpScreen
from gradb.tui.keys import help_groups
from gradb.tui.messages import LessonChosen
from gradb.tui.plot_commands import other_scale, smoothing, widened, zoomed
from gradb.tui.screen import DebugScreen
from gradb.tui.selection import expression


def _to(name: str) -> Callable[[DebugScreen, str], None]:
    """Make the command that goes to a pane, and from there to the first of those that it shares a place with."""
    first = sharing(name)[0]
    return lambda screen, _: screen.show(first if screen.last_pane == name else name)


def _iterations(screen: DebugScreen) -> int:
    return 0 if screen.frame is None else last_iteration(screen.frame.training.losses)


def _plot(change: Callable[[DebugScreen, str, Plot], Plot]) -> Callable[[DebugScreen, str], None]:
    """Make a command that changes how the losses are plotted, and shows them."""

    def run(screen: DebugScreen, argument: str) -> None:
        plot = change(screen, argument, screen.options.plot)
        screen.options = replace(screen.options, plot=plot)
        screen.arranging.bring_to_front("training")

    return run


def _turn(step: int) -> Callable[[DebugScreen, str], None]:
    """Make the command that goes to the next (1) or previous (-1) pane; a zoomed pane hands over its place."""

    def run(screen: DebugScreen, _: str) -> None:
        arranging = screen.arranging
        shown = [name for name, pane in screen.panes.items()
                 if pane.display or (arranging.zoomed and not arranging.is_hidden(name))]  # fmt: skip
        here = shown.index(screen.last_pane) if screen.last_pane in shown else 0
        screen.show(shown[(here + step) % len(shown)])

    return run


def _ghost(screen: DebugScreen, argument: str) -> None:
    """Start, open or end the ghost, and show the plot that it is drawn in."""
    session = screen.session
    if session.debugger is None:
        raise UserError("there is no run yet to compare with")
    ghost, sentence = ghost_for(argument, session.ghost, session.debugger)
    session.set_ghost(ghost)
    screen.arranging.bring_to_front("training")
    screen.notice(sentence)


def _copy(screen: DebugScreen, _: str) -> None:
    python = expression(screen.frame, screen.options.selected_node)
    if not python:
        raise UserError("no variable is known from which this node can be reached")
    screen.app.copy_to_clipboard(python)
    screen.notice(f"copied: {python}")


def _next_lesson(screen: DebugScreen, _: str) -> None:
    screen.post_message(LessonChosen(screen.course_line.next(screen.session.debugger)))


def _broken_off(screen: DebugScreen, act: Callable[[], str]) -> None:
    screen.quizzing.break_off()  # or it would let the script that pauses run on
    screen.notice(act())


_HELP = "help"


def _help(screen: DebugScreen, _: str) -> None:
    pane, app = PANES[screen.last_pane], screen.app
    if not app.is_screen_installed(_HELP):
        app.install_screen(HelpScreen(help_groups()), _HELP)
    shown = app.get_screen(_HELP, HelpScreen)
    shown.tell(pane.label, pane.help)
    app.push_screen(shown)


SCREEN_COMMANDS: dict[str, Callable[[DebugScreen, str], None]] = {
    **{name: _to(name) for name in PANES},
    "fold": fold,
    "norms": norms,
    "ghost": _ghost,
    "log-scale": _plot(lambda screen, _, plot: other_scale(plot)),
    "plot-zoom": _plot(lambda screen, argument, plot: zoomed(plot, argument, _iterations(screen))),
    "smooth": _plot(lambda screen, argument, plot: smoothing(plot, argument, _iterations(screen))),
    "plot-widen": _plot(lambda screen, _, plot: widened(plot, _iterations(screen))),
    "next-pane": _turn(1),
    "previous-pane": _turn(-1),
    "zoom": lambda screen, _: screen.arranging.zoom(),
    "hide": lambda screen, pane: screen.arranging.hide(pane),
    "wider": lambda screen, cells: screen.arranging.widen(1, cells),
    "narrower": lambda screen, cells: screen.arranging.widen(-1, cells),
    "taller": lambda screen, lines: screen.arranging.heighten(1, lines),
    "shorter": lambda screen, lines: screen.arranging.heighten(-1, lines),
    "reset-layout": lambda screen, _: screen.notice(screen.arranging.reset()),
    "copy": _copy,
    "next-lesson": _next_lesson,
    "break-off": lambda screen, _: _broken_off(screen, screen.interruption.break_off),
    "interrupt": lambda screen, _: _broken_off(screen, screen.interruption.interrupt),
    "prompt": lambda screen, text: screen.bottom.open_prompt(text),
    "palette": lambda screen, _: screen.app.action_command_palette(),
    "help": _help,
    "quit": lambda screen, _: screen.app.exit(0),
}
