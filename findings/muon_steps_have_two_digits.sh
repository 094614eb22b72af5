#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: with float64 weights Muon makes its step in float64: the step does not depend on the scale of the gradient,
#   up to 1e-15, and all its singular values are 1.
# Seen: it is computed in bfloat16 whatever the weights are: the gradient times 3 gives a step that is 0.02 away, and
#   the singular values are between 0.68 and 1.06.
# Matters: A step cannot be reproduced or checked by hand to more than two digits, and float64 does not help.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch import nn


def step(scale):
    torch.manual_seed(0)
    weights = nn.Parameter(torch.zeros(4, 4, dtype=torch.float64))
    weights.grad = scale * torch.randn(4, 4, dtype=torch.float64)
    torch.optim.Muon([weights], lr=1.0, weight_decay=0.0).step()
    return -weights.detach()


once, thrice = step(1.0), step(3.0)
values = torch.linalg.svdvals(once)
print("singular values", values.tolist(), "and apart by", (once - thrice).abs().max().item())
assert torch.equal(once, once.to(torch.bfloat16).double())
assert 0.001 < (once - thrice).abs().max() < 0.1
assert values.min() < 0.8
PY
