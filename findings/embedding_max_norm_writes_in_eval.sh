#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: looking up nn.Embedding(max_norm=...) in eval mode under no_grad changes nothing.
# Seen: every look-up renormalises the rows that it reads in place, in eval mode and under no_grad too.
# Matters: An evaluation changes the weights, and by them the losses after it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch

torch.manual_seed(0)
table = torch.nn.Embedding(4, 3, max_norm=0.1).eval()
before = table.weight.detach().clone()
with torch.no_grad():
    table(torch.tensor([0]))
changed = (table.weight != before).any(dim=1).tolist()
print("rows changed", changed)
assert changed == [True, False, False, False]
PY
