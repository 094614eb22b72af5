#!/usr/bin/env bash
# With: pytorch_optimizer 4.1.0 with torch 2.13.0
# Guess: an optimizer reads .grad and leaves it as it is.
# Seen: the step of Adalite changes .grad itself in place; AdaBelief and Lion of the same package leave it.
# Matters: Gradients that are read after the step are not those of the backward.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 pytorch_optimizer==4.1.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
import pytorch_optimizer

torch.manual_seed(0)
seen = {}
for name in ("AdaBelief", "Lion", "Adalite"):
    weight = torch.nn.Parameter(torch.randn(4, 4))
    weight.grad = torch.ones(4, 4)
    getattr(pytorch_optimizer, name)([weight]).step()
    seen[name] = torch.equal(weight.grad, torch.ones(4, 4))
print("gradient is what it was", seen)
assert seen == {"AdaBelief": True, "Lion": True, "Adalite": False}
PY
