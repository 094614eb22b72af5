"""What the commands about the plot do: its scale, and how much of the run it shows. Pure functions of what is shown."""

from __future__ import annotations

from dataclasses import replace

from gradb.debugger.errors import UserError
from gradb.debugger.numerals import read_whole
from gradb.frame.training import Training
from gradb.present.lines.readings import last_iteration
from gradb.present.options import Plot

_PARTS, _NARROWEST = 20, 4  # a mean is over one in so many of the iterations shown, and at least so many
_FEWEST = 10
"""Iterations below which there is no closer look."""


def other_scale(plot: Plot) -> Plot:
    """Return the plot on the other scale."""
    return replace(plot, is_log=not plot.is_log)


def zoomed(plot: Plot, argument: str, iterations: int) -> Plot:
    """Return the plot of the last N iterations, of ``all`` of them, or without an argument of half as many as now.

    Raises:
        UserError: the argument is neither.
    """
    if argument == "all":
        return replace(plot, last=None)
    if not argument:
        shown = min(plot.last or iterations, iterations)
        return replace(plot, last=max(shown // 2, min(_FEWEST, shown))) if shown else plot
    if (last := read_whole(argument, 2)) is None:
        raise UserError(f"{argument!r} is not a number of iterations: give a whole number from 2, or all")
    return replace(plot, last=last)


def smoothing(plot: Plot, argument: str, iterations: int) -> Plot:
    """Return the plot with a mean over N iterations, or with none; without an argument with the other of both.

    Raises:
        UserError: the argument is neither a number nor ``off``.
    """
    if argument == "off" or (not argument and plot.smooth is not None):
        return replace(plot, smooth=None)
    if not argument:
        shown = min(plot.last or iterations, iterations)
        return replace(plot, smooth=max(shown // _PARTS, _NARROWEST) // 2 * 2 + 1)
    if (over := read_whole(argument, 2)) is None:
        raise UserError(f"{argument!r} is not a number of iterations: give a whole number from 2, or off")
    return replace(plot, smooth=over)


def chosen(plot: Plot, training: Training, step: int, columns: int) -> int | None:
    """Return the iteration that lies so many columns of the plot to the right of the one that is chosen, or is here.

    Args:
        plot: what is shown.
        training: at the position.
        step: to the right; negative: to the left.
        columns: how many the plot has, about.
    """
    from gradb.present.panes.training import shown_window  # with the rules: the first paint is not to wait for them

    if not training.losses:
        return None
    window = shown_window(training.losses, plot, last_iteration(training.losses))
    here = plot.chosen if plot.chosen is not None else min(max(training.iteration, window.first), window.last)
    width = max(window.length // max(columns, 1), 1)
    return min(max(here + step * width, window.first), window.last)


def widened(plot: Plot, iterations: int) -> Plot:
    """Return the plot of twice as many iterations, up to the whole run."""
    wanted = None if plot.last is None else plot.last * 2
    return replace(plot, last=None if wanted is None or wanted >= iterations else wanted)
