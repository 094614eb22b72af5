"""Paths of a graph as plain data: one path with its factors, the sum over all, and what the engine made of it."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.algebra.local import Local
from gradb.tape.values import TensorValue


@dataclass(frozen=True, slots=True)
class PathEnd:
    """A tensor at which paths begin or end."""

    node: int
    output_nr: int
    name: str
    """Its variable's name, else the node's."""
    is_named: bool = True
    """True when that is a variable's."""
    is_weighted: bool = False
    """True of a root that is not one number, or that ``gradient=`` gave another weight than 1."""


@dataclass(frozen=True, slots=True)
class PathStep:
    """One node on a path, seen from the root."""

    node: int
    node_name: str
    label: str | None
    """The variable that is the output by which the path comes in, where there is one."""
    output_nr: int
    """Which of its outputs that is."""
    index: int
    """Entry of its ``next_functions`` by which the path goes on."""
    parallel: int
    """How many of its entries lead to that same tensor: with ``x * x`` there are two paths through one node."""
    local: Local
    """The factor: rows over what the path comes in by, columns over what it leads to."""
    product: TensorValue | None
    """upstream of the root times all factors down to this one; None where not known, or not asked for."""


@dataclass(frozen=True, slots=True)
class Path:
    """One path from a root down to the target."""

    number: int
    """From 1."""
    root: PathEnd
    upstream: TensorValue | None
    """dL/d(root): what the script gave, or 1."""
    steps: tuple[PathStep, ...]
    """From the root down, at most ``MAX_MULTIPLIED``."""
    product: TensorValue | None
    """What this path contributes to the gradient of the target; None where not known."""
    why: str = ""
    """Why it is not known."""


@dataclass(frozen=True, slots=True)
class Total:
    """The sum over all paths."""

    value: TensorValue | None
    """None where not known."""
    is_listed: bool = False
    """True when it is the sum of the products of all paths; else it was multiplied through the graph, node by node,
    which comes to the same."""
    why: str = ""
    """Why it is not known."""


@dataclass(frozen=True, slots=True)
class Made:
    """What the engine made of the gradient of the target."""

    value: TensorValue | None
    """Before any hook of the script's changed it there; None where not known or undefined."""
    source: str = ""
    """``added to .grad``, ``returned by grad()`` or ``upstream of the node``; empty while the engine is not there."""
    event: int | None = None
    hook: str = ""
    """The hook that changed it at the target itself, or empty."""
    after: TensorValue | None = None
    """What that hook, and those after it, made of it."""
