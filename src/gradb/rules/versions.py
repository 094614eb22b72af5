"""Which versions of torch the words and formulas here were measured with, and which of them holds for a tape.

Formulas and subgradients change between versions; what a pane says goes by the version that recorded the tape.
"""

from __future__ import annotations

import re

MEASURED = ("2.12.1", "2.13.0", "2.14.1", "2.15.0")
"""Oldest first. formulas.json has the formulas of each, and the table's rows that changed say since when they hold."""
BASE = "2.13.0"
"""The version that the table's rows were written with; it stands in where a tape does not say which recorded it."""
TESTED = ((2, 12), (2, 15))
"""Oldest and newest minor release that gradb was run with (``python -m tests.versions``): the range in pyproject."""

_RELEASE = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(.*)", re.DOTALL)


def order(torch: str) -> tuple[int, int, int, bool]:
    """Return what sorts versions: ``2.14.1+cu130`` is 2.14.1, ``2.15.0a0`` is before 2.15.0, no version before all."""
    match = _RELEASE.fullmatch(torch.partition("+")[0])
    if match is None:
        return (0, 0, 0, False)
    major, minor, patch, rest = match.groups()
    return (int(major), int(minor), int(patch or 0), not rest)


def measured(torch: str) -> str:
    """Return the version whose words hold for a tape: its own, else the nearest lower one, else the oldest."""
    if not torch:
        return BASE
    return max((known for known in MEASURED if order(known) <= order(torch)), key=order, default=MEASURED[0])


def stand_in(torch: str) -> str:
    """Return the version that stands in for a tape's own; empty where that was measured, or is not known."""
    return "" if not torch or order(torch) in map(order, MEASURED) else measured(torch)


def is_tested(torch: str) -> bool:
    """Return True when gradb was run with this minor release, or with one before and one after it."""
    major, minor, _, _ = order(torch)
    return TESTED[0] <= (major, minor) <= TESTED[1]
