"""Two trainings beside each other: the verdict is computed from the numbers, exactly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from gradb.frame.training import InterventionMark, Training
from gradb.present.draw.text import to_text
from gradb.present.lines.verdict import compared, figures, is_same, parting
from gradb.present.options import Options, Plot
from gradb.present.panes.compare import compare, compare_json
from tests.unit.present.made import INF, NAN, made_series, made_training

LABELS = ("script.tape", "off.tape")
NAN_FROM_3 = "NaN from iteration 3"
FALLING = [10.0 / i for i in range(1, 201)]


def shown(left: Training, right: Training, width: int = 100, height: int | None = None) -> list[str]:
    return to_text(compare(left, right, LABELS, Options(width=width, height=height)), width).splitlines()


def verdict(left: list[float], right: list[float], seeds: tuple[int | None, int | None] = (1, 1)) -> str:
    one, other = (made_training(made_series(run), seed=seed) for run, seed in zip((left, right), seeds, strict=True))
    return compared(one, other, LABELS).text


@pytest.mark.parametrize(
    ("left", "right", "text"),
    [
        (FALLING, FALLING, "the losses are identical, bit by bit: 200 iterations"),
        (
            [3.0, 2.0, 1.0],
            [3.0, 2.0, 1.0000000000000002],
            "the losses are identical up to iteration 2 and part there: script.tape ends at 1, off.tape ends at 1.000",
        ),
        (
            [3.0, 2.0, 1.0],
            [3.0, 2.0, NAN],
            "the losses are identical up to iteration 2 and part there: script.tape ends at 1, off.tape is "
            + NAN_FROM_3,
        ),
        (
            [3.0, 2.0, 1.0],
            [3.0, 2.0],
            "the losses are identical as far as both go: off.tape has none of iteration 3",
        ),
        (
            [3.0],
            [3.0, NAN],
            "the losses are identical as far as both go: script.tape has none of iteration 2",
        ),
        ([3.0, NAN], [3.0, NAN], "the losses are identical, bit by bit: 2 iterations"),
        ([3.0], [4.0], "the losses differ from the first on: script.tape ends at 3, off.tape ends at 4"),
    ],
)
def test_the_verdict(left: list[float], right: list[float], text: str) -> None:
    """Identical, identical up to an iteration, one longer than the other, or different from the first."""
    assert verdict(left, right) == text


def test_seeds_explain_a_difference_from_the_first_on() -> None:
    """Different seeds, or none, are named; equal seeds explain nothing."""
    assert "(the seeds are 1 and 2)" in verdict([3.0], [4.0], (1, 2))
    assert "(not both were given a seed, so the initialisations may differ)" in verdict([3.0], [4.0], (None, 1))


def test_a_run_without_loss_is_named() -> None:
    """There is nothing to compare it with, and no plot."""
    lines = shown(made_training(), made_training(made_series([1.0])))
    assert lines[0] == "nothing to compare: script.tape recorded no loss"
    both = shown(made_training(), made_training())
    assert both[0] == "nothing to compare: script.tape and off.tape recorded no loss"
    assert len(both) == 9


@given(st.lists(st.floats(), min_size=1, max_size=3000), st.data())
def test_runs_part_at_the_first_difference(values: list[float], data: st.DataObject) -> None:
    """However long the part that agrees, and whatever is in it."""
    at = data.draw(st.integers(0, len(values) - 1))
    other = [*values[:at], 0.0 if values[at] != 0 else 1.0, *values[at + 1 :]]
    assert parting(made_series(values), made_series(other)) == (at + 1, False)
    assert parting(made_series(values), made_series(values)) is None


def test_zeros_of_either_sign_are_equal() -> None:
    """Numbers are compared, not their bytes; NaN is NaN."""
    assert parting(made_series([0.0, NAN]), made_series([-0.0, -NAN])) is None
    assert not is_same(NAN, 1.0)
    assert parting(None, made_series([1.0])) == (1, True)


def test_figures_pass_over_what_is_not_finite() -> None:
    """The minimum is the lowest number; where there is none it is not known."""
    found = figures(made_training(made_series([5.0, -INF, 2.0, NAN])))
    assert (found.iterations, found.first, found.minimum, found.minimum_at) == (4, 5.0, 2.0, 3)
    assert figures(made_training(made_series([NAN]))).minimum is None


def test_both_runs_are_in_the_plot_and_in_the_table() -> None:
    """Signs that differ, marks of both, and their figures in columns."""
    off = InterventionMark(50, 5, "zero_grad", "off")
    right = made_training(made_series([*FALLING[:5], *(9.0 + i for i in range(35)), NAN]), marks=[off], seed=7)
    lines = shown(made_training(made_series(FALLING), seed=7), right)
    text = "\n".join(lines)
    assert "⠤⠒⠉ script.tape   ggg off.tape" in text
    assert "g off@5" in text
    table = {line[:21].strip(): line[21:].split() for line in lines[-8:]}
    assert table[""] == ["script.tape", "off.tape"]
    assert table["iterations"] == ["200", "41"]
    assert table["last loss"] == ["0.05", "nan"]
    assert table["lowest loss"] == ["0.05", "(iteration", "200)", "2", "(iteration", "5)"]
    assert table["first NaN or infinity"] == ["none", "iteration", "41", "(loss:42)"]
    assert table["changes"] == ["none", "zero_grad", "off@5"]
    assert table["seed"] == ["7", "7"]


@pytest.mark.parametrize("width", [20, 40, 100])
@pytest.mark.parametrize("height", [2, 8, 20, 40])
def test_it_keeps_to_its_room(width: int, height: int) -> None:
    """Narrow or low, nothing is wider or longer than there is room."""
    lines = shown(made_training(made_series(FALLING)), made_training(made_series([1.0] * 50)), width, height)
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)


def test_a_zoom_shows_the_last_of_the_longer_run() -> None:
    """A caption says which iterations."""
    runs = made_training(made_series(FALLING)), made_training(made_series(FALLING[:50]))
    text = to_text(compare(*runs, LABELS, Options(plot=Plot(is_log=True, last=20))), 80)
    assert "log scale, iterations 181 to 200 of 200" in text


def test_the_comparison_as_json() -> None:
    """Verdict, where they part, and each run with its figures and its training; strict JSON."""
    right = made_training(made_series([10.0, NAN]), is_finished=False)
    made = json.loads(json.dumps(compare_json(made_training(made_series(FALLING)), right, LABELS), allow_nan=False))
    assert made["parts_at"] == 2
    assert made["verdict"].startswith("the losses are identical up to iteration 1")
    script, off = made["runs"]
    assert (script["label"], script["iterations"], script["minimum"]) == ("script.tape", 200, 0.05)
    assert script["minimum_iteration"] == 200
    assert (off["last"], off["first_nonfinite"]["iteration"]) == ("nan", 2)
    assert off["training"]["finished"] is False
    assert len(script["training"]["series"][0]["points"]) == 200
