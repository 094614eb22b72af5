#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: the weight of a pruned layer is weight_orig times weight_mask, whenever it is read.
# Seen: it is a tensor that the last forward left: after a step of the optimizer, and after load_state_dict, it holds
#   the numbers of before until the layer runs again. A weight under a parametrization is new at each read.
# Matters: Weights that are logged, averaged or compared after the step are those of before it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch import nn
from torch.nn.utils import prune

torch.manual_seed(0)
layer = prune.l1_unstructured(nn.Linear(3, 1), "weight", amount=1)


def apart():
    return (layer.weight - layer.weight_orig * layer.weight_mask).abs().max().item()


optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
layer(torch.ones(1, 3)).sum().backward()
optimizer.step()
after_step = apart()
layer(torch.ones(1, 3))
after_forward = apart()
layer.load_state_dict({name: value + 1 if name == "weight_orig" else value for name, value in layer.state_dict().items()})
after_load = apart()
print(f"weight off by {after_step} after a step, {after_forward} after a forward, {after_load} after load_state_dict")
assert after_step > 0.9 and after_load > 0.9
assert after_forward == 0
PY
