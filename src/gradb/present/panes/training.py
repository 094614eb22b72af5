"""The training pane: where the training stands, and its losses over the iterations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.frame.frame import Frame
from gradb.frame.training import Training
from gradb.present.draw import theme
from gradb.present.draw.columns import IterationRange
from gradb.present.draw.curves import Canvas, Curve, Fork, curves_of, kin_curve, look_of, smooth_curves
from gradb.present.draw.fields import cut, wrapped
from gradb.present.draw.plot import MIN_HEIGHT, draw, notes
from gradb.present.draw.safe import plain_path
from gradb.present.json.training import checkpoints_json, kin_json, training_json
from gradb.present.json.values import Json
from gradb.present.lines.checkpoints import brief, told
from gradb.present.lines.faults import fault_notes
from gradb.present.lines.legend import about_means, legend, own_name, value_at
from gradb.present.lines.lossless import without_loss
from gradb.present.lines.readings import brief_parts, figure_text, flowed, last_iteration, status_lines
from gradb.present.lines.verdict import parting
from gradb.present.options import Kin, Options, OtherRun, Plot
from gradb.tape.series import Series

PLOT_HEIGHT = 16
"""Lines of the plot where no height is given."""
_NAME_LIMIT = 40
_RUN_LIMIT = 80  # of a run and its policy, or its loss
_MAX_NORMS = 2  # lines of them
_NEVER = "the losses differ from the first on"


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the readings at the position over the plot of the losses."""
    width, training, ghost = options.width, frame.training, options.ghost
    curves, others = run_curves(training, options)
    if not training.losses and ghost is None:
        readings = [*status_lines(training, width, has_legend=len(curves) > 1), *_kept(options)]
        lines = [*_first(frame, options), *readings, *without_loss(frame, width)]
        return Group(*shortened(lines, options.height, width))
    window = shown_window(training.losses or _losses(ghost), options.plot, _longest(curves))
    smooth = smooth_curves(curves, options.plot.smooth, window)
    cursor = min(training.iteration, max(_longest(curves), 1)) if training.position else None
    drawing = Canvas(
        (*smooth, *curves), window, options.plot.is_log, cursor, training.marks, forks=forks(options),
        chosen=options.plot.chosen,
    )  # fmt: skip
    words = _Words(frame, options, drawing, others)
    lines = words.all()
    if options.height is not None and len(lines) > options.height - MIN_HEIGHT:
        lines = words.few()
    return Group(*plotted(drawing, lines, options, _norms(training, width)))


@dataclass(frozen=True, slots=True)
class _Words:
    """What is said above a plot, at length or in few words."""

    frame: Frame
    options: Options
    drawing: Canvas
    others: dict[int, OtherRun | Kin]
    """Whose the series are that are not this run's, by their ids."""

    def all(self) -> list[Text]:
        """Return what there is to say."""
        options, width = self.options, self.options.width
        readings = status_lines(self.frame.training, width, has_legend=self._has_legend)
        return [
            *_first(self.frame, options),
            *readings,
            *_kept(options),
            *without_loss(self.frame, width),
            *flowed([*self._legend(), *self._about()], width),
            *self._beside(),
        ]

    def few(self) -> list[Text]:
        """Return the same in few words, the legend first: without that no curve can be read."""
        options, width = self.options, self.options.width
        readings = brief_parts(self.frame.training, brief(options.checkpoints), has_legend=self._has_legend)
        return [
            *_first(self.frame, options),
            *flowed([*self._legend(self._own_name), *readings, *self._about()], width),
            *without_loss(self.frame, width),
            *self._beside(),
        ]

    @property
    def _curves(self) -> tuple[Curve, ...]:
        return tuple(curve for curve in self.drawing.curves if not curve.is_derived)

    @property
    def _smooth(self) -> tuple[Curve, ...]:
        return tuple(curve for curve in self.drawing.curves if curve.is_derived)

    @property
    def _own_name(self) -> str:
        """What this run is called among others; empty where there are none."""
        return self.options.branches.here or ("this run" if self.options.ghost is not None else "")

    @property
    def _has_legend(self) -> bool:
        return len(self._curves) > 1 or self.options.ghost is not None

    def _legend(self, name: str = "") -> list[Text]:
        others = self.others if self._own_name else None
        return legend(self._curves, self.frame.training, others, self._smooth, name) if self._has_legend else []

    def _about(self) -> list[Text]:
        """Say how the plot is drawn."""
        plot = self.options.plot
        return [*about_means(self._smooth, plot.smooth), *caption(self.drawing.window, self._curves, plot)]

    def _beside(self) -> list[Text]:
        """Say how another run relates to this one, and how many losses are not drawn."""
        training, ghost, width = self.frame.training, self.options.ghost, self.options.width
        lines = _about_ghost(training, ghost, width) if ghost else []
        count = len(training.losses) + len(_losses(ghost)) + _kin_count(self.options) - len(self._curves)
        return [*lines, *_left_out(count, width)]


