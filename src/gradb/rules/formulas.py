"""PyTorch's own backward formulas by node name, as shipped in its derivatives.yaml.

``formulas.json`` is generated from the torch wheel by tests/conformance/generate_formulas.py and read when first asked
for. The formulas call C++ helpers: they are PyTorch's words, not mathematics.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any


@lru_cache(maxsize=1)
def _load() -> dict[str, Any]:
    text = files("gradb.rules").joinpath("formulas.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def formulas(node_name: str) -> dict[str, str]:
    """Return {inputs: formula} of a node; empty where PyTorch has none.

    Formulas that hold for another dispatch key only (nested tensors, CUDA) have node names of their own.
    """
    loaded = _load()
    for table in (loaded["nodes"], *loaded["other"].values()):
        if node_name in table:
            found: dict[str, str] = table[node_name]
            return found
    return {}


def formula_for(node_name: str, role: str) -> str:
    """Return PyTorch's formula for one input of a node; all formulas of the node where that input has none."""
    found = formulas(node_name)
    for inputs, formula in found.items():
        if role in inputs.split(", "):
            return formula
    return "; ".join(f"{inputs}: {formula}" if len(found) > 1 else formula for inputs, formula in found.items())


def node_names() -> frozenset[str]:
    """Return the names of all nodes that have a formula on every device."""
    return frozenset(_load()["nodes"])
