"""The loss plot: it never fails, loses no spike, and says what it cannot draw in its place."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from gradb.frame.training import InterventionMark
from gradb.present.draw.columns import IterationRange, gather
from gradb.present.draw.curves import Canvas, curves_of, smooth_curves
from gradb.present.draw.plot import MIN_HEIGHT, MIN_WIDTH, Picture, draw, notes
from gradb.present.draw.raster import cell_height
from gradb.present.draw.scale import Scale, fitting
from gradb.present.draw.smoothing import mean, smoothed
from tests.properties import tried
from tests.unit.present.made import INF, NAN, made_series

FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.lists(st.floats(), max_size=60)
WINDOWS = st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)).map(sorted).map(lambda pair: IterationRange(*pair))


def picture(
    values: list[float], width: int = 60, height: int = 15, ghost: list[float] | None = None, **k: object
) -> Picture:
    own, other = made_series(values), [] if ghost is None else [made_series(ghost)]
    window = k.pop("window", IterationRange(1, max(len(values), len(ghost or ()), 1)))
    return draw(Canvas(curves_of([own], other, "ghost"), window, **k), width, height)  # type: ignore[arg-type]


def shown(drawn: Picture) -> str:
    return "\n".join(line.plain for line in drawn.lines)


# --- columns ----------------------------------------------------------------------------------------------------------


@given(WINDOWS, st.integers(1, 300), st.data())
def test_every_iteration_has_its_column(window: IterationRange, count: int, data: st.DataObject) -> None:
    """Columns are as many as there are, in order, and begin where they say."""
    iteration = data.draw(st.integers(window.first, window.last))
    column = window.column(iteration, count)
    assert 0 <= column < count
    assert window.begin(column, count) <= iteration < window.begin(column + 1, count)


@given(st.lists(FINITE, min_size=1, max_size=300), st.integers(1, 80), st.data())
def test_no_extreme_is_lost(values: list[float], count: int, data: st.DataObject) -> None:
    """The lowest and the highest value of the visible window survive, as do its first and last."""
    first = data.draw(st.integers(1, len(values)))
    last = data.draw(st.integers(first, len(values)))
    shapes = [
        column.shape for column in gather(made_series(values), IterationRange(first, last), count) if column.shape
    ]
    visible = values[first - 1 : last]
    assert len(shapes) <= count
    assert min(shape[1] for shape in shapes) == min(visible)
    assert max(shape[2] for shape in shapes) == max(visible)
    assert (shapes[0][0], shapes[-1][3]) == (visible[0], visible[-1])


@given(VALUES, st.integers(2, 40))
def test_what_cannot_be_drawn_is_counted(values: list[float], count: int) -> None:
    """NaN, infinities and, on a log scale, values without a logarithm are counted, none is dropped."""
    found = gather(made_series(values), IterationRange(1, max(len(values), 1)), count, is_log=True)
    assert sum(column.nonfinite for column in found) == sum(1 for v in values if v - v != 0)
    assert sum(column.nonpositive for column in found) == sum(1 for v in values if v - v == 0 and v <= 0)


def test_a_gap_is_not_bridged() -> None:
    """No line leads over a NaN."""
    columns = gather(made_series([1, 2, NAN, 3]), IterationRange(1, 4), 4)
    assert [(column.shape is not None, column.is_apart) for column in columns] == [
        (True, False), (True, False), (False, True), (True, True),
    ]  # fmt: skip


# --- scale ------------------------------------------------------------------------------------------------------------


@given(st.lists(FINITE, min_size=1, max_size=50), st.booleans(), st.integers(1, 12))
def test_a_scale_holds_every_value(values: list[float], is_log: bool, count: int) -> None:
    """Heights are from 0 to 1 and rise with the values; ticks are ordered, distinct and inside."""
    usable = [value for value in values if value > 0] if is_log else values
    scale = fitting([gather(made_series(values), IterationRange(1, len(values)), 20, is_log=is_log)], is_log=is_log)
    heights = [scale.height(value) for value in sorted(usable)]
    assert all(0 <= height <= 1 for height in heights)
    assert heights == sorted(heights)
    ticks = scale.ticks(count)
    places = [place for place, _ in ticks]
    assert places == sorted(places)
    assert all(-1e-6 <= place <= 1 + 1e-6 for place in places)
    assert all(label for _, label in ticks)


@pytest.mark.parametrize(
    ("scale", "labels"),
    [
        (Scale(0, 500), ["0", "100", "200", "300", "400", "500"]),
        (Scale(0, 1), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (Scale(3.0, 3.9), ["3.0", "3.2", "3.4", "3.6", "3.8"]),
        (Scale(0, 3e38), ["0", "1e38", "2e38", "3e38"]),
        (Scale(-2, 6, is_log=True), ["0.01", "1", "100", "10000", "1e6"]),
        (Scale(0.1, 0.9, is_log=True), ["2", "5"]),
        (Scale(1 / 3, 1 / 3 + 1e-15), ["0.333333", "0.333333"]),
    ],
)
def test_round_numbers_stand_beside_the_plot(scale: Scale, labels: list[str]) -> None:
    """Labels are round, of one form, and as many as there is room for."""
    assert [label for _, label in scale.ticks(5)] == labels


def test_a_blow_up_does_not_crush_the_rest() -> None:
    """On a linear scale what exceeds the rest a thousand times is cut off; a mere spike is not."""
    blown = [500.0 / (1 + i) for i in range(100)] + [2.0**i for i in range(10, 120)]
    scale = fitting([gather(made_series(blown), IterationRange(1, len(blown)), 200)])
    assert scale.cut_above is not None
    assert 500 < scale.high < 5000
    spiky = [1.0] * 50 + [300.0] + [1.0] * 50
    assert fitting([gather(made_series(spiky), IterationRange(1, 101), 200)]).cut_above is None


def test_a_blow_down_is_cut_off_as_well() -> None:
    """A loss that falls to -1e38 leaves the rest readable."""
    fallen = [1.0 + i % 3 for i in range(100)] + [-(2.0**i) for i in range(120)]
    scale = fitting([gather(made_series(fallen), IterationRange(1, len(fallen)), 200)])
    assert scale.cut_below is not None
    assert scale.high - scale.low < 100


# --- the picture ------------------------------------------------------------------------------------------------------


@tried(6)
@given(
    VALUES,
    st.none() | VALUES,
    st.integers(1, 140),
    st.integers(0, 40),
    st.booleans(),
    st.none() | st.integers(-5, 90),
    st.lists(st.integers(1, 80), max_size=6),
    st.none() | WINDOWS,
)
def test_it_never_fails_and_keeps_its_size(
    values: list[float],
    ghost: list[float] | None,
    width: int,
    height: int,
    is_log: bool,
    cursor: int | None,
    marks: list[int],
    window: IterationRange | None,
) -> None:
    """Whatever the values: exactly the lines there are, each exactly as wide as asked for."""
    made = tuple(InterventionMark(10 * at, at, "zero_grad", "off") for at in sorted(marks))
    given_window = {} if window is None else {"window": window}
    drawn = picture(values, width, height, ghost, is_log=is_log, cursor=cursor, marks=made, **given_window)
    assert [line.cell_len for line in drawn.lines] == [width] * height


@given(st.lists(st.tuples(st.integers(-(2**62), 2**62), st.floats()), min_size=1, max_size=20))
def test_a_strangers_iterations_do_no_harm(points: list[tuple[int, float]]) -> None:
    """A tape from somewhere else may count as it likes, forwards or not."""
    series = made_series([value for _, value in points], iterations=[at for at, _ in points], events=range(len(points)))
    drawn = draw(Canvas(curves_of([series]), IterationRange(1, max(points[-1][0], 1)), cursor=points[0][0]), 60, 15)
    assert [line.cell_len for line in drawn.lines] == [60] * 15


@pytest.mark.parametrize(("width", "height"), [(38, 8), (60, 15), (120, 30)])
def test_a_falling_loss_falls(width: int, height: int) -> None:
    """The curve begins at the top left and ends at the bottom right, over axes with round numbers."""
    drawn = shown(picture([100.0 - i for i in range(101)], width, height)).split("\n")
    fine = [index for index, line in enumerate(drawn) if any("\u2800" < char <= "\u28ff" for char in line)]
    assert fine == list(range(height - 2))
    ends = [next(i for i, char in enumerate(line) if "\u2800" < char <= "\u28ff") for line in drawn[: height - 2]]
    assert ends == sorted(ends)
    assert drawn[-1].split()[0] == "1"
    assert "100" in drawn[-1]


@given(st.integers(0, 99_999))
@tried(0.2)
def test_a_spike_of_one_iteration_is_seen(at: int) -> None:
    """Among 100,000 points the one that is higher than all others reaches the top."""
    values = [1.0] * 100_000
    values[at] = 3.0
    assert any("\u2800" < char <= "\u28ff" for char in picture(values).lines[0].plain)


def test_the_cursor_is_at_the_position() -> None:
    """A line over the whole height ends in a sign on the axis."""
    drawn = picture([1.0, 2.0, 3.0] * 20, cursor=30)
    axis = drawn.lines[-2].plain
    assert axis.count("▲") == 1
    assert 0.4 < axis.index("▲") / 60 < 0.6
    assert sum("│" in line.plain for line in drawn.lines) > 5


def test_a_cursor_that_moves_leaves_nothing_behind() -> None:
    """A plot that is kept looks, wherever the cursor is, as one that is drawn for it alone."""
    values, window = [5.0, 4.0, NAN, 2.0, 1.0, 3.0], IterationRange(1, 6)
    kept = curves_of([made_series(values)])
    for cursor, chosen in ((2, None), (3, 3), (6, 1), (None, 4), (2, 2), (5, None)):
        drawn = draw(Canvas(kept, window, cursor=cursor, chosen=chosen), 60, 12)
        alone = picture(values, height=12, window=window, cursor=cursor, chosen=chosen)
        assert [(line.plain, line.spans) for line in drawn.lines] == [(line.plain, line.spans) for line in alone.lines]


def test_the_iteration_that_is_chosen_has_a_line_of_its_own() -> None:
    """Beside the position, with another sign and foot; outside of what is shown there is none."""
    values = [float(i) for i in range(100)]
    drawn = shown(picture(values, cursor=80, chosen=20))
    assert "┆" in drawn
    assert drawn.count("▼") == drawn.count("▲") == 1
    foot = next(line for line in drawn.splitlines() if "▼" in line)
    assert foot.index("▼") < foot.index("▲")
    assert "▼" not in shown(picture(values, window=IterationRange(50, 100), cursor=80, chosen=20))


def test_a_cursor_outside_is_said() -> None:
    """Where the position is not in what is shown, a note says on which side it is."""
    drawn = picture([1.0] * 100, cursor=7, window=IterationRange(51, 100))
    assert "▲" not in shown(drawn)
    assert drawn.notes == ("the position, iteration 7, lies before what is shown",)


def test_changes_are_marked() -> None:
    """Each intervention and change of depth has a line and a label that begins or ends there."""
    marks = (
        InterventionMark(1, 20, "zero_grad", "off"),
        InterventionMark(2, 50, "lr", "1e-4"),
        InterventionMark(3, 70, "record", "watch"),
    )
    drawn = picture([float(i) for i in range(80)], marks=marks)
    head = drawn.lines[0].plain
    assert head.split() == ["off@20", "lr", "1e-4@50", "watch@70"]
    axis = drawn.lines[-2].plain
    assert axis.count("┴") == 3
    assert [char for char in drawn.lines[3].plain if char == "┊"] == ["┊", "┊"]  # a change of depth has none
    assert axis.index("┴") == head.index("off@20")


def test_labels_without_room_are_in_a_note() -> None:
    """What cannot be named over the plot is named below it."""
    marks = tuple(InterventionMark(at, at, "zero_grad", "off" if at % 2 else "on") for at in range(20, 60))
    drawn = picture([1.0] * 80, marks=marks)
    (note,) = drawn.notes
    assert note.startswith("not named in the plot: on@")
    assert "more" in note


def test_nan_is_marked_where_it_begins() -> None:
    """A sign at the top from there on, and words."""
    drawn = picture([1.0] * 40 + [NAN] * 40)
    assert "× NaN from iteration 41" in drawn.lines[0].plain
    assert 15 < drawn.lines[1].plain.count("×") < 35
    again = picture([1.0] * 40 + [NAN] + [1.0] * 40)
    assert "× NaN first at iteration 41" in again.lines[0].plain


def test_infinity_and_nan_have_words_of_their_own() -> None:
    """Where an infinity comes first, both are named."""
    drawn = picture([1.0] * 40 + [INF, INF] + [NAN] * 38)
    assert "× inf from iteration 41, NaN from 43" in drawn.lines[0].plain
    assert "-inf from iteration 1" in shown(picture([-INF, -INF]))


def test_what_is_cut_off_is_said() -> None:
    """Signs at the edge and a note with the largest value."""
    drawn = picture([5.0, 4.0, 3.0] * 10 + [10.0**i for i in range(1, 39)])
    assert "▴" in drawn.lines[0].plain
    (note,) = drawn.notes
    assert "cut off above" in note
    assert "1.000e+38" in note or "1e+38" in note


def test_values_without_a_logarithm_are_said() -> None:
    """On a log scale they are at the bottom edge and counted."""
    drawn = picture([10.0, 1.0, 0.0, -1.0, 10.0] * 3, is_log=True)
    assert "▾" in shown(drawn)
    assert drawn.notes == ("▾ 6 values are not above 0: no logarithm, so no place on a log scale",)


def test_curves_differ_without_colour() -> None:
    """A ghost is drawn with another sign than the run, and every curve has its own."""
    drawn = shown(picture([float(i) for i in range(50)], ghost=[50.0 - i for i in range(50)]))
    assert "g" in drawn
    assert any("\u2800" < char <= "\u28ff" for char in drawn)
    several = [made_series([1.0], name) for name in "abcd"]
    signs = [curve.sign for curve in curves_of(several, several[:2], "ghost")]
    assert len(set(signs)) == len(signs) == 6


def test_one_point_and_none() -> None:
    """A single point is a dot that can be seen; nothing at all is an empty plot without numbers."""
    assert shown(picture([5.0])).count("•") == 1
    empty = shown(picture([]))
    assert "•" not in empty
    assert "0" not in empty


@pytest.mark.parametrize(("width", "height"), [(MIN_WIDTH - 1, 30), (80, MIN_HEIGHT - 1)])
def test_too_small_a_plot_is_said(width: int, height: int) -> None:
    """Where there is no room for curves there are words."""
    assert "no room for th" in shown(picture([1.0, 2.0], width, height))


@given(st.floats(0, 1), st.integers(1, 50))
def test_dots_are_in_their_lines(height: float, rows: int) -> None:
    """A height is in one of the lines."""
    assert 0 < cell_height(height, rows) < rows


# --- smoothing --------------------------------------------------------------------------------------------------------

_NOISY = [float(10 - at % 2 * 4) for at in range(400)]


def test_a_mean_is_that_of_the_iterations_around() -> None:
    """Half of them before and half after, fewer near the ends; what is no number is left out, and breaks the line."""
    series = made_series([1.0, 2.0, 6.0, NAN, 8.0])
    assert [mean(series, at, 3) for at in (0, 1, 2, 4)] == [1.5, 3.0, 4.0, 8.0]
    assert math.isnan(mean(series, 3, 3))
    assert mean(made_series([INF, 2.0, -INF]), 1, 3) == 2.0
    assert mean(made_series([1e308, 1e308, 1e308]), 1, 3) == pytest.approx(1e308)
    assert mean(made_series([1e16, 1.0, -1e16]), 1, 3) == pytest.approx(1 / 3)


def test_a_mean_is_drawn_beside_the_values() -> None:
    """It has a sign of its own, stays where it is from draw to draw, and is computed for no more than the plot has."""
    series, window = made_series(_NOISY), IterationRange(1, 400)
    line = smoothed(series, 50, window)
    assert line is smoothed(series, 50, window)
    assert line.count == 256
    assert {round(value) for value in line.values} == {8}
    (curve,) = smooth_curves(curves_of([series]), 50, window)
    drawn = shown(draw(Canvas((curve, *curves_of([series])), window), 60, 15))
    (row,) = [text for text in drawn.splitlines() if "~" in text]
    assert row.count("~") > 50
    assert smooth_curves(curves_of([series]), None, window) == ()


def test_a_mean_adds_nothing_to_what_is_counted() -> None:
    """Values without a logarithm are those of the series alone."""
    series, window = made_series([1.0, -1.0, -1.0, 2.0]), IterationRange(1, 4)
    own = curves_of([series])
    drawing = Canvas((*smooth_curves(own, 3, window), *own), window, is_log=True)
    assert [note for note in notes(drawing, 60, 15) if "logarithm" in note] == [
        "▾ 2 values are not above 0: no logarithm, so no place on a log scale"
    ]
