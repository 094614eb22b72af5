#!/usr/bin/env bash
# With: torch 2.13.0 on the CPU
# Guess: the gradient of ctc_loss by its log-probabilities is the derivative of the loss by them, so a label that is
#   not in the target has 0 at every time step.
# Seen: it is the derivative plus exp(log-probability), everywhere: up to 0.7 where the loss does not change at all. What
#   is added vanishes behind log_softmax, so the gradient of the logits is right, and it stays where there is none.
# Matters: gradcheck of ctc_loss by its own input fails, and so does any other check of that node by finite
#   differences; a gradient of the log-probabilities that is looked at, clipped or penalised is not one of the loss.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch.nn import functional as F

torch.manual_seed(0)
logits = torch.randn(6, 1, 4, dtype=torch.float64)


def loss(log_probabilities):
    return F.ctc_loss(log_probabilities, torch.tensor([[1, 2]]), (6,), (2,), reduction="sum")


def by_differences(function, at):
    result = torch.zeros_like(at)
    for index in range(at.numel()):
        step = torch.zeros_like(at)
        step.view(-1)[index] = 1e-6
        result.view(-1)[index] = (function(at + step) - function(at - step)) / 2e-6
    return result


def by_autograd(function, at):
    at = at.clone().requires_grad_()
    return torch.autograd.grad(function(at), at)[0]


inner = logits.log_softmax(-1)
measured, sent = by_differences(loss, inner), by_autograd(loss, inner)
print("for a label that is not in the target, measured:", measured[:, 0, 3].tolist(), "sent:", sent[:, 0, 3].tolist())
assert measured[:, 0, 3].abs().max() == 0
assert sent[:, 0, 3].min() > 0.01
assert torch.allclose(sent, measured + inner.exp(), atol=1e-7)
whole = lambda logits: loss(logits.log_softmax(-1))
assert torch.allclose(by_autograd(whole, logits), by_differences(whole, logits), atol=1e-7)
PY
