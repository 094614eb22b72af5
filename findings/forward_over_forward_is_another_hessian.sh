#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: jacfwd(jacfwd(f)), jacfwd(jacrev(f)) and jacrev(jacrev(f)) are one matrix where f is smooth.
# Seen: through layer_norm, linalg.solve, slogdet and det the forward over forward one is another matrix, off by half and
#   more, without a word; the other two agree with finite differences. Through prod, softmax and exp all agree.
# Matters: Second derivatives by two forward passes, as for a Laplacian, are wrong through a layer norm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch.func import jacfwd, jacrev
from torch.nn import functional as F

x = torch.tensor([1.0, 2.0, 3.0, 5.0], dtype=torch.float64)
right = torch.tensor([1.0, 2.0], dtype=torch.float64)
smooth = {
    "layer_norm": lambda x: F.layer_norm(x, (4,)).pow(3).sum(),
    "solve": lambda x: torch.linalg.solve(x.reshape(2, 2), right).sum(),
    "slogdet": lambda x: torch.linalg.slogdet(x.reshape(2, 2))[1],
    "det": lambda x: torch.det(x.reshape(2, 2)),
    "prod": lambda x: x.prod(),
    "softmax": lambda x: x.softmax(0).pow(2).sum(),
    "exp": lambda x: x.exp().sum(),
}


def by_differences(function):
    """Return the central differences of the gradient, a 4 by 4 matrix."""
    gradient, step = jacrev(function), 1e-5
    rows = [(gradient(x + step * unit) - gradient(x - step * unit)) / (2 * step) for unit in torch.eye(4).double()]
    return torch.stack(rows)


wrong = set()
for name, function in smooth.items():
    true = by_differences(function)
    found = [jacfwd(jacfwd(function))(x), jacfwd(jacrev(function))(x), jacrev(jacrev(function))(x)]
    off = [((matrix - true).abs().max() / true.abs().max()).item() for matrix in found]
    print(f"{name:12} relative error: forward over forward {off[0]:.0e}, over reverse {off[1]:.0e}, reverse {off[2]:.0e}")
    assert max(off[1:]) < 1e-5 and (off[0] < 1e-5 or off[0] > 0.1)
    if off[0] > 0.1:
        wrong.add(name)
assert wrong == {"layer_norm", "solve", "slogdet", "det"}
PY
