#!/usr/bin/env bash
# With: thop 0.1.1.post2209072238 with torch 2.13.0
# Guess: thop.profile counts the operations of a model and leaves it as it was.
# Seen: modules that it has no rule for, as Flatten, keep two buffers, total_ops and total_params: they are in the
#   state dict from then on, and a fresh model refuses it. Linear and ReLU, which it has rules for, are clean.
# Matters: Checkpoints of a model whose operations were once counted cannot be loaded, long after and elsewhere.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 thop==0.1.1.post2209072238
"$folder/venv/bin/python" -W ignore - <<'PY'
import thop
import torch
from torch import nn


def make():
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))


model, before = make(), list(make().state_dict())
thop.profile(model, (torch.zeros(1, 4),), verbose=False)
added = [name for name in model.state_dict() if name not in before]
print("in the state dict now:", added)
assert added == ["0.total_ops", "0.total_params"]
try:
    make().load_state_dict(model.state_dict())
except RuntimeError as error:
    print(error)
else:
    raise SystemExit("a fresh model loads it")
PY
