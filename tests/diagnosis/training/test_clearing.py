"""Rules about the order of clearing, backward and step, each on trainings recorded for real."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.diagnosis.judging import codes, verdict, warnings_of
from tests.diagnosis.loops import loop


@pytest.mark.parametrize(
    ("order", "code"),
    [("FBS", "G004"), ("EFBS", "G004"), ("FBFBS", "G004"), ("FBZS", "G005"), ("FSZB", "G006"), ("ZFSB", "G006")],
)
def test_a_wrong_order_is_found(order: str, code: str) -> None:
    """What is cleared too seldom, or at the wrong moment, and a step at the wrong moment, each have their own code."""
    assert codes(loop(order)) == [code]


@pytest.mark.parametrize("order", ["ZFBS", "FZBS", "FBSZ", "ZFBFBS", "FBFBSZ", "FBSFBSZ", "FBSS", "F"])
@pytest.mark.parametrize("set_to_none", [True, False])
def test_a_right_order_is_not(order: str, set_to_none: bool) -> None:
    """Neither zero_grad before forward or backward or after the step, nor sums over several backwards, are faults."""
    clean = order if "Z" in order or "B" not in order else f"Z{order}"
    assert codes(loop(clean, set_to_none=set_to_none)) == []


def test_zeros_are_as_good_as_none_for_a_clear_too_early() -> None:
    """A zero_grad that leaves zeros between backward and step is found too."""
    assert codes(loop("FBZS", set_to_none=False)) == ["G005"]


def test_a_forgotten_zero_grad_says_who_and_where() -> None:
    """The message names parameters and lines, and since when; the positions are those of steps and a backward."""
    (found,) = warnings_of(loop("FBS", layers=2))
    assert found.message.startswith("the gradients of the 4 parameters of model are not cleared between steps")
    assert "since iteration 1" in found.message
    assert found.message.endswith("nothing clears them")
    assert set(found.tensors) == {"model.0.weight", "model.0.bias", "model.2.weight", "model.2.bias"}
    assert [step.event for step in found.steps] == sorted(step.event for step in found.steps)


def _clears_another(iterations: int = 5) -> None:
    torch.manual_seed(0)
    model, other = nn.Linear(3, 1), nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    other(torch.randn(4, 3))
    for _ in range(iterations):
        other.zero_grad()
        model(torch.randn(4, 3)).square().mean().backward()
        optimizer.step()


def test_clearing_another_model_is_said() -> None:
    """Where zero_grad is called on the wrong model, the finding says whose gradients it clears."""
    (found,) = warnings_of(_clears_another)
    assert found.code == "G004"
    assert "clears other.weight and other.bias instead" in found.message


def _by_hand(*, clears: bool) -> None:
    torch.manual_seed(0)
    w = torch.randn(3, requires_grad=True)
    for _ in range(5):
        ((w - 1) ** 2).sum().backward()
        assert w.grad is not None
        with torch.no_grad():
            w -= 0.1 * w.grad
        if clears:
            w.grad = None


def test_updates_by_hand_are_steps() -> None:
    """Hand-written SGD that never clears a gradient is found, and one that does is not."""
    assert codes(lambda: _by_hand(clears=False)) == ["G004"]
    assert codes(lambda: _by_hand(clears=True)) == []


def _adversarial() -> None:
    torch.manual_seed(0)
    generator, critic = nn.Linear(2, 2), nn.Linear(2, 1)
    first = torch.optim.SGD(generator.parameters(), lr=0.01)
    second = torch.optim.SGD(critic.parameters(), lr=0.01)
    for _ in range(4):
        second.zero_grad()
        fake = generator(torch.randn(4, 2))
        (critic(fake.detach()).mean() - critic(torch.randn(4, 2)).mean()).backward()
        second.step()
        first.zero_grad()
        (-critic(fake).mean()).backward()
        first.step()


def test_gradients_that_the_generator_leaves_in_the_critic_are_no_fault() -> None:
    """A GAN's critic is filled by the generator's backward too, after its step, and cleared before the next."""
    assert codes(_adversarial) == []


def test_few_steps_are_not_judged() -> None:
    """With a single iteration there is nothing to say, and why is said."""
    unjudged = dict(verdict(loop("FBS", 1)).unjudged)
    assert unjudged["G004"] == "there are fewer than 3 steps of an optimizer"
