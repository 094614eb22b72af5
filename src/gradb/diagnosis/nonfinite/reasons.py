"""The table of reasons: the first row that the recorded numbers bear out is the reason."""

from __future__ import annotations

from gradb.diagnosis.nonfinite.backrows import BACK_ROWS
from gradb.diagnosis.nonfinite.case import Case
from gradb.diagnosis.nonfinite.changers import step_reason
from gradb.diagnosis.nonfinite.pointrows import OVERFLOW_ROWS, POINT_ROWS
from gradb.diagnosis.nonfinite.reading import Reading
from gradb.diagnosis.nonfinite.reason import Reason, Row
from gradb.diagnosis.nonfinite.rowwise import ROW_ROWS
from gradb.frame.origins import Origins

FORWARD: tuple[Row, ...] = (*POINT_ROWS, *OVERFLOW_ROWS, *ROW_ROWS)
"""Of ops."""
BACKWARD: tuple[Row, ...] = BACK_ROWS
"""Of backward nodes."""


def reason(origins: Origins, made: Reading) -> Reason | None:
    """Return why a value that an op, a node or a step made is not finite; None where no row fits."""
    kind = origins.event(made.event).kind
    if kind == "step":
        return step_reason(origins, made)
    if kind not in {"op", "node"}:
        return None
    case = Case(origins, made)
    for row in BACKWARD if case.is_backward else FORWARD:
        found = row.reason(case)
        if found is not None:
            return found
    return None
