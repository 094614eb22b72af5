#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: clip_grad_norm_ with norm_type=0 takes the number of non-zero entries of all gradients, as vector_norm with
#   ord 0 does for one tensor.
# Seen: it returns the number of tensors that are not all zero (the 0-norm of the 0-norms), and scales by that: six
#   non-zero entries in two parameters give 2.0 and all gradients halved.
# Matters: A norm that is taken tensor by tensor is only right where the norm of norms is the norm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch import nn

first, second = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(4))
first.grad, second.grad = torch.tensor([1.0, 2.0, 0.0]), torch.ones(4)
total = nn.utils.clip_grad_norm_([first, second], max_norm=1.0, norm_type=0)
entries = torch.linalg.vector_norm(torch.cat([first.grad, second.grad]), 0)
print("norm", total.item(), "non-zero entries", entries.item(), "after", first.grad.tolist(), second.grad.tolist())
assert total.item() == 2.0 and entries.item() == 6.0
assert torch.allclose(second.grad, torch.full((4,), 0.5))
PY
