"""The ops of torch's database as cases, and one sample of a case run forward and backward.

Knows torch and its database; knows nothing of gradb. A sample is made anew for each run, from the same seed, so that
strides, views and what the op may change in place are the same each time.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._pytree import tree_leaves

from tests.tracer.op_database import op_db

SEED = 20
DTYPES = {"float64": torch.float64, "complex128": torch.complex128}
NO_DTYPE = "none"
"""Stands for the dtype of an op that the CPU cannot differentiate in any of ``DTYPES``."""

_ACCUMULATE = "AccumulateGrad"


@dataclass(frozen=True, slots=True)
class Case:
    """An op in one dtype."""

    op: str
    dtype: str


@dataclass(slots=True)
class Outcome:
    """What a run of one sample came to, as bytes and text: two runs are the same where these are equal."""

    error: str = ""
    """``Type: message`` of what torch raised."""
    outputs: list[str] = field(default_factory=list)
    gradients: list[str] = field(default_factory=list)
    """``.grad`` of each leaf that the outputs lead to."""
    inputs: list[str] = field(default_factory=list)
    """The sample's tensors after the run, with their version counters."""
    rng: bytes = b""
    """State of the random number generator after the run."""

    def difference(self, other: Outcome) -> str:
        """Return what differs, in a clause; empty where nothing does."""
        if self.error != other.error:
            return f"raises {other.error or 'nothing'!r} in place of {self.error or 'nothing'!r}"
        for name in ("outputs", "gradients", "inputs"):
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours != theirs:
                pairs = list(zip(ours, theirs, strict=False))
                at = next((index for index, (a, b) in enumerate(pairs) if a != b), len(pairs))
                return f"{name} differ from plain torch's: number {at} of {len(ours)}"
        return "" if self.rng == other.rng else "the random number generator is in another state"


@functools.cache
def differentiable() -> dict[str, Any]:
    """Return every op of the database that supports autograd, by its full name."""
    return {op.full_name: op for op in op_db if op.supports_autograd}


def cases(names: Iterable[str] = ()) -> list[Case]:
    """Return the cases of some ops (all of them, where none are named), in the database's order.

    An op that the CPU cannot differentiate in any of the dtypes is one case with the dtype ``NO_DTYPE``.
    """
    wanted = set(names)
    found = []
    for name, op in differentiable().items():
        if wanted and name not in wanted:
            continue
        supported = op.supported_dtypes("cpu") & op.supported_backward_dtypes("cpu")
        dtypes = [label for label, dtype in DTYPES.items() if dtype in supported] or [NO_DTYPE]
        found += [Case(name, dtype) for dtype in dtypes]
    return found


def samples(case: Case, count: int) -> list[Any]:
    """Return some samples of a case (all of them, where ``count`` is 0), equal ones at each call.

    They are spread evenly over what the database has: its first ones are often the smallest, without any element.
    """
    torch.manual_seed(SEED)
    random.seed(SEED)
    op = differentiable()[case.op]
    every = list(op.sample_inputs("cpu", DTYPES[case.dtype], requires_grad=True))
    if not count or len(every) <= count:
        return every
    step = (len(every) - 1) / (count - 1) if count > 1 else 0.0
    return [every[round(index * step)] for index in range(count)]


def outcome(sample: Any, outputs: list[torch.Tensor], error: str) -> Outcome:
    """Put down what a run left."""
    given = [item for item in tree_leaves((sample.input, sample.args, sample.kwargs)) if isinstance(item, torch.Tensor)]
    return Outcome(
        error,
        [fingerprint(output) for output in outputs],
        [fingerprint(leaf.grad) for leaf in _leaves([*outputs, *given])],
        [f"{fingerprint(item)} version {item._version}" for item in given],
        torch.get_rng_state().numpy().tobytes(),
    )


def _leaves(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Return the leaves below some tensors, in the order of a walk over their graph."""
    found = {id(tensor): tensor for tensor in tensors if tensor.is_leaf and tensor.requires_grad}
    seen: set[Any] = set()
    stack: list[Any] = [tensor.grad_fn for tensor in tensors if tensor.grad_fn is not None]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if type(node).__name__ == _ACCUMULATE:
            found.setdefault(id(node.variable), node.variable)
        stack += [child for child, _ in node.next_functions if child is not None]
    return list(found.values())


def fingerprint(tensor: torch.Tensor | None) -> str:
    """Return text that is the same for two tensors only where they are the same bit for bit, layout included."""
    if tensor is None:
        return "None"
    plain = tensor.detach()
    head = f"{plain.dtype} {plain.layout}"
    if plain.is_nested:
        return f"{head} nested {[fingerprint(part) for part in plain.unbind()]}"
    if plain.layout is not torch.strided:
        return f"{head} {tuple(plain.shape)} {fingerprint(plain.to_dense())}"
    head = f"{head} {tuple(plain.shape)} {plain.stride()} conj {plain.is_conj()} neg {plain.is_neg()}"
    content = plain.resolve_conj().resolve_neg().reshape(-1).clone(memory_format=torch.contiguous_format)
    return f"{head} {content.view(torch.uint8).numpy().tobytes().hex() if content.numel() else ''}"
