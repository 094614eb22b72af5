"""Keeps an expression from running the node that the script is held inside of.

While a node of torch's runs it holds a lock: a backward through it, on the same thread, would wait for itself for ever,
and nothing could break that off.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from gradb.tracer.isolation.patches import replaced
from gradb.tracer.tensors.reach import node_of

_NAME = "_engine_run_backward"


@contextlib.contextmanager
def refusing(node: Any) -> Iterator[None]:
    """Have calls of the engine raise that would run a node, for as long as the context lasts; None: there is none."""
    if node is None:
        yield
        return

    def checking(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def engine(roots: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
            if _reaches(roots, node):
                raise RuntimeError(
                    f"the script is held inside {node.name()}, which this would run: it would wait for itself for ever"
                )
            return original(roots, *args, **kwargs)

        return engine

    with replaced(torch.autograd.graph, _NAME, checking), replaced(torch.autograd, _NAME, checking):
        yield


def _reaches(roots: Sequence[Any], node: Any) -> bool:
    pending = [node_of(root) for root in roots]
    seen = set()
    while pending:
        one = pending.pop()
        if one is node:
            return True
        if one is not None and one not in seen:
            seen.add(one)
            pending += [below for below, _ in one.next_functions]
    return False
