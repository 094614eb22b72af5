"""Holds what a training left against what another left, bit for bit."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch

from gradb.tape.values import TensorValue


def bits(value: Any) -> Any:
    """Return something that is equal for two values only where they agree to the last bit."""
    if isinstance(value, torch.Tensor):
        if value.is_sparse:
            inner = value.detach().coalesce()
            return (tuple(value.shape), bits(inner.indices()), bits(inner.values()))
        flat = value.detach().contiguous().flatten().view(torch.uint8)
        return (str(value.dtype), tuple(value.shape), bytes(flat.tolist()))
    if isinstance(value, float):
        return struct.pack("<d", value)
    if isinstance(value, dict):
        return {key: bits(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(one) for one in value]
    return value


def as_kept(tensor: torch.Tensor | None) -> tuple[str, tuple[int, ...], bytes] | None:
    """Return a tensor as the tape keeps it: dtype, shape and bytes."""
    if tensor is None:
        return None
    _, shape, data = bits(tensor)
    return str(tensor.dtype).removeprefix("torch."), shape, data


def kept(value: TensorValue | None) -> tuple[str, tuple[int, ...], bytes | None] | None:
    """Return a value on the tape in the same form."""
    return None if value is None else (value.dtype, value.shape, value.data)


@dataclass(slots=True)
class Outcome:
    """What a training computed, in the order in which it did."""

    losses: list[float] = field(default_factory=list)
    parameters: Any = None
    gradients: Any = None
    states: Any = None
    """Of the optimizers, with their parameter groups."""
    random: Any = None

    def close(self, parameters: Iterable[torch.Tensor], optimizers: Iterable[torch.optim.Optimizer] = ()) -> Outcome:
        """Take down what is left at the end."""
        known = list(parameters)
        self.parameters = bits([one.detach() for one in known])
        self.gradients = bits([one.grad for one in known])
        self.states = bits([one.state_dict() for one in optimizers])
        self.random = bits(torch.get_rng_state())
        return self


def assert_same(traced: Outcome, bare: Outcome, *, with_gradients: bool = True) -> None:
    """Assert that two trainings agree bit for bit, part by part."""
    assert bits(traced.losses) == bits(bare.losses), f"losses {traced.losses} are not {bare.losses}"
    assert traced.parameters == bare.parameters, "parameters differ"
    assert traced.states == bare.states, "optimizer states differ"
    assert traced.random == bare.random, "random states differ"
    if with_gradients:
        assert traced.gradients == bare.gradients, "gradients differ"
