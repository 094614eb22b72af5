"""Rules about GradScaler, each on trainings recorded for real on the CPU."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from tests.diagnosis.judging import codes, warnings_of


def _scaled(
    *,
    unscales: bool = True,
    clips: bool = True,
    factor: float = 1.0,
    init_scale: float = 1024.0,
    iterations: int = 10,
    limit: float = 0.5,
) -> Callable[[], None]:
    def train() -> None:
        torch.manual_seed(0)
        model = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        scaler = torch.amp.GradScaler("cpu", init_scale=init_scale)
        for _ in range(iterations):
            optimizer.zero_grad()
            loss = model(torch.randn(4, 3)).square().mean() * factor
            scaler.scale(loss).backward()
            if unscales:
                scaler.unscale_(optimizer)
            if clips:
                nn.utils.clip_grad_norm_(model.parameters(), limit)
            scaler.step(optimizer)
            scaler.update()

    return train


def test_clipping_scaled_gradients_is_found() -> None:
    """The message has both norms and the line where the gradients are unscaled in the end."""
    (found,) = warnings_of(_scaled(unscales=False))
    assert found.code == "G008"
    assert "clip_grad_norm_ clips gradients that are still scaled" in found.message
    assert "with the scale becomes" in found.message


def test_clipping_scaled_gradients_is_found_where_the_limit_is_never_met() -> None:
    """The order is wrong all the same: the limit is that of scaled gradients."""
    (found,) = warnings_of(_scaled(unscales=False, limit=1e9))
    assert found.code == "G008"
    assert "clip_grad_norm_ holds its limit against gradients that are still scaled" in found.message
    assert "here it was not met" in found.message
    assert codes(_scaled(limit=1e9)) == []


def test_clipping_of_another_optimizers_gradients_is_not_taken_for_it() -> None:
    """Each optimizer's gradients are unscaled and clipped in turn, and no limit is met."""

    def train() -> None:
        torch.manual_seed(0)
        models = [nn.Linear(3, 3), nn.Linear(3, 1)]
        optimizers = [torch.optim.SGD(model.parameters(), lr=0.01) for model in models]
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        for _ in range(3):
            for optimizer in optimizers:
                optimizer.zero_grad()
            scaler.scale(models[1](models[0](torch.randn(4, 3))).square().mean()).backward()
            for model, optimizer in zip(models, optimizers, strict=True):
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(model.parameters(), 1e9)
            for optimizer in optimizers:
                scaler.step(optimizer)
            scaler.update()

    assert codes(train) == []


def test_clipping_unscaled_gradients_is_not() -> None:
    """Nor is a scaler without clipping."""
    assert codes(_scaled()) == []
    assert codes(_scaled(unscales=False, clips=False)) == []


def test_a_loss_that_is_never_finite_is_found() -> None:
    """Every step is skipped, and no smaller scale helps."""
    found = [one for one in warnings_of(_scaled(factor=float("nan"), clips=False)) if one.code == "G009"]
    assert len(found) == 1
    assert "skips every step of SGD from the first on, 10 so far: nan in model." in found[0].message
    assert "the scale is" in found[0].message


def test_a_scale_that_is_far_too_large_is_found() -> None:
    """After so many steps that is no beginning any more."""
    assert "G009" in codes(_scaled(init_scale=2.0**126, factor=1e6, clips=False))


def test_a_few_skipped_steps_are_normal() -> None:
    """A scale that has to fall at first skips steps, until it fits."""
    assert codes(_scaled(init_scale=2.0**127, factor=16.0, clips=False)) == []


def test_clipping_scaled_gradients_by_hand_is_found() -> None:
    """The norm of the scaled gradients is the same in each iteration: they were clipped; a division is none."""

    def train(*, clips: bool) -> None:
        torch.manual_seed(0)
        model = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        for _ in range(5):
            optimizer.zero_grad()
            scaler.scale(model(torch.randn(4, 3)).square().mean()).backward()
            grads = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
            norm = float(torch.stack([grad.norm() for grad in grads]).norm())
            for grad in grads:
                grad.mul_(1 / norm if clips else 0.25)
            scaler.step(optimizer)
            scaler.update()

    assert codes(lambda: train(clips=True)) == ["G008"]
    assert codes(lambda: train(clips=False)) == []
