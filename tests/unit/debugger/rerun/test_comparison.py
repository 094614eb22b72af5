"""Two runs held against each other, number by number."""

from __future__ import annotations

import math
from array import array
from typing import get_args

import pytest

from gradb.debugger.rerun.comparison import BY_HAND, Comparison, Difference, compare
from gradb.tape.series import Series, SeriesKind


def _series(kind: str, name: str, values: list[float], *, first: int = 1, line: int | None = None) -> Series:
    """Return a series with one value an iteration, at event 10 times the iteration."""
    assert kind in get_args(SeriesKind)
    iterations = range(first, first + len(values))
    return Series(
        kind, name, "/a/train.py" if line else None, line, len(values),  # type: ignore[arg-type]
        array("q", [10 * one for one in iterations]), array("q", iterations), array("d", values),
    )  # fmt: skip


def _loss(*values: float) -> Series:
    return _series("loss", "loss", list(values), line=7)


def test_equal_runs() -> None:
    """Everything up to the last iteration is counted, and nothing differs; all NaN are alike."""
    one = [_loss(1.0, math.nan, 3.0, 4.0), _series("grad_norm", "SGD", [0.5, math.inf, 0.5, 9.0])]
    two = [_loss(1.0, -math.nan, 3.0), _series("grad_norm", "SGD", [0.5, math.inf, 0.5])]
    assert compare(one, two, 3) == Comparison(6, 3, None)


@pytest.mark.parametrize(
    ("one", "two", "iteration"),
    [
        ((1.0, 2.0), (1.0, 2.0000000000000004), 2),
        ((0.0, 2.0), (-0.0, 2.0), 1),
        ((1.0, -math.inf), (1.0, math.inf), 2),
    ],
)
def test_one_bit_is_a_difference(one: tuple[float, ...], two: tuple[float, ...], iteration: int) -> None:
    """The first number that is another is told with both values, be it by its last bit or its sign."""
    found = compare([_loss(*one)], [_loss(*two)], 2)
    assert found == Comparison(
        iteration - 1, iteration, Difference("loss:7", iteration, one[iteration - 1], two[iteration - 1])
    )


def test_the_first_difference_of_all_series_is_told() -> None:
    """What differs first on the way is told, whichever series it is of."""
    one = [_loss(1.0, 2.0, 3.0), _series("grad_norm", "SGD", [1.0, 1.0, 1.0])]
    two = [_loss(1.0, 2.0, 4.0), _series("grad_norm", "SGD", [1.0, 7.0, 7.0])]
    assert compare(one, two, 3).difference == Difference("gradient norm of SGD", 2, 1.0, 7.0)


def test_what_is_missing_is_a_difference() -> None:
    """A loss that the other run has not, or has beyond, is one; one after the last iteration is not looked at."""
    assert compare([_loss(1.0, 2.0)], [_loss(1.0)], 2).difference == Difference("loss:7", 2, 2.0, None)
    assert compare([_loss(1.0)], [_loss(1.0, 2.0)], 2).difference == Difference("loss:7", 2, None, 2.0)
    assert compare([_loss(1.0, 2.0)], [], 2).difference == Difference("loss:7", 1, 1.0, None)
    assert compare([_loss(1.0, 2.0)], [_loss(1.0)], 1).difference is None


def test_what_only_one_run_can_tell_is_not_compared() -> None:
    """A run that is recorded in full tells more, and what is told late may be missing at its end."""
    norms = _series("parameter_norm", "w", [1.0, 2.0], first=3)
    by_hand = _series("grad_norm", BY_HAND, [1.0], first=2)
    assert compare([_loss(1.0)], [_loss(1.0), norms, by_hand], 4) == Comparison(1, 1, None)
    longer, shorter = (_series("parameter_norm", "w", [1.0] * count) for count in (4, 3))
    assert compare([longer], [shorter], 4).difference is None
    assert compare([norms], [_series("parameter_norm", "w", [1.0, 3.0], first=3)], 4).difference == Difference(
        "norm of w", 4, 2.0, 3.0
    )


def test_nothing_to_compare() -> None:
    """Two runs without a number are not said to be the same."""
    assert compare([], [_series("skipped", "SGD", [1.0])], 5) == Comparison(0, 0, None)


def test_what_a_run_had_no_time_for_is_no_difference() -> None:
    """A first run that was ended from outside may lack something in its last iteration, and there alone."""
    one = [_loss(1.0, 2.0, 3.0), _series("grad_norm", "SGD", [1.0, 1.0])]
    two = [_loss(1.0, 2.0, 3.0), _series("grad_norm", "SGD", [1.0, 1.0, 1.0])]
    assert compare(one, two, 3).difference == Difference("gradient norm of SGD", 3, None, 1.0)
    assert compare(one, two, 3, is_cut=True) == Comparison(5, 3, None)
    assert compare([_loss(1.0, 2.0, 3.0)], two, 3, is_cut=True).difference is not None
    assert compare(two, one, 3).difference == Difference("gradient norm of SGD", 3, 1.0, None)
    assert compare(two, one, 3, is_again_cut=True) == Comparison(5, 3, None)
    assert compare([*two, _loss(2.0)], one, 3, is_again_cut=True).difference is not None
    assert compare([_loss(1.0, 2.0)], [_loss(1.0)], 1, is_again_cut=True, is_cut=True) == Comparison(1, 1, None)