def _first(frame: Frame, options: Options) -> list[Text]:
    """Say what is wrong, or the readings alone would look healthy, and which iteration is chosen."""
    faults = fault_notes(options.judged, frame.position, options.width)
    return [*faults, *_chosen(frame.training, options.plot, options.width)]


def shortened(lines: list[Text], most: int | None, width: int) -> list[Text]:
    """Return the first of some lines; where some are left out, the last one ends in ``…``."""
    if most is None or len(lines) <= most:
        return lines
    if most < 1:
        return []
    last = Text.assemble(cut(lines[most - 1], max(width - 2, 1)), (" …", theme.DIM), no_wrap=True)
    return [*lines[: most - 1], last]


def plotted(drawing: Canvas, above: list[Text], options: Options, below: Sequence[Text] = ()) -> list[Text]:
    """Return the plot between other lines, in the height there is; what is below goes first, then the plot."""
    width = options.width
    if options.height is None:
        picture = draw(drawing, width, PLOT_HEIGHT)
        said = [line for note in picture.notes for line in wrapped(note, width, theme.DIM)]
        return [*above, *picture.lines, *said, *below]
    if options.height > MIN_HEIGHT:  # the plot goes before all but the first of the lines above it
        above = shortened(above, options.height - MIN_HEIGHT, width)
    room = options.height - len(above)
    below = below if room >= PLOT_HEIGHT + len(below) else ()
    room -= len(below)
    if room < MIN_HEIGHT:
        return shortened(above, options.height, width)
    said = [line for note in notes(drawing, width, room) for line in wrapped(note, width, theme.DIM)]
    said = said[: room - MIN_HEIGHT]
    return [*above, *draw(drawing, width, room - len(said)).lines, *said, *below]


# --- what is plotted --------------------------------------------------------------------------------------------------


def run_curves(training: Training, options: Options) -> tuple[tuple[Curve, ...], dict[int, OtherRun | Kin]]:
    """Return the curves of this run, the ghost and branches; and whose the others are, by the ids of their series."""
    ghost, branches = options.ghost, options.branches
    names = (f"ghost: {ghost.label}" if ghost else "", own_name(training, branches))
    if ghost is None and not branches.here:
        names = ("", "")
    kin = [(series, one) for one in branches.others for series in one.series if series.kind == "loss"]
    firsts = {one.number: series for series, one in reversed(kin)}
    curves = (
        *curves_of(training.losses, _losses(ghost), *names),
        *(kin_curve(firsts[one.number], one.name, one.number) for one in branches.others if one.number in firsts),
    )
    others: dict[int, OtherRun | Kin] = {id(series): ghost for series in _losses(ghost) if ghost is not None}
    return curves, others | {id(series): one for series, one in kin}


def forks(options: Options) -> tuple[Fork, ...]:
    """Return where branches begin, but for that one which is looked at: it says so itself."""
    found = []
    for one in options.branches.others:
        if one.change:
            sign, style = look_of(one.number)
            found.append(Fork(one.iteration, f"{sign} {one.change}", style))
    return tuple(found)


def _losses(ghost: OtherRun | None) -> tuple[Series, ...]:
    return tuple(series for series in ghost.series if series.kind == "loss") if ghost is not None else ()


