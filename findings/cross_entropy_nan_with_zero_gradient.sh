#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: a NaN loss has NaN gradients.
# Seen: cross_entropy whose targets are all ignore_index is NaN (0 / 0), and its gradient is zero everywhere:
#   weights stay finite, and a GradScaler sees nothing.
# Matters: A NaN in the plot of losses need not be a NaN in the training.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch.nn import functional as F

logits = torch.randn(3, 5, requires_grad=True)
loss = F.cross_entropy(logits, torch.full((3,), -100))
loss.backward()
print("loss", loss.item(), "gradient", logits.grad.abs().max().item())
assert loss.isnan()
assert (logits.grad == 0).all()
PY
