"""The scenarios that come with gradb: found in the installed package, or in the repository for an editable install."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import gradb
from gradb.frame.lesson.aim import learns

CHAPTERS = {
    "The graph": ("next_functions", "integer_grad"),
    "The chain rule": ("chain_rule", "scalar_only", "matmul", "softmax_cross_entropy"),
    "Many paths": ("shared_weight", "broadcasting", "rnn_through_time"),
    "Gradients add up": ("accumulation", "freed_graph", "grad_accumulation"),
    "Training": ("mlp", "zero_grad", "another_future", "two_models", "clipping"),
    "What goes wrong": ("wrong_optimizer", "detach_and_no_grad", "relu_and_dead_units", "vanishing", "nan_hunt"),
    "Beyond": ("inplace_views", "hooks", "custom_function", "double_backward", "checkpoint"),
}
"""The course: the scenarios in the order in which to learn from them, chapter by chapter."""
_LAST = "Beyond"
"""The chapter of those that stand in none."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario."""

    name: str
    """File name without ``.py``."""
    path: str
    title: str
    """First line of its docstring."""
    chapter: str
    lesson: str
    """What one will learn, on one line: what its docstring says after ``Lesson:``, else the beginning of the rest."""


def folder() -> Path | None:
    """Return the folder of the scenarios, or None where there is none."""
    package = Path(gradb.__file__).resolve().parent
    for candidate in (package / "_scenarios", package.parents[1] / "scenarios"):
        if (candidate / "chain_rule.py").is_file():
            return candidate
    return None


def scenario_path(name: str) -> str | None:
    """Return the path of the scenario called ``name`` (with or without ``.py``), or None."""
    home, stem = folder(), name.removesuffix(".py")
    return None if home is None or stem not in scenario_names() else str(home / f"{stem}.py")


def is_scenario(path: str, cwd: str = "") -> bool:
    """Tell whether a script is one of the scenarios; ``cwd``: the folder that its path is seen from."""
    home = folder()
    if home is None:
        return False
    try:
        return Path(cwd, path).resolve() == (home / f"{Path(path).stem}.py").resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return False


def scenario_names() -> list[str]:
    """Return the names of all scenarios."""
    home = folder()
    return [path.stem for path in home.glob("*.py")] if home is not None else []


def course() -> list[str]:
    """Return the names of the chapters' scenarios, in the order in which to learn from them."""
    return [name for names in CHAPTERS.values() for name in names]


def scenario(name: str) -> Scenario | None:
    """Return the scenario of that name, or None."""
    path = scenario_path(name)
    return None if path is None else _read(Path(path))


def scenarios() -> list[Scenario]:
    """Return all scenarios, in the order in which to learn from them."""
    home = folder()
    found = [_read(path) for path in home.glob("*.py")] if home is not None else []
    rank = {name: index for index, name in enumerate(course())}
    return sorted(found, key=lambda scenario: (rank.get(scenario.name, len(rank)), scenario.name))


def _read(path: Path) -> Scenario:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem
    title, _, rest = text.partition("\n")
    first = " ".join(rest.strip().partition("\n\n")[0].split())
    chapter = next((heading for heading, names in CHAPTERS.items() if path.stem in names), _LAST)
    return Scenario(path.stem, str(path), title.strip(), chapter, learns(text) or first)
