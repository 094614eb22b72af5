#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: clip_grad_norm_ with one infinite gradient makes all gradients NaN, as one NaN gradient does.
# Seen: a NaN makes all NaN; an infinity becomes NaN itself and sets every other gradient to exactly 0.
# Matters: After clipping the other parameters look as if nothing had reached them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch import nn


def clipped(bad):
    first, second = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    first.grad, second.grad = torch.tensor([bad]), torch.ones(1)
    nn.utils.clip_grad_norm_([first, second], max_norm=1.0)
    return first.grad.item(), second.grad.item()


print("NaN:", clipped(float("nan")), "inf:", clipped(float("inf")))
assert all(value != value for value in clipped(float("nan")))
first, second = clipped(float("inf"))
assert first != first and second == 0.0
PY
