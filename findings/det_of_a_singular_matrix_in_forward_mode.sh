#!/usr/bin/env bash
# With: torch 2.13.0 on the CPU
# Guess: the derivative of a determinant at a singular matrix is its matrix of cofactors, forward as reverse.
# Seen: reverse it is; forward it is 0 in every direction.
# Matters: A forward derivative of a constraint det(A) = 0 says that nothing moves it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch.func import jacfwd, jacrev

for rows in ([[1.0, 2.0], [2.0, 4.0]], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]], [[1.0, 2.0], [3.0, 4.0]]):
    matrix = torch.tensor(rows, dtype=torch.float64)
    forward, reverse = jacfwd(torch.linalg.det)(matrix), jacrev(torch.linalg.det)(matrix)
    step = 1e-6 * torch.eye(len(rows), dtype=torch.float64)
    slope = (torch.linalg.det(matrix + step) - torch.linalg.det(matrix - step)) / 2e-6
    print(f"det {matrix.det().item():.1f} along the identity: forward {forward.trace().item():.4f}", end=" ")
    print(f"reverse {reverse.trace().item():.4f} differences {slope.item():.4f}")
    assert torch.isclose(reverse.trace(), slope, rtol=1e-5)
    if rows[-1] == [3.0, 4.0]:
        assert torch.allclose(forward, reverse)
    else:
        assert forward.abs().max() < 1e-9 and reverse.abs().max() > 1
PY
