"""Keeps the nodes that gradb makes from the script's node creation hooks, which torch has since 2.14.

Such a hook is called for every node that its thread makes, and ``torch.autograd.graph`` has nothing to put it off. So a
hook that the script sets is told whether a node is ours before it is called.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from gradb.tracer.isolation.patches import replaced
from gradb.tracer.recording.composer import Composer
from gradb.tracer.tensors.nodes import is_accumulate

_NAME = "_push_node_creation_hook"
Hook = Callable[[Any], object]


@contextlib.contextmanager
def ours_unseen(composer: Composer) -> Iterator[None]:
    """Have hooks that the script sets called for its own nodes alone, as long as the context lasts."""
    owner = torch._C._autograd
    if not hasattr(owner, _NAME):
        yield
        return
    recorder, local = composer.recorder, composer.local

    def pushing(push: Callable[[Hook], None]) -> Callable[[Hook], None]:
        @functools.wraps(push)
        def push_hook(hook: Hook) -> None:
            composer.is_creation_hooked = True

            @functools.wraps(hook)
            def made(node: Any) -> None:
                lock: Any = recorder.lock
                is_ours = lock._is_owned() or (local.is_making_ends and not is_accumulate(node))
                if not is_ours:
                    hook(node)

            push(made)

        return push_hook

    with replaced(owner, _NAME, pushing):
        yield


def ends_made(composer: Composer, roots: Sequence[Any]) -> list[Any]:
    """Make the node of each root that is a leaf, as the engine will when it is given none; to be held until it begins.

    Where we look at the graph the node would be one of ours, of which no hook is told, and the engine would find it.
    """
    local = composer.local
    local.is_making_ends = True
    try:
        with torch._C.DisableTorchFunction():
            leaves = [root for root in roots if isinstance(root, torch.Tensor) and root.requires_grad and root.is_leaf]
            return [torch.autograd.graph.get_gradient_edge(leaf) for leaf in leaves]
    finally:
        local.is_making_ends = False
