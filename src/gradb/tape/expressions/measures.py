"""What is measured of an event as a whole: how much a step has changed its parameters."""

from __future__ import annotations

import math

from gradb.tape.expressions.functions import norm
from gradb.tape.kinds.step import StepDetail


def update_of(step: StepDetail) -> float | None:
    """Return how much a step has changed: the 2-norm of all changes by that of all parameters before it.

    None where it was not measured and not every value is kept whole. Of parameters that were all zero it is infinity,
    or NaN where they still are.
    """
    if step.size is not None:
        return _ratio(step.size.change, step.size.whole)
    before, after = step.before, [one.value for one in step.parameters]
    if not after or len(before) != len(after) or any(one is None or one.data is None for one in (*before, *after)):
        return None
    if any(old is not None and old.shape != new.shape for old, new in zip(before, after, strict=True)):
        return None  # the step has put others in their place
    olds = [number for one in before if one is not None for number in one.numbers() or ()]
    news = [number for one in after for number in one.numbers() or ()]
    return _ratio(norm([new - old for new, old in zip(news, olds, strict=True)]), norm(olds))


def _ratio(change: float, whole: float) -> float:
    return change / whole if whole else math.inf if change > 0 else math.nan
