"""Which fault a sentence of another tool's names, and what that makes of a case: caught, missed, a false alarm.

The table is generous: a sentence counts for each rule whose fault a user would find by it.
"""

from __future__ import annotations

import re

from tests.gallery.cases import Case
from tests.gallery.peers.said import Said

_CLAIMS: dict[str, tuple[tuple[str, str], ...]] = {
    "detect_anomaly": (
        ("returned nan values", "G009 G016"),
        ("Traceback of forward call", "G101 G102 G107 G115"),
    ),
    "guardtower": (
        ("received NO gradient", "G002 G054 G103 G109"),
        ("NOT in the optimizer", "G001 G002 G003"),
        ("does not require grad", "G103"),
        ("not a scalar", "G104"),
        ("all-zero gradient", "G051"),
        ("output mostly zeros", "G051"),
        ("non-finite|NaN/Inf", "G009 G016"),
        ("large gradient norm|is tiny", "G052"),
    ),
    "sherlorch": (("Culprit", "G009 G016"),),
    "pytest-torch": (
        ("in no optimizer", "G001 G002 G003"),
        ("aren't parameters of the model", "G002 G003"),
        ("times per step", "G012"),
        ("not connected to the loss", "G002 G054 G103 G109"),
        ("gradient is zero everywhere", "G051"),
        ("[Nn]on-finite|not finite", "G009 G016"),
        ("steps skipped", "G009"),
        ("before scaler.unscale_", "G008"),
        ("no optimizer step", "G009 G017"),
        ("stepped but no parameter changed", "G002 G005 G006"),
    ),
}
"""For each tool: what its sentence has in it (a regular expression), and the rules whose fault it names."""

OUTCOMES = ("caught", "wrong line", "other", "missed", "quiet", "false alarm", "cannot run")
"""``other``: it speaks, of something else than the fault. ``quiet``: nothing is wrong, and nothing is said."""


def outcome(tool: str, case: Case, said: Said) -> str:
    """Say what a tool made of a case, one of ``OUTCOMES``."""
    if said.cannot:
        return "cannot run"
    named = set().union(*(_named(tool, text) for text in said.sentences))
    wanted = {*case.findings, *case.hints}
    if not wanted:
        return "false alarm" if said.sentences and not named & {*case.may} else "quiet"
    if not named & wanted:
        return "other" if said.sentences else "missed"
    return "wrong line" if _is_elsewhere(case, said) else "caught"


def _named(tool: str, text: str) -> set[str]:
    return {code for pattern, codes in _CLAIMS[tool] if re.search(pattern, text) for code in codes.split()}


def _is_elsewhere(case: Case, said: Said) -> bool:
    """Tell whether a tool says where a NaN or infinity was born, and none of these lines is right."""
    is_birth = "G016" in case.findings and case.lines and said.lines
    return bool(is_birth) and not set(said.lines) & set(case.lines)
