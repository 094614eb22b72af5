#!/usr/bin/env bash
# With: torch 2.13.0
# Guess: GradScaler keeps its scale above zero, however many steps are skipped.
# Seen: after 166 skipped steps in a row the scale is exactly 0.0; then the scaled loss is 0, its gradients are 0,
#   unscaling multiplies them by infinity, the NaN is not found, and the step writes it into the weights.
# Matters: A long stretch of skipped steps ends in NaN weights at the first finite gradient.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch

scaler, weight = torch.amp.GradScaler("cpu"), torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.SGD([weight], lr=0.1)
skipped = 0
while scaler.get_scale() > 0 and skipped < 1000:
    weight.grad = torch.tensor([float("inf")])
    scaler.scale(torch.ones(()))
    scaler.step(optimizer)
    scaler.update()
    skipped += 1
assert weight.item() == 1.0
optimizer.zero_grad()
scaler.scale((weight * 1.0).sum()).backward()
scaler.step(optimizer)
print("skipped", skipped, "scale", scaler.get_scale(), "weight after one finite gradient", weight.item())
assert skipped == 166 and scaler.get_scale() == 0.0
assert weight.isnan().all()
PY
