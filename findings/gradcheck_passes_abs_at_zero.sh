#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: gradcheck fails at a kink.
# Seen: it fails for relu at 0, and passes for abs at 0: central differences give 0 there, which is the subgradient
#   that torch sends.
# Matters: A passing gradcheck does not say that a function has a derivative at that point.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch

point = torch.zeros(2, dtype=torch.float64, requires_grad=True)
found = {f.__name__: torch.autograd.gradcheck(f, point, raise_exception=False) for f in (torch.relu, torch.abs)}
print(found)
assert found == {"relu": False, "abs": True}
PY
