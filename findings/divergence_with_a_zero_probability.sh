#!/usr/bin/env bash
# With: torchmetrics 1.9.0, torch 2.13.0
# Guess: a probability of exactly 0 adds 0 to a Jensen-Shannon or Kullback-Leibler divergence, and its own derivative is
#   minus infinity; the other entries have the finite derivatives that a small probability in its place gives them.
# Seen: the values are right, and the gradient is NaN in every entry of both distributions. With 1e-12 instead of 0 all
#   are finite. The entry is set to 0 in place after x log(x / y) was computed, and dividing each row by its sum brings
#   its NaN to the others. The class says that it is differentiable.
# Matters: A divergence of histograms or of one-hot targets, used as a loss, looks fine while it makes the weights NaN.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchmetrics==1.9.0 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torchmetrics.functional import kl_divergence
from torchmetrics.functional.regression import jensen_shannon_divergence
from torchmetrics.regression import JensenShannonDivergence


def look(name, function, least):
    p = torch.tensor([[least, 0.5, 0.5 - least]], requires_grad=True)
    q = torch.tensor([[0.25, 0.25, 0.5]], requires_grad=True)
    value = function(p, q)
    value.backward()
    print(f"{name:3} {least:6.0e} {value.item():.4f}  {p.grad.tolist()} {q.grad.tolist()}")
    return value.item(), torch.cat([p.grad, q.grad])


assert JensenShannonDivergence.is_differentiable
for name, function in (("KL", kl_divergence), ("JS", jensen_shannon_divergence)):
    value, gradient = look(name, function, 0.0)
    near, usual = look(name, function, 1e-12)
    assert abs(value - near) < 1e-6
    assert gradient.isnan().all()
    assert usual.isfinite().all()
PY
