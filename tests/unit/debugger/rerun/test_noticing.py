"""A run again that does other than the first did is noticed while it goes on."""

from __future__ import annotations

from array import array
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gradb.debugger.rerun.noticing import Differs, Noticing, differ
from gradb.tape.series import Series


def _losses(*values: float, name: str = "loss") -> Series:
    iterations = array("q", range(1, len(values) + 1))
    return Series("loss", name, "/a/train.py", 7, len(values), iterations, iterations, array("d", values))


_FIRST = [float(one) for one in range(40)]


@pytest.mark.parametrize(
    ("again", "is_known"),
    [
        (_FIRST[:30], False),
        ([*_FIRST[:20], -1.0, *_FIRST[21:30]], True),
        ([*_FIRST[:29], -1.0], False),  # its iteration is not over
        ([-1.0, *_FIRST[1:14]], False),  # its number is not sure yet
        ([-1.0, *_FIRST[1:15]], True),
    ],
)
def test_only_what_is_known_counts(again: list[float], is_known: bool) -> None:
    """Another number in an iteration that is over is noticed; what is not over yet is not judged."""
    assert differ([_losses(*_FIRST)], [_losses(*again)]) is is_known


def test_what_is_missing_may_still_come() -> None:
    """A series of which less is written than of another says nothing."""
    first = [_losses(*_FIRST), _losses(*_FIRST, name="other")]
    assert not differ(first, [_losses(*_FIRST[:30]), _losses(*_FIRST[:18], name="other")])


def test_who_follows_is_told_by_an_exception() -> None:
    """While the numbers are the same it is only asked on; before anything is recorded there is nothing to look at."""
    told: list[Any] = []
    first, same, other = (
        cast("Any", SimpleNamespace(series=[_losses(*values)])) for values in (_FIRST, _FIRST[:30], [-1.0] * 30)
    )
    for tape in (None, same):
        Noticing(first, told.append)(cast("Any", SimpleNamespace(tape=tape)))
    with pytest.raises(Differs):
        Noticing(first, told.append)(cast("Any", SimpleNamespace(tape=other)))
    assert len(told) == 3
