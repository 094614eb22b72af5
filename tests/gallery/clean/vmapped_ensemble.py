"""Per-sample gradients by torch.func.vmap of grad, averaged and applied by hand.

Findings: none
"""

import torch
from torch.func import grad, vmap

torch.manual_seed(98)
w = torch.zeros(3)


def loss(w, x, y):
    return (x @ w - y) ** 2


x = torch.randn(20, 3)
y = x @ torch.tensor([1.0, -1.0, 2.0])
for step in range(8):
    per_sample = vmap(grad(loss), in_dims=(None, 0, 0))(w, x, y)
    clipped = per_sample / per_sample.norm(dim=1, keepdim=True).clamp(min=1.0)
    w = w - 0.2 * clipped.mean(0)
