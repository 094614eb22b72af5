"""Purely functional training: autograd.grad, and new weights each time.

Findings: none
"""

import torch

torch.manual_seed(12)
params = {"w": torch.randn(3, 1, requires_grad=True), "b": torch.zeros(1, requires_grad=True)}
x, y = torch.randn(25, 3), torch.randn(25, 1)
for step in range(10):
    loss = (x @ params["w"] + params["b"] - y).abs().mean()
    gradients = torch.autograd.grad(loss, list(params.values()))
    params = {k: (p - 0.05 * g).detach().requires_grad_() for (k, p), g in zip(params.items(), gradients)}
