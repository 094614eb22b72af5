"""Gradient descent by hand: w -= lr * w.grad outside of no_grad.

Findings: G106
Line: 16
Raises: RuntimeError
"""

import torch

torch.manual_seed(0)
w = torch.randn(3, requires_grad=True)
x, y = torch.randn(10, 3), torch.randn(10)
for step in range(3):
    loss = (x @ w - y).pow(2).mean()
    loss.backward()
    w -= 0.1 * w.grad
    w.grad.zero_()
