#!/usr/bin/env bash
# With: torchopt 0.7.3 with torch 2.13.0
# Guess: torchopt.MetaSGD gives the module new values and leaves its Parameters in place.
# Seen: after a step the module's own parameters() are tensors with a grad_fn and no leaves; the Parameter that an
#   outer optimizer holds is no longer part of the module.
# Matters: An optimizer made before goes on training a tensor that the model does not use.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchopt==0.7.3
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
import torchopt

module = torch.nn.Linear(1, 1, bias=False)
held = module.weight
inner = torchopt.MetaSGD(module, lr=0.1)
inner.step(module(torch.ones(1, 1)).sum())
now = list(module.parameters())[0]
print(type(now).__name__, "leaf", now.is_leaf, "the same", now is held)
assert now is not held and not now.is_leaf
PY
