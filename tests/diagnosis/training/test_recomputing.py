"""What a checkpoint computes again is held against what it had computed, and what is the same is no finding."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from tests.diagnosis.judging import codes, warnings_of

Block = Callable[[Tensor], Tensor]
both_kinds = pytest.mark.parametrize("is_reentrant", [False, True])


def _script(make: Callable[[], Block], *, is_reentrant: bool, size: int = 4) -> Callable[[], None]:
    def script() -> None:
        torch.manual_seed(0)
        block = make()
        for _ in range(2):
            x = torch.linspace(-1.0, 1.0, 3 * size).reshape(3, size).requires_grad_()
            checkpoint(block, x, use_reentrant=is_reentrant).sum().backward()

    return script


@both_kinds
def test_a_factor_that_counts_on_is_found(is_reentrant: bool) -> None:
    """The call is named with what it was called with in either pass; torch raised nothing."""

    def make() -> Block:
        numbers = itertools.count(2)
        return lambda x: torch.tanh(x * next(numbers)).exp()

    (found,) = warnings_of(_script(make, is_reentrant=is_reentrant))
    assert found.code == "G018"
    assert "mul in line" in found.message
    assert found.message.endswith("was called with 2 first and with 3 then")
    assert [step.text for step in found.steps] == ["is computed in the forward", "is computed again, and is another"]


@both_kinds
def test_another_random_mask_is_found(is_reentrant: bool) -> None:
    """What makes random numbers of the same inputs is named, with two of the values."""

    def make() -> Block:
        generator = torch.Generator().manual_seed(4)
        return lambda x: torch.tanh(x * torch.rand(x.shape, generator=generator)).exp()

    (found,) = warnings_of(_script(make, is_reentrant=is_reentrant))
    assert "mul in line" in found.message
    assert "was given another input: " in found.message
    assert "(12 of 12 values differ)" in found.message


def test_a_large_tensor_is_held_by_what_is_kept_of_it() -> None:
    """Of more elements than are kept whole, smallest, largest, mean and the first few decide."""

    def make() -> Block:
        numbers = itertools.count(2)
        return lambda x: torch.tanh(x.roll(next(numbers), 1).cumsum(1)).exp()

    (found,) = warnings_of(_script(make, is_reentrant=False, size=700))
    assert found.code == "G018"


@both_kinds
def test_the_same_random_numbers_are_no_finding(is_reentrant: bool) -> None:
    """Torch puts its own random state back; buffers that count calls have no part in the gradient."""

    def make() -> Block:
        calls = torch.zeros((), dtype=torch.long)

        def block(x: Tensor) -> Tensor:
            calls.add_(1)
            return torch.tanh(torch.nn.functional.dropout(x, 0.5)).exp() + 0 * torch.randn_like(x)

        return block

    assert codes(_script(make, is_reentrant=is_reentrant)) == []


def test_rounding_is_no_finding() -> None:
    """Kernels may add up in another order the second time: a difference of an ulp is none."""

    def quiet() -> Block:
        orders = itertools.cycle([0.0, 1e-7])
        shift = torch.zeros(())
        return lambda x: torch.tanh((x + shift.fill_(next(orders))) * 3.0).exp()

    assert codes(_script(quiet, is_reentrant=True)) == []
