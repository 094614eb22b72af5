"""Diagnosis rules in words: one in full, all as a list, and the page of the docs.

``python -m gradb.present.lines.rules docs/rules.md`` writes the page.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

from gradb.diagnosis.registry import RULES
from gradb.diagnosis.rule import DiagnosisRule, Severity

GROUPS: dict[Severity, tuple[str, str]] = {
    "warning": (
        "Warnings",
        "Each can be proved from what was recorded. Where one is found, `gradb check` ends with exit code 1.",
    ),
    "hint": (
        "Hints",
        "Each depends on what was meant, and speaks beyond a threshold. `gradb check --hints` judges them.",
    ),
    "error": ("Errors", "What is behind an exception that torch raises, and who did it."),
}
_HEAD = """\
# Diagnosis rules

`gradb check train.py` judges a training by these rules; `gradb rule G004` prints one. A code keeps its meaning. This
page is generated: `python -m gradb.present.lines.rules docs/rules.md`.
"""


def rule_lines(rule: DiagnosisRule, width: int) -> list[str]:
    """Return a rule in full."""
    threshold = ["", *textwrap.wrap(f"Threshold: {rule.threshold}", width)] if rule.threshold else []
    return [
        f"{rule.code} {rule.title} ({rule.severity})",
        "",
        *textwrap.wrap(rule.meaning, width),
        "",
        *textwrap.wrap(f"What to do: {rule.advice}", width),
        *threshold,
    ]


def list_lines(rules: Iterable[DiagnosisRule]) -> list[str]:
    """Return one line a rule."""
    return [f"{rule.code}  {rule.severity:<7}  {rule.title}" for rule in rules]


def page() -> str:
    """Return the page of the docs."""
    parts = [_HEAD]
    for severity, (heading, about) in GROUPS.items():
        rules = [rule for rule in RULES.values() if rule.severity == severity]
        if rules:
            parts += [f"## {heading}\n\n{about}\n", *map(_section, rules)]
    return "\n".join(parts)


def _section(rule: DiagnosisRule) -> str:
    threshold = f"\nThreshold: {rule.threshold}\n" if rule.threshold else ""
    return f"### {rule.code}: {rule.title}\n\n{rule.meaning}\n\n**What to do:** {rule.advice}\n{threshold}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
