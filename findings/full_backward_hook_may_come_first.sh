#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: when the full backward hook of a layer is called, the gradients of that layer's own parameters are there, for
#   every layer alike.
# Seen: they are there for all layers but those whose input needs no gradient, so the first: its hook comes before
#   them, and .grad is None, or that of the step before. Let the batch need a gradient, and the first layer is like
#   the others.
# Matters: A hook that logs gradients a layer logs the first one a step late, and accumulates into a half-done sum.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch import nn

torch.manual_seed(0)
model, filled = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)), {}
for index in (0, 2, 4):
    layer = model[index]
    layer.register_full_backward_hook(
        lambda layer, of_inputs, of_outputs, index=index: filled.update({index: layer.weight.grad is not None})
    )


def run(batch):
    model.zero_grad()
    model(batch).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    return dict(sorted(filled.items()))


plain, needing = run(torch.randn(3, 2)), run(torch.randn(3, 2, requires_grad=True))
print("weight.grad is there, by layer:", plain, "and with a batch that needs a gradient:", needing)
assert plain == {0: False, 2: True, 4: True}
assert needing == {0: True, 2: True, 4: True}
PY
