#!/usr/bin/env bash
# With: torch 2.13.0, torchmetrics 1.9.0
# Guess: the cosine of a row of zeros with another one is 0 everywhere, and so is its gradient: where there is no
#   direction there is nothing to turn.
# Seen: torch.cosine_similarity is 0 with a gradient of 1e8 (the other row over eps = 1e-8), though its own length has a
#   subgradient of 0 there. torchmetrics' cosine_similarity of the same rows is NaN, with NaN gradients: it has no eps.
# Matters: One row of padding or of dead units multiplies the norm of all gradients by 1e8 while the loss looks fine, and
#   clipping then shrinks all others to nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchmetrics==1.9.0 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
import torchmetrics.functional

other = torch.tensor([[0.6, 0.8], [1.0, 0.0]])


def look(name, function):
    rows = torch.tensor([[0.0, 0.0], [1.0, 1.0]], requires_grad=True)
    value = function(rows, other)
    value.sum().backward()
    print(f"{name:13}{value.tolist()}  {rows.grad.tolist()}")
    return value.detach(), rows.grad


value, gradient = look("torch", torch.cosine_similarity)
assert value[0] == 0
assert torch.allclose(gradient[0], other[0] * 1e8)
assert gradient[1].abs().max() < 1
value, gradient = look("torchmetrics", torchmetrics.functional.cosine_similarity)
assert value.isnan().all()
assert gradient[0].isnan().all()
PY
