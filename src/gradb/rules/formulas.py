"""PyTorch's own backward formulas by node name and version, as shipped in its derivatives.yaml.

``formulas.json`` is generated from torch wheels by tests/conformance/generate_formulas.py and read when first asked
for: all formulas of one version, and of each other one that was measured what differs from it. The formulas call C++
helpers: they are PyTorch's words, not mathematics.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

from gradb.rules.versions import MEASURED, measured

Formulas = dict[str, str]
"""{inputs: formula}."""


@lru_cache(maxsize=1)
def _load() -> dict[str, Any]:
    text = files("gradb.rules").joinpath("formulas.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@lru_cache(maxsize=len(MEASURED))
def _of_version(release: str) -> dict[str, Formulas]:
    """Return the formulas of one version; one of another dispatch key has a node name of its own."""
    loaded = _load()
    merged: dict[str, Formulas | None] = {}
    for table in (*loaded["other"].values(), loaded["nodes"], loaded["versions"].get(release, {})):
        merged |= table
    return {name: found for name, found in merged.items() if found is not None}


def formulas(node_name: str, torch: str = "") -> Formulas:
    """Return the formulas of a node in a version of torch, or in the nearest one measured; empty where it has none."""
    return _of_version(measured(torch)).get(node_name, {})


def formula_for(node_name: str, role: str, torch: str = "") -> str:
    """Return PyTorch's formula for one input of a node; all formulas of the node where that input has none."""
    found = formulas(node_name, torch)
    for inputs, formula in found.items():
        if role in inputs.split(", "):
            return formula
    return "; ".join(f"{inputs}: {formula}" if len(found) > 1 else formula for inputs, formula in found.items())


def node_names() -> frozenset[str]:
    """Return the names of all nodes that have a formula on every device, in any version."""
    loaded = _load()
    later = {name for table in loaded["versions"].values() for name, formula in table.items() if formula is not None}
    return frozenset(loaded["nodes"]) | later - {name for table in loaded["other"].values() for name in table}
