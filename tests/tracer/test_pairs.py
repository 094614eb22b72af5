"""Which rows of several parameters are tried."""

from __future__ import annotations

import itertools

from tests.pairs import pairs, product

_AXES = {"a": "xyz", "b": [1, 2, 3, 4], "c": [True, False]}


def test_any_two_values_meet() -> None:
    """In fewer rows than there are, each of which is one of them."""
    found = pairs(_AXES)
    for one, other in itertools.combinations(range(3), 2):
        assert {(row[one], row[other]) for row in found} == {(row[one], row[other]) for row in product(_AXES)}
    assert len(found) < len(product(_AXES)) == 24
    assert set(found) <= set(product(_AXES))


def test_of_two_parameters_all_rows_are_tried() -> None:
    """There is nothing else to meet."""
    axes = {"a": "xyz", "b": [1, 2]}
    assert sorted(map(repr, pairs(axes))) == sorted(map(repr, product(axes)))
