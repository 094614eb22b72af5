#!/usr/bin/env bash
# With: entmax 1.3 with torch 2.13.0
# Guess: a row that is -1e9 everywhere, as of a query whose keys are all masked, is uniform, as softmax of it is.
# Seen: sparsemax and entmax15 are uniform; entmax_bisect and sparsemax_bisect are NaN, since -1e9 - 1 is -1e9 in float32.
#   Any row whose greatest entry is beyond 2**24 does it.
# Matters: One padded row makes the loss NaN with the bisecting variant, which is the one with a learnable alpha.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 entmax==1.3
"$folder/venv/bin/python" -W ignore - <<'PY'
import entmax
import torch

for name in ("sparsemax", "entmax15", "entmax_bisect", "sparsemax_bisect"):
    for height in (-1e9, -1e4):
        row = getattr(entmax, name)(torch.full((1, 4), height), dim=-1)
        print(f"{name:17} of a row of {height:.0e}: {row[0].tolist()}")
        expected = torch.full((1, 4), float("nan") if name.endswith("bisect") and height == -1e9 else 0.25)
        assert torch.allclose(row, expected, atol=1e-6, equal_nan=True)
PY
