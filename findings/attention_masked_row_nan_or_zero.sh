#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: a query that may attend to nothing comes out the same from nn.MultiheadAttention, whether the weights are
#   asked for or not.
# Seen: with need_weights=True (the default) that row is NaN, with need_weights=False it is as if all weights were
#   0, without a NaN.
# Matters: Whether a padded batch turns into NaN depends on whether somebody looks at the attention weights.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch import nn

torch.manual_seed(0)
attention = nn.MultiheadAttention(4, 2, batch_first=True)
x, mask = torch.randn(1, 3, 4), torch.zeros(3, 3, dtype=torch.bool)
mask[0] = True
seen = {need: attention(x, x, x, attn_mask=mask, need_weights=need)[0].isnan().sum().item() for need in (True, False)}
print("NaN by need_weights", seen)
assert seen == {True: 4, False: 0}
PY
