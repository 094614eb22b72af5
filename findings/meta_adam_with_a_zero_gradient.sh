#!/usr/bin/env bash
# With: torchopt 0.7.3 with torch 2.13.0
# Guess: a gradient of exactly 0 in the inner loop gives an inner step of 0, and changes no meta gradient.
# Seen: with MetaAdam, MetaAdamW, MetaRMSProp and MetaAdaGrad one such entry makes the meta gradient NaN (the root of a
#   second moment of 0); the inner weights are all finite. With eps_root=1e-8, 0 by default, MetaAdam has a finite one.
# Matters: One feature that is 0 in a whole inner batch is enough.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchopt==0.7.3
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
import torchopt
from torch import nn


def outer(make, features):
    """Return the inner weight after a step and the gradient of its sum by the scale of the inner loss."""
    torch.manual_seed(0)
    layer, scale = nn.Linear(2, 1), torch.tensor(1.0, requires_grad=True)
    optimizer = make(layer)
    optimizer.step((layer(torch.tensor([features])) * scale).pow(2).sum())
    return layer.weight.detach(), torch.autograd.grad(layer.weight.sum(), scale)[0].item()


kinds = {
    "MetaAdam": lambda layer: torchopt.MetaAdam(layer, lr=0.1),
    "MetaAdamW": lambda layer: torchopt.MetaAdamW(layer, lr=0.1),
    "MetaRMSProp": lambda layer: torchopt.MetaRMSProp(layer, lr=0.1),
    "MetaAdaGrad": lambda layer: torchopt.MetaAdaGrad(layer, lr=0.1),
    "MetaSGD": lambda layer: torchopt.MetaSGD(layer, lr=0.1),
    "MetaAdam, eps_root": lambda layer: torchopt.MetaAdam(layer, lr=0.1, eps_root=1e-8),
}
for name, make in kinds.items():
    found = [outer(make, features) for features in ([1.0, 0.5], [1.0, 0.0])]
    print(f"{name:20} meta gradient {found[0][1]:.3g}, with a feature of 0 {found[1][1]:.3g}")
    assert all(weight.isfinite().all() for weight, _ in found) and found[0][1] == found[0][1]
    assert (found[1][1] != found[1][1]) == (name not in ("MetaSGD", "MetaAdam, eps_root"))
PY
