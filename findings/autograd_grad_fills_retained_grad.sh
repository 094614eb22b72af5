#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: torch.autograd.grad returns gradients and fills no .grad at all.
# Seen: an intermediate result that asked to retain its gradient gets its .grad filled by autograd.grad too, where
#   the backward passes through it.
# Matters: Whoever watches .grad has to look there under autograd.grad as well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch

x = torch.ones(2, requires_grad=True)
y = x * 2
y.retain_grad()
torch.autograd.grad((y * 3).sum(), x)
print("x.grad", x.grad, "y.grad", y.grad)
assert x.grad is None
assert y.grad.tolist() == [3.0, 3.0]
PY
