#!/usr/bin/env bash
# With: torch-optimizer 0.3.0 with torch 2.13.0
# Guess: a parameter group that is added after the optimizer was made is trained from then on, by every optimizer.
# Seen: AdaBound never steps it, without a word: it goes through its groups and the rates that it noted when it was made
#   side by side, and ends with the shorter one. RAdam, Yogi, Lamb and AdamP of the same package train the group.
# Matters: Layers that are unfrozen in mid-training have gradients and a group of their own, and stay as they were.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torch-optimizer==0.3.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
import torch_optimizer
from torch import nn


def moved(name):
    """Return which of a first and a later group of parameters have moved after ten more steps."""
    torch.manual_seed(0)
    first, later = nn.Linear(6, 8), nn.Linear(8, 1)
    optimizer = getattr(torch_optimizer, name)(first.parameters(), lr=0.01)
    optimizer.add_param_group({"params": list(later.parameters())})
    before = first.weight.detach().clone(), later.weight.detach().clone()
    for _ in range(10):
        optimizer.zero_grad()
        later(first(torch.randn(16, 6)).tanh()).square().mean().backward()
        optimizer.step()
    assert later.weight.grad.abs().min() > 0
    return not torch.equal(first.weight, before[0]), not torch.equal(later.weight, before[1])


for name in ("RAdam", "Yogi", "Lamb", "AdamP", "AdaBound"):
    seen = moved(name)
    print(f"{name:9}the first group has moved: {seen[0]}, the later one: {seen[1]}")
    assert seen == (True, name != "AdaBound")
PY
