"""The checked-in list of what does not conform, each with its reason. It may only shrink.

What fails must be on it, and what is on it must fail.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tests.conformance.ops.results import Result

PATH = Path(__file__).with_name("exceptions.json")

Exceptions = dict[tuple[str, str], str]
"""(op, dtype) -> reason."""


def load(path: Path = PATH) -> Exceptions:
    """Return the list.

    Raises:
        ValueError: an entry is there twice, or has no reason.
    """
    found: Exceptions = {}
    for entry in json.loads(path.read_text(encoding="utf-8")):
        key = entry["op"], entry["dtype"]
        if key in found or not entry["reason"].strip():
            raise ValueError(f"{path.name}: {' '.join(key)} is there twice or has no reason")
        found[key] = entry["reason"]
    return found


def complaints(results: Iterable[Result], exceptions: Exceptions) -> list[str]:
    """Return what is against the list, a sentence each; nothing where all is well."""
    found = []
    for result in results:
        name = f"{result.op} {result.dtype}"
        if not result.conforms and result.key not in exceptions:
            found.append(f"{name} does not conform: {result.problems[0]}")
        if result.conforms and result.key in exceptions:
            found.append(f"{name} conforms: take it off the list of exceptions")
    return found
