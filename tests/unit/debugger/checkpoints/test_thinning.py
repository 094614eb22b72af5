"""Which checkpoints stay as a run goes on: dense behind its head, ever further apart before."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, strategies as st

from gradb.debugger.checkpoints.thinning import least_missed_first


def _left(most: int, places: list[int]) -> list[int]:
    """Return which places are left where one goes whenever there are too many."""
    left: list[int] = []
    for place in places:
        left.append(place)
        if len(left) > most:
            del left[least_missed_first(left)[0]]
    return left


@pytest.mark.parametrize("most", [2, 3, 4, 8, 16])
@pytest.mark.parametrize("count", [20, 500])
def test_gaps_grow_with_the_distance(most: int, count: int) -> None:
    """The newest stays; the gaps get no smaller by much towards the start, and as many wait as may."""
    left = _left(most, [10 * one for one in range(1, count + 1)])
    assert len(left) == most
    assert left[-1] == 10 * count
    assert left[-2] >= left[-1] - 20 or most < 8
    back = [left[-1] - one for one in reversed(left)]
    gaps = [after - before for before, after in itertools.pairwise(back)]
    assert all(gap <= 3 * max(before, 40) or most < 8 for before, gap in zip(back, gaps, strict=False))
    assert all(later >= earlier / 2 for earlier, later in itertools.pairwise(gaps))


@given(st.lists(st.integers(1, 20), min_size=1, max_size=60), st.integers(1, 12))
def test_the_newest_always_stays(gaps: list[int], most: int) -> None:
    """However they come."""
    places = [sum(gaps[: index + 1]) for index in range(len(gaps))]
    left = _left(most, places)
    assert left[-1] == places[-1]
    assert len(left) == min(most, len(places))
    assert left == sorted(set(left))
