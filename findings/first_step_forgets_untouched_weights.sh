#!/usr/bin/env bash
# With: pytorch_optimizer 4.1.0 with torch 2.13.0
# Guess: without weight decay a weight whose gradient is 0 stays as it is, as the rows of an embedding that the batch does
#   not name, and with it moves by about lr times weight_decay.
# Seen: the first step of FTRL sets every such row to 0, and that of SRMM multiplies it by 0.707: both make the weights
#   anew out of sums that begin at 0. AdamS divides its decay by the mean square of all gradients: when all are 0, each
#   step multiplies the weights by -9.
# Matters: A pretrained embedding is gone after one batch; one batch that is masked wholly turns all weights around.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 pytorch_optimizer==4.1.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from pytorch_optimizer import load_optimizer


def after_one_step(name, share):
    """Return by what the untouched rows are multiplied in a step on the first row."""
    torch.manual_seed(0)
    table = torch.nn.Embedding(4, 3)
    optimizer = load_optimizer(name)(table.parameters())
    before = table.weight.detach().clone()
    (share * table(torch.tensor([0])).square().sum()).backward()
    assert (table.weight.grad[1:] == 0).all()
    optimizer.step()
    factors = table.weight.detach()[1:] / before[1:]
    return factors.min().item(), factors.max().item()


for name, share, expected in (
    ("sgd", 1.0, 1.0),
    ("adabelief", 1.0, 1.0),
    ("ftrl", 1.0, 0.0),
    ("srmm", 1.0, 0.5**0.5),
    ("adams", 1.0, 1.0),
    ("adams", 0.0, -9.0),
):
    least, greatest = after_one_step(name, share)
    what = "the first row has a gradient" if share else "all gradients are 0"
    print(f"{name:10} {what}: the untouched rows are multiplied by {least:.4f} to {greatest:.4f}")
    assert abs(least - expected) < 0.01 and abs(greatest - expected) < 0.01
PY
