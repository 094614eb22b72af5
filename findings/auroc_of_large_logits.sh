#!/usr/bin/env bash
# With: torchmetrics 1.9.0 with torch 2.13.0
# Guess: an AUROC depends on the order of the scores alone, so logits can be given as they are.
# Seen: as soon as one score of a batch lies outside 0 to 1 the batch goes through a sigmoid, and in float32 all logits
#   from about 17 up are then one number: the AUROC falls from 0.83 to 0.5. And a batch of logits that all happen to lie
#   within 0 to 1 is taken as probabilities, so that of one and the same logit 0.3 one batch makes a 0, another a 1.
# Matters: The score of a confident model is lowered, and it depends on what else is in the batch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 torchmetrics==1.9.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torchmetrics.functional.classification import binary_accuracy, binary_auroc, multiclass_auroc

label = torch.tensor([0, 0, 1, 0, 1])
logits = torch.tensor([18.0, 19.0, 20.0, 30.0, 40.0])
order = binary_auroc(logits / 100, label).item()
found = binary_auroc(logits, label).item()
in_double = binary_auroc(logits.double(), label).item()
print("AUROC of the order", order, "of the logits", found, "in float64", in_double)
assert abs(order - 5 / 6) < 1e-6 and found == 0.5
one = torch.tensor([1])
alone, beside = binary_accuracy(torch.tensor([0.3]), one), binary_accuracy(torch.tensor([0.3, 2.0]), torch.tensor([1, 1]))
print("accuracy of 0.3 for a 1: alone", alone.item(), "beside a 2.0 for a 1", beside.item())
assert alone == 0.0 and beside == 1.0
PY
