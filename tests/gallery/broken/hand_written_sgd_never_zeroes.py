"""Gradient descent by hand, and the .grad buffers are never set back to zero.

Findings: G004
Line: 16 or 18 or 19
"""

import torch

torch.manual_seed(4)
x = torch.linspace(-1, 1, 40)
y = 3 * x - 0.5 + 0.1 * torch.randn(40)
w = torch.zeros(1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for step in range(15):
    loss = ((w * x + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.05 * w.grad
        b -= 0.05 * b.grad
