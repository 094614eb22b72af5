#!/usr/bin/env bash
# With: pytorch_optimizer 4.1.0 with torch 2.13.0
# Guess: a warmup from a rate that is nearly 0 is harmless with any optimizer, and one from 0 makes a first step of 0.
# Seen: with one from a millionth of the default rate within ten steps FTRL and Gravity end with weights of more than
#   1,000 on a problem that both train without a warmup: Gravity divides by the rate when it first draws its velocity,
#   FTRL keeps the weights divided by the rate of each step. From exactly 0, as LambdaLR often starts, FTRL is NaN after
#   one step and Gravity raises ZeroDivisionError. AdaBelief and Lion train as they do without one.
# Matters: The one thing that is added to make the start gentle is what destroys the weights.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 pytorch_optimizer==4.1.0 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import math

import torch
from pytorch_optimizer import load_optimizer
from torch import nn


def trained(name, start):
    """Return the loss before and after thirty steps, the first ten of them a warmup from that share of the rate."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
    inputs, wanted = torch.randn(16, 6), torch.randn(16, 1)
    optimizer = load_optimizer(name)(model.parameters())
    warmup = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, start + step / 10))
    losses = []
    for _ in range(31):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), wanted)
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
        warmup.step()
    return losses[0], losses[-1], max(parameter.abs().max().item() for parameter in model.parameters())


for name in ("adabelief", "lion", "ftrl", "gravity"):
    for start in (1.0, 1e-6):
        first, last, largest = trained(name, start)
        print(f"{name:10} start {start:7}: loss {first:.4f} to {last:.4g}, largest weight {largest:.4g}")
        assert (largest > 1000) == (name in ("ftrl", "gravity") and start < 1)
first, last, largest = trained("ftrl", 0.0)
print(f"ftrl       start       0: loss {first:.4f} to {last}")
assert math.isnan(last)
try:
    trained("gravity", 0.0)
except ZeroDivisionError as error:
    print("gravity    start       0:", error)
else:
    raise AssertionError("Gravity starts from a rate of 0")
PY
