#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: under a gradient that never changes, RMSprop(centered=True) makes steps of about lr, as it does without
#   centered, and stays finite.
# Seen: the steps grow from 0.002 after a hundred to 0.15 after a thousand, 150 times lr. Then the variance, a
#   difference of two numbers that are nearly equal, can round to less than 0 before its root is taken: after 4,000
#   steps about one in forty of 2,000 weights with gradients between 0 and 10 is NaN.
# Matters: L1 losses, hinge losses and biases have gradients that are constant for long stretches: a quiet plateau
#   ends in jumps or in a NaN, with no gradient that is large or NaN anywhere.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch import nn


def train(centered, steps):
    torch.manual_seed(0)
    weights, gradient = nn.Parameter(torch.zeros(2000)), torch.rand(2000) * 10
    optimizer, sizes = torch.optim.RMSprop([weights], lr=0.001, centered=centered), {}
    for step in range(1, steps + 1):
        before = weights.detach().clone()
        weights.grad = gradient.clone()
        optimizer.step()
        if step in (100, 1000):
            sizes[step] = (weights.detach() - before).abs().median().item()
    return sizes, weights.isnan().sum().item()


for centered in (False, True):
    sizes, nans = train(centered, 4000)
    print(f"centered={centered}: median step {sizes[100]:.4f} at 100, {sizes[1000]:.4f} at 1000; {nans} of 2000 are NaN")
    if centered:
        assert sizes[100] < 0.003 and sizes[1000] > 0.1
        assert nans > 10
    else:
        assert sizes[1000] < 0.0011 and nans == 0
PY
