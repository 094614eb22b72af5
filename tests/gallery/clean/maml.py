"""MAML: the inner update keeps its graph (create_graph), and the outer loss goes back through it.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(24)
w = nn.Parameter(torch.randn(3, 1) * 0.1)
b = nn.Parameter(torch.zeros(1))
meta_optimizer = torch.optim.Adam([w, b], lr=1e-2)


def predict(x, weights):
    return x @ weights[0] + weights[1]


for iteration in range(5):
    meta_optimizer.zero_grad()
    meta_loss = 0
    for task in range(2):
        slope = torch.randn(3, 1)
        x_s, x_q = torch.randn(6, 3), torch.randn(6, 3)
        inner = nn.functional.mse_loss(predict(x_s, (w, b)), x_s @ slope)
        grads = torch.autograd.grad(inner, (w, b), create_graph=True)
        fast = [p - 0.1 * g for p, g in zip((w, b), grads)]
        meta_loss = meta_loss + nn.functional.mse_loss(predict(x_q, fast), x_q @ slope)
    meta_loss.backward()
    meta_optimizer.step()
