"""Rules about what is computed as the loss, each on trainings recorded for real."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.diagnosis.judging import codes, warnings_of

Loss = Callable[[Tensor, Tensor], Tensor]


def _regression(loss: Loss, *, squeezes: bool = False) -> Callable[[], None]:
    def train() -> None:
        torch.manual_seed(0)
        model = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(3):
            optimizer.zero_grad()
            pred, target = model(torch.randn(4, 3)), torch.randn(4)
            loss(pred.squeeze(1) if squeezes else pred, target).backward()
            optimizer.step()

    return train


_REGRESSIONS: dict[str, Loss] = {
    "mse": functional.mse_loss,
    "mse summed": lambda pred, target: functional.mse_loss(pred, target, reduction="sum"),
    "l1": functional.l1_loss,
    "smooth l1": functional.smooth_l1_loss,
    "huber": nn.HuberLoss(),
    "square": lambda pred, target: ((pred - target) ** 2).mean(),
    "abs": lambda pred, target: (target - pred).abs().sum() / len(target),
    "root of the mean of d * d": lambda pred, target: ((pred - target) * (pred - target)).mean().sqrt(),
}


@pytest.mark.parametrize("loss", _REGRESSIONS.values(), ids=list(_REGRESSIONS))
def test_a_column_against_a_row_is_found(loss: Loss) -> None:
    """(N, 1) against (N,) is N times N pairs, in a loss of torch's and in one that is written out."""
    (found,) = warnings_of(_regression(loss))
    assert found.code == "G010"
    assert "(4, 1)" in found.message
    assert "(4,)" in found.message
    assert "16 pairs" in found.message


@pytest.mark.parametrize("loss", _REGRESSIONS.values(), ids=list(_REGRESSIONS))
def test_like_shapes_are_not(loss: Loss) -> None:
    """The same losses of a prediction that was squeezed are no fault."""
    assert codes(_regression(loss, squeezes=True)) == []


def _pairwise(pred: Tensor, target: Tensor) -> Tensor:
    scores = pred.squeeze(1)
    differences = scores.unsqueeze(1) - scores
    return (differences.square() * (target.unsqueeze(1) > target)).mean()


def _kernel(pred: Tensor, target: Tensor) -> Tensor:
    return torch.exp(-((pred - target) ** 2)).mean()


def _penalised(pred: Tensor, target: Tensor) -> Tensor:
    return functional.mse_loss(pred, target.unsqueeze(1)) + ((pred - pred.mean()) ** 2).mean()


@pytest.mark.parametrize("loss", [_pairwise, _kernel, _penalised])
def test_pairs_that_are_meant_are_not(loss: Loss) -> None:
    """Differences of all pairs of scores, kernels of all pairs, and a mean that is subtracted are no faults."""
    assert codes(_regression(loss)) == []


def _classification(loss: Loss) -> Callable[[], None]:
    def train() -> None:
        torch.manual_seed(0)
        model = nn.Linear(3, 5)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(3):
            optimizer.zero_grad()
            loss(model(torch.randn(4, 3)), torch.tensor([0, 1, 2, 3])).backward()
            optimizer.step()

    return train


@pytest.mark.parametrize(
    "loss",
    [
        lambda scores, target: functional.cross_entropy(scores.softmax(1), target),
        lambda scores, target: functional.cross_entropy(scores.softmax(1), target, label_smoothing=0.1),
        lambda scores, target: nn.CrossEntropyLoss()(nn.Softmax(dim=1)(scores), target),
        lambda scores, target: functional.cross_entropy(
            functional.softmax(scores, 1), functional.one_hot(target, 5).float()
        ),
        lambda scores, target: functional.cross_entropy(scores.softmax(1).view(2, 2, 5).flatten(0, 1), target),
        lambda scores, target: functional.nll_loss(scores.softmax(1), target),
        lambda scores, target: functional.binary_cross_entropy_with_logits(
            scores[:, 0].sigmoid(), (target > 1).float()
        ),
    ],
)
def test_probabilities_where_scores_belong_are_found(loss: Loss) -> None:
    """Softmax, or sigmoid, before a loss that applies it itself, through modules, functions and views."""
    assert codes(_classification(loss)) == ["G011"]


@pytest.mark.parametrize(
    "loss",
    [
        functional.cross_entropy,
        lambda scores, target: functional.cross_entropy(scores.log_softmax(1), target),
        lambda scores, target: functional.nll_loss(scores.log_softmax(1), target),
        lambda scores, target: functional.cross_entropy(scores, (scores.detach() * 2).softmax(1)),
        lambda scores, target: functional.cross_entropy(scores, scores.softmax(1)),
        lambda scores, target: functional.binary_cross_entropy(scores[:, 0].sigmoid(), (target > 1).float()),
        lambda scores, target: functional.kl_div(scores.log_softmax(1), torch.ones(4, 5) / 5, reduction="batchmean"),
        lambda scores, target: functional.cross_entropy(scores.softmax(1) @ torch.ones(5, 5), target),
    ],
)
def test_probabilities_where_they_belong_are_not(loss: Loss) -> None:
    """log_softmax before nll_loss or once too often, a softmax as the target, sigmoid before binary_cross_entropy."""
    assert codes(_classification(loss)) == []
