"""Which checkpoint is let go where there are too many. Knows nothing but places in a run.

As in ocamldebug they are close together behind a reference and ever further apart the further back. There one is kept
of each interval back from the reference, each twice as long as the one before; here as many are kept as may be, and the
gaps grow with the distance by what that number allows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def least_missed_first(places: Sequence[int]) -> list[int]:
    """Return some places by their indices, the one that is missed least first: its gap is small for how far back it is.

    The last place, behind which they are to be close together, is missed most.

    Args:
        places: in ascending order; the start of the run, at 0, is always there.
    """
    last = len(places) - 1
    reference = 2 * places[last] - places[last - 1] if last else places[last]  # where the next is to be expected

    def gap(index: int) -> float:
        before = places[index - 1] if index else 0
        return math.inf if index == last else (places[index + 1] - before) / max(reference - before, 1)

    return sorted(range(len(places)), key=gap)
