"""The squared error is written by hand: (N) minus (N, 1) gives an (N, N) matrix, and no warning.

Findings: G010
Line: 16
"""

import torch

torch.manual_seed(1)
features = torch.randn(50, 4)
prices = (features @ torch.tensor([[1.0], [2.0], [-1.0], [0.5]])) + 0.1 * torch.randn(50, 1)
weight = torch.zeros(4, requires_grad=True)
bias = torch.zeros((), requires_grad=True)
for _ in range(12):
    predicted = features @ weight + bias
    loss = torch.mean((predicted - prices) ** 2)
    loss.backward()
    with torch.no_grad():
        for p in (weight, bias):
            p -= 0.1 * p.grad
            p.grad.zero_()
