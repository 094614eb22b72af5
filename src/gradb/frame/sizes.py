"""How large recorded values are: 2-norm and largest magnitude where these follow from what was recorded, else not at
all.
"""

from __future__ import annotations

import functools
import math
from bisect import bisect_left

from gradb.frame.training import Trainings
from gradb.tape.expressions.functions import norm, norm_told
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.series import Series
from gradb.tape.values import TensorValue

_KEPT = 8192


def two_norm(value: TensorValue | None) -> float | None:
    """Return the 2-norm of all elements of a value; None where it is not known, and of no value.

    It is computed in double precision from what was recorded whole; of a larger value it was recorded, or on older
    tapes is known where the statistics leave one answer.
    """
    if value is None:
        return None
    numbers = value.numbers()
    if numbers is not None:
        return norm(numbers)
    return None if value.stats is None else norm_told(value.stats, value.numel)


def magnitude(value: TensorValue | None) -> float | None:
    """Return the largest magnitude among the elements of a value; None where it is not known, and of no value.

    A NaN among them is the answer, as torch's ``abs().max()`` has it; of no element at all there is none.
    """
    if value is None:
        return None
    numbers, stats = value.numbers(), value.stats
    if numbers:
        found = [abs(number) for number in numbers]
        return math.nan if any(map(math.isnan, found)) else float(max(found))
    if numbers is not None or stats is None or "complex" in value.dtype:  # no complex number lies between two
        return None
    if stats.nan or stats.posinf or stats.neginf:
        return math.nan if stats.nan else math.inf
    ends = [abs(end) for end in (stats.minimum, stats.maximum) if end is not None]
    return max(ends, default=None)


norm_of = functools.lru_cache(maxsize=_KEPT)(two_norm)
"""``two_norm``, remembered for panes that ask again with every key."""
largest_of = functools.lru_cache(maxsize=_KEPT)(magnitude)
"""``magnitude``, remembered likewise."""


class RecordedNorms:
    """Norms that a tape has of parameters: an optimizer's step, or an update by hand, tells that of each."""

    def __init__(self, trainings: Trainings) -> None:
        self._trainings = trainings
        self._of: tuple[Series, ...] = ()
        self._by_name: dict[str, Series] = {}

    def of(self, leaf: int, value: Tensor | None, defined: tuple[int, int | None, int] | None) -> float | None:
        """Return the norm that was recorded of a leaf with the event that defines it; None where there is none.

        Where two leaves of one name were updated at once nobody knows which of the norms is whose.
        """
        if value is None or defined is None or value.value.data is not None:
            return None
        found = self._series(value.name or f"leaf #{leaf}")
        if found is None:
            return None
        at = bisect_left(found.events, defined[0], 0, found.count)
        same = [
            found.values[index] for index in range(at, min(at + 2, found.count)) if found.events[index] == defined[0]
        ]
        return same[0] if len(same) == 1 else None

    def _series(self, name: str) -> Series | None:
        known = self._trainings.all_series()
        if known is not self._of:
            self._of = known
            self._by_name = {series.name: series for series in known if series.kind == "parameter_norm"}
        return self._by_name.get(name)
