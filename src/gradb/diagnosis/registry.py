"""The table of all diagnosis rules, by code."""

from __future__ import annotations

from types import ModuleType

from gradb.diagnosis.errors import table
from gradb.diagnosis.rule import DiagnosisRule
from gradb.diagnosis.training import (
    births,
    clearing,
    depth,
    edits,
    idle,
    keeping,
    losses,
    magnitudes,
    membership,
    recomputing,
    scaling,
    updates,
)

_FAMILIES: tuple[ModuleType, ...] = (
    table, births, clearing, depth, edits, idle, keeping, losses, magnitudes, membership,
    recomputing, scaling, updates,
)  # fmt: skip
"""Each a file of ``errors`` or ``training`` with its ``RULES``."""

RULES: dict[str, DiagnosisRule] = {
    rule.code: rule
    for rule in sorted((rule for family in _FAMILIES for rule in family.RULES), key=lambda row: row.code)
}
"""Code -> rule, in the order of the codes."""
