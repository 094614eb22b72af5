"""The grad_fn graph as the tape keeps it: nodes, edges, and what there is to remark on a node beside these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

RemarkKind = Literal[
    "custom",  # a custom Function: its name and where its backward is defined
    "once_differentiable",  # the backward of a custom Function cannot be differentiated
    "unmaterialised",  # a custom Function gets None, not zeros, for an output that has no gradient
    "saved_hooks",  # hooks of the script's own for saved tensors: their names and where they are defined
    "save_on_cpu",  # torch.autograd.graph.save_on_cpu
    "checkpoint",  # made inside of a checkpoint that is not reentrant
    "reentrant",  # the node of a reentrant checkpoint
    "compiled",  # a region that torch.compile made
    "module_hooks",  # torch's own node at a module's border, from which the module's backward hooks are called
    "scaled",  # a loss multiplied by a GradScaler's scale: the loss's name
    "made_by",  # made by backward under create_graph: the id of the node that ran
    "lost_hooks",  # hooks of the tensor's that hang on the node it had before its base was changed in place, as JSON
    "recomputed",  # made while a checkpoint computed its forward again: the id of the node that ran
]


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the grad_fn graph."""

    id: int
    name: str
    """e.g. ``MulBackward0``; ``AccumulateGrad`` for leaves."""
    event: int
    """seq of the event at which it was first seen."""
    kind: str
    """``builtin``, ``custom`` (a Python autograd.Function), ``accumulate`` or ``compiled``."""
    saves: bool
    """True when nodes of this class hold saved tensors, which a backward without retain_graph frees."""
    tensor: int | None = None
    """accumulate nodes: tensor id of the leaf."""
    edges: tuple[Edge, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Edge:
    """An entry of ``next_functions``."""

    to: int | None
    """Node id, or None where no gradient is wanted."""
    input_nr: int = 0
    """Which output of the ``to`` node this edge feeds."""
