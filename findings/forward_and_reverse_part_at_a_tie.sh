#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: whatever torch sends at a tie or a kink, jvp and vjp take one choice.
# Seen: at a tie fmax sends its gradient to the first alone and takes its tangent from the second alone; atan2(0, 0) and
#   lp_pool of zeros have gradients of 0 and tangents of NaN. fmin, maximum, amax, abs, clamp and vector_norm agree.
# Matters: torch.func.jvp and vjp are then of two Jacobians, and a check of one by the other fails on correct code.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch.func import jacfwd, jacrev
from torch.nn import functional as F

points = {
    "fmax": (lambda x: torch.fmax(x[0], x[1]), [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]),
    "fmin": (lambda x: torch.fmin(x[0], x[1]), [1.0, 1.0], [1.0, 0.0], [1.0, 0.0]),
    "atan2": (lambda x: torch.atan2(x[0], x[1]), [0.0, 0.0], [0.0, 0.0], ["nan", "nan"]),
    "lp_pool": (lambda x: F.lp_pool1d(x[None], 2, 2)[0, 0], [0.0, 0.0], [0.0, 0.0], ["nan", "nan"]),
    "maximum": (lambda x: torch.maximum(x[0], x[1]), [1.0, 1.0], [0.5, 0.5], [0.5, 0.5]),
    "amax": (lambda x: x.amax(), [1.0, 1.0], [0.5, 0.5], [0.5, 0.5]),
    "abs": (lambda x: x.abs().sum(), [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]),
    "clamp": (lambda x: x.clamp(0, 1).sum(), [0.0, 1.0], [1.0, 1.0], [1.0, 1.0]),
    "vector_norm": (torch.linalg.vector_norm, [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]),
}
for name, (function, at, *expected) in points.items():
    x = torch.tensor(at)
    found = [jacobian(function)(x) for jacobian in (jacrev, jacfwd)]
    found = [["nan" if entry != entry else entry for entry in row.tolist()] for row in found]
    print(f"{name:12} at {at}: reverse {found[0]} forward {found[1]}")
    assert found == expected
PY
