#!/usr/bin/env bash
# With: accelerate 1.15.0 with torch 2.13.0
# Guess: gradient accumulation over 3 batches averages over the batches that there are: with 5 batches, over 3 and
#   then over 2.
# Seen: the last window of 2 is divided by 3 as well, and steps: its gradient is two thirds of the mean.
# Matters: The last step of every epoch is smaller than the others.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 accelerate==1.15.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from accelerate import Accelerator

accelerator = Accelerator(gradient_accumulation_steps=3, cpu=True)
model = torch.nn.Linear(1, 1, bias=False)
optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
batches = torch.utils.data.DataLoader(torch.ones(5, 1), batch_size=1)
model, optimizer, batches = accelerator.prepare(model, optimizer, batches)
stepped = []
for batch in batches:
    with accelerator.accumulate(model):
        accelerator.backward(model(batch).sum())
        if accelerator.sync_gradients:
            stepped.append(round(model.weight.grad.item(), 4))
        optimizer.step()
        optimizer.zero_grad()
print("gradient at each step (each batch alone gives 1)", stepped)
assert stepped == [1.0, 0.6667]
PY
