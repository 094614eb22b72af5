"""What a call of the engine is given, by position or by name, as torch's own ``_engine_run_backward`` reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

_NAMES = ("grad_tensors", "keep_graph", "create_graph", "inputs", "allow_unreachable")
"""Behind the roots, in this order."""


def accumulates(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Tell whether a call of the engine fills ``.grad`` buffers: ``backward`` does, ``autograd.grad`` does not."""
    return bool(args[5] if len(args) > 5 else kwargs.get("accumulate_grad"))


def plain_arguments(
    roots: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Any, bool] | None:
    """Return the one root of a call that fills the buffers of all leaves, what comes in there, and whether the graph is
    kept; None of any other call.
    """
    if len(roots) != 1 or len(args) != 4 or not accumulates(args, kwargs):
        return None
    gradients, keeps, creates, wanted = args
    if creates or wanted or not isinstance(gradients, tuple) or len(gradients) != 1:
        return None
    return roots[0], gradients[0], bool(keeps)


class EngineArguments(NamedTuple):
    """What one call of the engine is given."""

    roots: Sequence[Any]
    """What it begins from: tensors, or edges of the graph."""
    gradients: Sequence[Any]
    """What comes in at each root; None: ones."""
    wanted: Sequence[Any]
    """What it is asked for alone, tensors or edges; empty: the gradients of all leaves."""
    retain_graph: bool
    create_graph: bool
    is_grad: bool
    """True where the gradients are returned (``torch.autograd.grad``), and no ``.grad`` is filled."""

    @classmethod
    def of(cls, roots: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> EngineArguments:
        """Read the arguments of a call."""
        options = dict(zip(_NAMES, args, strict=False)) | kwargs
        return cls(
            roots,
            options.get("grad_tensors") or (),
            options.get("inputs") or (),
            bool(options.get("keep_graph")),
            bool(options.get("create_graph")),
            not accumulates(args, kwargs),
        )

    @property
    def tensors(self) -> list[torch.Tensor]:
        """The roots that are tensors."""
        return [root for root in self.roots if isinstance(root, torch.Tensor)]

    @property
    def inputs(self) -> list[torch.Tensor]:
        """The tensors among what it is asked for alone."""
        return [item for item in self.wanted if isinstance(item, torch.Tensor)]
