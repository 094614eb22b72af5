"""The legend of the losses: which curve is whose, and its value at the position."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from rich.text import Text

from gradb.frame.training import Training
from gradb.present.draw import theme
from gradb.present.draw.curves import Curve
from gradb.present.draw.safe import plain
from gradb.present.lines.readings import figure_text, last_iteration
from gradb.present.options import Branches, Kin, OtherRun
from gradb.tape.series import Series

_NAME_LIMIT = 40
_RUN_LIMIT = 80  # of a run and its policy, or its loss


def legend(
    curves: Sequence[Curve],
    training: Training,
    others: Mapping[int, OtherRun | Kin] | None,
    smooth: Sequence[Curve] = (),
    name: str = "",
) -> list[Text]:
    """Return sign, name and value at the position of each curve; the sign of its smoothed line stands first.

    Args:
        curves: what is drawn.
        training: of the run that one looks at.
        others: whose the series are that are not its own, by their ids; None: there is but one run.
        smooth: the smoothed lines.
        name: what this run is called where there is room for few words alone; empty: all is told of each.
    """
    if others is None:
        entries = [_loss_entry(curve, training) for curve in curves]
    elif name:
        entries = [_brief_entry(curve, training, others.get(id(curve.series)), name) for curve in curves]
    else:
        entries = [_run_entry(curve, training, others.get(id(curve.series))) for curve in curves]
    means = [mean.sample.append(" ") for mean in smooth] + [Text()] * (len(curves) - len(smooth))
    return [Text(no_wrap=True).append_text(mean).append_text(entry) for mean, entry in zip(means, entries, strict=True)]


def _brief_entry(curve: Curve, training: Training, other: OtherRun | Kin | None, name: str) -> Text:
    """Return ``aaa branch 1: loss 2.86``: what has to be known to read the curve, and no more."""
    value = curve.series.latest(training.position) if other is None else _beside(curve.series, training)
    whose = other.name if isinstance(other, Kin) else "ghost" if other is not None else name
    line = Text(no_wrap=True).append_text(curve.sample).append(f" {plain(whose, _NAME_LIMIT)}: ")
    return (
        line.append("no loss yet", theme.DIM) if value is None else line.append("loss ").append_text(figure_text(value))
    )


def _loss_entry(curve: Curve, training: Training) -> Text:
    """Return ``+++ aux:50 = 2.86``."""
    line = Text(no_wrap=True).append_text(curve.sample).append(f" {plain(curve.label, _NAME_LIMIT)} ")
    value = curve.series.latest(training.position)
    return (
        line.append("no value yet", theme.DIM) if value is None else line.append("= ").append_text(figure_text(value))
    )


def _run_entry(curve: Curve, training: Training, other: OtherRun | Kin | None) -> Text:
    """Return ``ggg ghost: zero_grad off (loss 2.86)``: what a run is, and its value apart from that."""
    value = curve.series.latest(training.position) if other is None else _beside(curve.series, training)
    name = other.label if isinstance(other, Kin) else curve.label
    line = Text(no_wrap=True).append_text(curve.sample).append(f" {plain(name, _RUN_LIMIT)} (")
    is_running = other is not None and other.is_running
    if is_running:
        line.append(f"running, iteration {last_iteration([curve.series]):,}; ")
    line.append_text(Text("no value yet", theme.DIM) if value is None else Text("loss ") + figure_text(value))
    return line.append(" here)" if is_running and value is not None else ")")


def own_name(training: Training, branches: Branches) -> str:
    """Return what tells this run from others: what clears its gradients at the position, and a rate that was set."""
    mark, rate = training.policy, training.rate
    name = "zero_grad " + (f"{mark.value} since iteration {mark.iteration:,}" if mark else "as written")
    name += f", lr {rate.value} since iteration {rate.iteration:,}" if rate and branches.here else ""
    here = f", {branches.here}" if branches.number else ""
    return f"this run{here}: {name}"


def about_means(curves: Sequence[Curve], over: int | None) -> list[Text]:
    """Say what the smoothed lines are; which is whose the legend says."""
    if over is None or not curves:
        return []
    line = Text(" ").join(curve.sample for curve in curves)
    return [line.append(f" centred mean over {over:,} iterations", theme.DIM)]


def _beside(series: Series, training: Training) -> float | None:
    """Return the value of another run that stands beside the newest one of the run that one looks at.

    That is of the same iteration, and not of the one that is under way: losses of two cannot be compared.
    """
    losses = training.losses
    own = next((one for one in losses if one.label == series.label), losses[0] if losses else None)
    if own is None:
        return value_at(series, training.iteration)
    known = own.until(training.position)
    return value_at(series, own.iterations[known - 1]) if known else None


def value_at(series: Series, iteration: int) -> float | None:
    """Return the newest value of another run up to an iteration."""
    known = bisect_right(series.iterations, iteration, 0, series.count)
    return series.values[known - 1] if known else None
