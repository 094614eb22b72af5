"""Names that nodes and ATen calls can have: torch's own, and those of functions that the script may define."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from gradb.rules.formulas import node_names

_ENGINE = frozenset({"AccumulateGrad", "CopyBackwards", "CopySlices", "GraphRoot", "UndefinedGrad", "NotImplemented"})
"""Nodes of the engine's own, which no formula is for."""
_OTHERS = frozenset({"CheckpointFunctionBackward", "CompiledFunctionBackward", "DelayedError", "Error"})
_FUNCTION = re.compile(r"^\s*class\s+(\w+)|\b(\w+)\.apply\b", re.MULTILINE)
_IMPORTED = re.compile(r"^[ \t]*(?:from\s+[\w.]+\s+)?import\s+(\([^)]*\)|[^\n#;]+)", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]\w*")
_CALL = re.compile(r"^- func: (\w+(?:\.\w+)?)\(", re.MULTILINE)
_LIST = "packaged/ATen/native/native_functions.yaml"


def torch_nodes() -> frozenset[str]:
    """Return the names of torch's own nodes, in any version that was measured."""
    return node_names() | _ENGINE | _OTHERS


def function_nodes(texts: Iterable[str]) -> frozenset[str]:
    """Return the names that nodes of custom Functions would have: of classes, and of what is imported or applied."""
    return frozenset(f"{name}Backward" for text in texts for name in _classes(text))


def words(texts: Iterable[str]) -> frozenset[str]:
    """Return every word of some texts: what variables may be called."""
    return frozenset().union(*map(_words, texts))


@lru_cache(maxsize=64)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


@lru_cache(maxsize=64)
def _classes(text: str) -> frozenset[str]:
    found = {name for pair in _FUNCTION.findall(text) for name in pair if name}
    imported = {word for names in _IMPORTED.findall(text) for word in _WORD.findall(names)}
    return frozenset(found | imported)


@lru_cache(maxsize=1)
def torch_calls() -> frozenset[str]:
    """Return the names of torch's ATen calls (``mul.Tensor``), from the list that is installed with it; else none."""
    try:
        spec = find_spec("torchgen")
        folder = next(iter(spec.submodule_search_locations or ())) if spec is not None else ""
        text = Path(folder, _LIST).read_text(encoding="utf-8") if folder else ""
    except (OSError, ValueError, ImportError):
        return frozenset()
    return frozenset(name if "." in name else f"{name}.default" for name in _CALL.findall(text))
