#!/usr/bin/env bash
# With: opacus 1.6.0 with torch 2.13.0
# Guess: the gradients that GradSampleModule keeps for each sample are those that a backward of that sample alone gives,
#   for every layer that it accepts.
# Seen: a convolution with padding_mode "reflect", "circular" or "replicate" gets those of one padded with zeros; an
#   Embedding with scale_grad_by_freq gets unscaled ones; a weight that is read outside its layer too, as in a penalty,
#   misses that part. Nothing is said, and .grad itself is right.
# Matters: A private training follows the kept gradients, so it trains by the gradient of another network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 opacus==1.6.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from opacus import GradSampleModule
from torch import nn


class Penalised(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x) + self.layer.weight.square().sum()


class Alone(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


def error(layer, batch):
    """Return how far the kept gradients and their sum in .grad are from those of the samples alone, of the greatest."""
    model = Alone(layer)
    weight = next(model.parameters())
    true = []
    for sample in batch.split(1):
        true.append(torch.autograd.grad(model(sample).square().sum(), weight)[0])
    true = torch.stack(true)
    kept = GradSampleModule(model, loss_reduction="sum")
    kept(batch).square().sum().backward()
    scale = true.abs().max()
    return ((weight.grad_sample - true).abs().max() / scale).item(), ((weight.grad - true.sum(0)).abs().max() / scale).item()


torch.manual_seed(0)
images, indices = torch.randn(3, 4, 7, 7), torch.tensor([[1, 2, 0], [3, 3, 0], [5, 1, 2]])
right = {
    "Linear": error(nn.Linear(4, 3), torch.randn(3, 4)),
    "GroupNorm": error(nn.GroupNorm(2, 4), images),
    "Embedding": error(nn.Embedding(6, 4), indices),
    "Conv2d, zeros": error(nn.Conv2d(4, 3, 3, padding=1), images),
}
wrong = {
    f"Conv2d, {mode}": error(nn.Conv2d(4, 3, 3, padding=1, padding_mode=mode), images)
    for mode in ("reflect", "circular", "replicate")
}
wrong["a weight with a penalty"] = error(Penalised(), torch.randn(3, 4))
for name, (kept, grad) in (right | wrong).items():
    print(f"{name:24} the kept gradients are off by {kept:.3f}, .grad by {grad:.6f}")
assert all(kept < 1e-4 for kept, _ in right.values())
assert all(kept > 0.1 for kept, _ in wrong.values())
assert all(grad < 1e-4 for _, grad in (right | wrong).values())

frequent = error(nn.Embedding(6, 4, scale_grad_by_freq=True), indices)
print("Embedding, scaled by frequency: the kept gradients are off by", round(frequent[0], 3))
assert frequent[0] > 0.1
PY
