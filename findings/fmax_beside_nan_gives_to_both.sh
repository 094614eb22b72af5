#!/usr/bin/env bash
# With: torch 2.14.1
# Guess: fmax(a, b) takes the number where the other one is NaN, so the number gets the gradient, and NaN gets 0.
# Seen: both get all of it: a loss of 1 sends 1 to each. In 2.13.0 and 2.15.0 it is as guessed; fmin does the same.
# Matters: fmax is what one masks missing values with, and they, or what made them NaN, get a gradient in this version.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.14.1
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch

for function in (torch.fmax, torch.fmin):
    number, missing = torch.tensor(1.0, requires_grad=True), torch.tensor(float("nan"), requires_grad=True)
    for pair in ((number, missing), (missing, number)):
        result = function(*pair)
        found = [gradient.item() for gradient in torch.autograd.grad(result, pair)]
        print(function.__name__, [tensor.item() for tensor in pair], "=", result.item(), "sends", found)
        assert result.item() == 1.0 and found == [1.0, 1.0]
PY
