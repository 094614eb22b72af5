#!/usr/bin/env bash
# With: torchmetrics 1.9.0 with torch 2.13.0
# Guess: the R2 score of targets 10000 + N(0, 1) is that of N(0, 1), to three digits or so in float32.
# Seen: it is 0.0, the explained variance is above 1 and the normalised RMSE is NaN: they hold sums and sums of squares
#   in float32 and subtract them at the end. At 1000 it is off in its second digit. Pearson's correlation is good.
# Matters: Temperatures in kelvin, years and prices are such targets; centring them first is enough.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchmetrics==1.9.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torchmetrics import ExplainedVariance, NormalizedRootMeanSquaredError, PearsonCorrCoef, R2Score

torch.manual_seed(0)
noise, error = torch.randn(1000), 0.5 * torch.randn(1000)
found = {}
for offset in (0.0, 1000.0, 10000.0):
    target = noise + offset
    predicted = target + error
    true = 1 - (target - predicted).double().square().sum() / (target.double() - target.double().mean()).square().sum()
    metrics = (R2Score(), ExplainedVariance(), NormalizedRootMeanSquaredError(normalization="std"), PearsonCorrCoef())
    found[offset] = [true.item(), *(metric(predicted, target).item() for metric in metrics)]
    names = ("R2 in float64", "R2Score", "explained", "NRMSE", "Pearson")
    print("offset", offset, ", ".join(f"{name} {value:.4f}" for name, value in zip(names, found[offset], strict=True)))
near, middle, far = found.values()
assert abs(near[1] - near[0]) < 1e-5 and abs(far[0] - near[0]) < 1e-4
assert abs(middle[1] - middle[0]) > 0.002
assert far[1] == 0.0 and far[2] > 1 and far[3] != far[3]
assert abs(far[4] - near[4]) < 1e-4
PY
