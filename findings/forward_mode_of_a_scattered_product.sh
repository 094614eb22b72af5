#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: jvp and vjp of one function are of one Jacobian where it is smooth.
# Seen: through scatter_reduce with "prod" every tangent is 0, where the gradients are right; torch.func.hessian
#   has a diagonal that is not 0 and nothing beside it, where the true one is the reverse. "sum", "mean", "amax" agree.
# Matters: A tangent of 0 looks like a function that does not depend on its input.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch.func import hessian, jacfwd, jacrev

x, index = torch.tensor([2.0, 3.0, 5.0]), torch.zeros(3, dtype=torch.long)
for kind in ("prod", "sum", "mean", "amax"):
    function = lambda x: torch.ones(1).scatter_reduce(0, index, x, kind)[0]
    forward, reverse = jacfwd(function)(x).tolist(), jacrev(function)(x).tolist()
    print(f"{kind:5} forward {forward} reverse {reverse}")
    assert (forward == reverse) == (kind != "prod")
    if kind == "prod":
        assert forward == [0.0, 0.0, 0.0] and reverse == [15.0, 10.0, 6.0]
        found, true = hessian(function)(x), jacrev(jacrev(function))(x)
        print("hessian", found.tolist(), "reverse over reverse", true.tolist())
        assert true.tolist() == [[0.0, 5.0, 3.0], [5.0, 0.0, 2.0], [3.0, 2.0, 0.0]]
        assert not torch.allclose(found, true)
        assert (found - found.diag().diag() == 0).all()
PY
