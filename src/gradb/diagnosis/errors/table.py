"""The table of the errors that can be explained, in the order in which they are tried."""

from __future__ import annotations

from gradb.diagnosis.errors import (
    absent,
    custom,
    cut,
    devices,
    fit,
    freed,
    inference,
    inplace,
    leaves,
    objects,
    recomputed,
    roots,
)
from gradb.diagnosis.errors.row import ErrorRow

ROWS: tuple[ErrorRow, ...] = (
    *inplace.ROWS,
    *freed.ROWS,
    *cut.ROWS,
    *roots.ROWS,
    *leaves.ROWS,
    *custom.ROWS,
    *absent.ROWS,
    *inference.ROWS,
    *objects.ROWS,
    *recomputed.ROWS,
    *devices.ROWS,
    *fit.ROWS,
)

RULES = tuple(row.rule for row in ROWS)
"""What the registry of rules holds of them."""
