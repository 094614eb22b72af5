"""What is measured of an event as a whole: how much a step has changed its parameters."""

from __future__ import annotations

import math

from gradb.tape.expressions.functions import norm
from gradb.tape.kinds.step import StepDetail


def update_of(step: StepDetail) -> float | None:
    """Return how much a step has changed: the 2-norm of all changes by that of all parameters before it.

    None where not every value is kept whole, or there are none. Of parameters that were all zero it is infinity, or
    NaN where they still are.
    """
    before, after = step.before, [one.value for one in step.parameters]
    if not after or len(before) != len(after) or any(one is None or one.data is None for one in (*before, *after)):
        return None
    olds = [number for one in before if one is not None for number in one.numbers() or ()]
    news = [number for one in after for number in one.numbers() or ()]
    change, whole = norm([new - old for new, old in zip(news, olds, strict=True)]), norm(olds)
    return change / whole if whole else math.inf if change > 0 else math.nan
