#!/usr/bin/env bash
# With: torchmetrics 1.9.0, torcheval 0.0.7 with torch 2.13.0
# Guess: a metric that is given predictions of a model in training keeps numbers, and no graph.
# Seen: MeanSquaredError and MeanMetric do. SpearmanCorrCoef of torchmetrics and Cat of torcheval keep the tensors as
#   given, until they are reset: with them the graphs of all batches stay alive, though update runs without gradients.
# Matters: Memory grows by the activations of a batch at each step of the epoch, and the script holds no loss itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  torch==2.13.0 torchmetrics==1.9.0 torcheval==0.0.7
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch import nn
from torcheval.metrics import Cat
from torchmetrics import MeanMetric, MeanSquaredError, SpearmanCorrCoef


def graphs_kept(update, kept):
    """Return how many tensors with a graph a metric holds after five batches; the script itself holds none."""
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    for _ in range(5):
        predicted, wanted = model(torch.randn(16, 3)).squeeze(1), torch.randn(16)
        loss = nn.functional.mse_loss(predicted, wanted)
        loss.backward()
        update(predicted, wanted, loss)
    return sum(value.grad_fn is not None for value in kept())


square, mean, rank, cat = MeanSquaredError(), MeanMetric(), SpearmanCorrCoef(), Cat()
seen = {
    "MeanSquaredError": graphs_kept(lambda y, t, loss: square.update(y, t), lambda: [square.sum_squared_error]),
    "MeanMetric": graphs_kept(lambda y, t, loss: mean.update(loss), lambda: [mean.mean_value]),
    "SpearmanCorrCoef": graphs_kept(lambda y, t, loss: rank.update(y, t), lambda: rank.preds),
    "torcheval Cat": graphs_kept(lambda y, t, loss: cat.update(y), lambda: cat.inputs),
}
for name, graphs in seen.items():
    print(f"{name:18}{graphs} graphs of 5 batches kept")
assert seen == {"MeanSquaredError": 0, "MeanMetric": 0, "SpearmanCorrCoef": 5, "torcheval Cat": 5}
PY
