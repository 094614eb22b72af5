"""The cases: plain scripts whose docstrings say which findings are right. Nothing here runs one.

The first line of a docstring says in a user's words what is wrong (or what the script does), and then come fields::

    Findings: G004           the warnings and errors that have to be found, or none
    Hints: G051              hints that have to be found, where there are any
    May: G055                warnings that are right too, and need not be found
    Line: 31 or 40           where the first of the findings is to point to; any of these lines is right
    Raises: RuntimeError     what the script ends with, uncaught
    Ends: 20                 the iteration after which gradb ends it, as gradb check does
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
_FIELD = re.compile(r"^(Findings|Hints|May|Line|Raises|Ends): *(.+)$", re.MULTILINE)
_CODE = re.compile(r"G\d{3}")


@dataclass(frozen=True, slots=True)
class Case:
    """One script, and what is right to say of it."""

    name: str
    """``broken/NAME`` or ``clean/NAME``."""
    path: Path
    title: str
    """What is wrong, in a user's words."""
    findings: tuple[str, ...]
    """Codes of the warnings and errors that have to be found."""
    hints: tuple[str, ...]
    """Codes of the hints that have to be found."""
    may: tuple[str, ...]
    """Codes of warnings that may be found."""
    lines: tuple[int, ...]
    """Where the first of the findings, else of the hints, is to point to; empty where no line is right or wrong."""
    raises: str
    """Name of the exception that the script ends with; empty where it ends well."""
    ends_after: int | None = None
    """The iteration after which gradb ends it; None where it ends by itself."""


def all_cases() -> list[Case]:
    """Return every case, by name."""
    return [read(path) for folder in ("broken", "clean") for path in sorted((FOLDER / folder).glob("*.py"))]


def read(path: Path) -> Case:
    """Read the docstring of a case.

    Raises:
        ValueError: it does not say what is right to find.
    """
    text = ast.get_docstring(ast.parse(path.read_bytes())) or ""
    fields = dict(_FIELD.findall(text))
    if "Findings" not in fields:
        raise ValueError(f"{path}: the docstring has no line 'Findings:'")
    return Case(
        name=f"{path.parent.name}/{path.stem}",
        path=path,
        title=text.partition("\n")[0],
        findings=_codes(fields["Findings"]),
        hints=_codes(fields.get("Hints", "")),
        may=_codes(fields.get("May", "")),
        lines=tuple(int(number) for number in re.findall(r"\d+", fields.get("Line", ""))),
        raises=fields.get("Raises", "").strip(),
        ends_after=int(fields["Ends"]) if "Ends" in fields else None,
    )


def _codes(text: str) -> tuple[str, ...]:
    return tuple(_CODE.findall(text))