def _longest(curves: Sequence[Curve]) -> int:
    return last_iteration([curve.series for curve in curves])


def shown_window(own: Sequence[Series], plot: Plot, longest: int) -> IterationRange:
    """Return the whole of all runs, or the last iterations of the run that one looks at."""
    if plot.last is None:
        return IterationRange(1, max(longest, 1))
    last = max(last_iteration(own), 1)
    return IterationRange(max(last - max(plot.last, 1) + 1, 1), last)


def _about_ghost(training: Training, ghost: OtherRun, width: int) -> list[Text]:
    """Say where the other run leaves this one, which curves on top of each other do not show, and the reservation."""
    clauses = []
    pairs = list(zip(training.losses, _losses(ghost), strict=False))
    found = [part for one, other in pairs if (part := parting(one, other)) is not None and not part[1]]
    if found:
        at = min(found)[0]
        clauses.append(f"the losses are the same up to iteration {at - 1:,} and part there" if at > 1 else _NEVER)
    elif pairs:
        clauses.append("the losses are the same as far as both go")
    return wrapped("; ".join([*clauses, *([ghost.note] if ghost.note else [])]), width, theme.DIM)


def caption(window: IterationRange, curves: Sequence[Curve], plot: Plot) -> list[Text]:
    """Say how the plot differs from the whole run on a linear scale."""
    parts = ["log scale"] if plot.is_log else []
    if plot.last is not None:
        parts.append(f"iterations {window.first:,} to {window.last:,} of {_longest(curves):,}")
    return [Text(", ".join(parts), style=theme.DIM)] if parts else []


def _chosen(training: Training, plot: Plot, width: int) -> list[Text]:
    """Say which iteration is chosen, and what its loss is."""
    if plot.chosen is None:
        return []
    line = Text("┆ chosen: iteration ", style=theme.DIM).append(f"{plot.chosen:,}", theme.TITLE)
    value = value_at(training.losses[0], plot.chosen) if training.losses else None
    line = line if value is None else line.append(", loss ").append_text(figure_text(value))
    return flowed([line.append("; x opens it in full", theme.DIM)], width)


def _kin_count(options: Options) -> int:
    """Return how many losses of other runs are drawn: of each its first."""
    return sum(any(series.kind == "loss" for series in one.series) for one in options.branches.others)


def _left_out(count: int, width: int) -> list[Text]:
    return wrapped(f"{count} more losses are not plotted", width, theme.DIM) if count else []


def _kept(options: Options) -> list[Text]:
    """Say which checkpoints wait, where any are kept."""
    said = told(options.checkpoints)
    return wrapped(f"checkpoints: {said}", options.width, theme.DIM) if said else []


def _norms(training: Training, width: int) -> list[Text]:
    """Return the norm of each parameter after its last step, as far as there is room."""
    position, values, at = training.position, list[tuple[str, float]](), 0
    for series in training.series:
        value = series.latest(position) if series.kind == "parameter_norm" else None
        if value is not None:
            at = max(at, series.iterations[series.until(position) - 1])
            values.append((series.name, value))
    if not values:
        return []
    label = "parameter norms" + (f" of iteration {at:,}" if at < training.iteration - 1 else "")
    parts, room = [Text(label, style=theme.DIM)], _MAX_NORMS * width  # those beyond it are not seen
    for name, value in values:
        if room < 0:
            break
        parts.append(Text(f"{plain_path(name, _NAME_LIMIT)} ", no_wrap=True).append_text(figure_text(value)))
        room -= parts[-1].cell_len
    lines = flowed(parts, width)
    if len(lines) > _MAX_NORMS:
        lines = [*lines[: _MAX_NORMS - 1], cut(Text(f"… of {len(values)} parameters", style=theme.DIM), width)]
    return lines


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return the training as of the position, the losses of its branches, and the checkpoints that wait."""
    more = {"branches": list(map(kin_json, options.branches.others))}
    return training_json(frame.training) | more | {"checkpoints": checkpoints_json(options.checkpoints)}
